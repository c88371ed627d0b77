"""Servers that kinprint starts for itself: always torn down, whatever ends the run."""

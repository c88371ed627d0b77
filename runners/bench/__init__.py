"""Benchmarks: what kinprint promises of speed, memory and certainty, measured."""

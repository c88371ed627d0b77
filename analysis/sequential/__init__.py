"""Asking until it is sure: what to ask next, when enough was asked, and how often that is wrong."""

"""Batches: one run for each candidate, on this machine or on a cluster, each done once and failing alone."""

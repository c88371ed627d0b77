"""Answers as points in a space of sentences, for the one peer of the benchmark that compares them there."""

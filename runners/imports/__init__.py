"""Recordings that others made, turned into kinprint's own: one file a foreign format under `formats/`.

They live in `runners` because an import stands where asking a model would: it is another way to come by answers.
"""

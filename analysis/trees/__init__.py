"""Trees over models, from the distances between them."""

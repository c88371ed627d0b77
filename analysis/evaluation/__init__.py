"""How well a library attributes its own models."""

"""Search: the nearest of very many references, found without reading them all."""

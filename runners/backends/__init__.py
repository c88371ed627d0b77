"""Backends: everything that can be asked. Each file holds one, all behind `interface.Backend`."""

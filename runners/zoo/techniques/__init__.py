"""How descendants are made: one file a technique, each a function of source folders, `out` and settings."""

"""The evidence bundle: a recording, all that its verdict was computed from, and a signature over every byte of it.

One subject a file: `container` packs files into one, `envelope` signs a statement about them, `contents` chooses what
the verdict rests on, `recompute` reaches it again from nothing else, `verify` says whether it stands. docs/bundle.md
has the format for those who check it with other tools.
"""

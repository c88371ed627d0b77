"""Reference models of known lineage: recordings, an index, and the seal that says whose library it is."""

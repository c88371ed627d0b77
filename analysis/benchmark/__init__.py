"""The benchmark on models of known lineage: who is held out, what is measured, how sure a figure is."""

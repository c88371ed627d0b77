"""The chance of a verdict before anything is asked: what a library, a tier and a budget can tell, and what it costs."""

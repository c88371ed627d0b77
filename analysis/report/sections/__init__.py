"""The report's sections: each a module that prepares what it shows, and a template of its name."""

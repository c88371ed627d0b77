"""Jobs: one verb of the command line each. A job wires backend, recording and analysis, and holds no logic."""

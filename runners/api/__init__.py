"""How a model behind an OpenAI-compatible API is asked: one subject a file; the backend wires them together."""

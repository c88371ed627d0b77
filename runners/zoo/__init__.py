"""Real models for users without a hub, and descendants made from them. Importing it loads nothing heavy."""

"""A verdict for people: a table in the terminal, and one HTML file that opens anywhere."""

"""What is asked, and the form in which answers are kept. Knows no model and no statistics."""

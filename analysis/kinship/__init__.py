"""How much more alike two signatures are than strangers usually are, and what that is worth as evidence."""

"""From kinship with every reference to a verdict on the family, `unknown` among the answers."""

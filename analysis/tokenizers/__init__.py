"""Known tokenizers, as the number of tokens that each cuts the shipped prompts into. No file of anybody's is here."""

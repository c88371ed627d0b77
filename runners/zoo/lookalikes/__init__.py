"""Models trained from scratch on real text: independent weights that look alike, their descendants and students."""

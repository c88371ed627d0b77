"""From recordings to signatures: arrays that can be compared, whatever the access and the tokenizer."""

"""What the weights of two models say of shared ancestry, where the weights of both can be had (docs/weights.md)."""

"""What the answers mean. Needs numpy, scipy and scikit-learn; never vLLM, torch or the network."""

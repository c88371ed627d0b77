"""Whether two models share weight ancestry: scores of pairs, what strangers reach, and the test."""

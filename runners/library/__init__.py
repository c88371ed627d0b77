"""What `kinprint library` does with whole libraries: index, merge, sign, publish and pull."""

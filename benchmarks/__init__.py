"""What the performance claims stand on: each figure is a ratio against a peer measured in the same run."""

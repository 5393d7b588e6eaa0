"""Records of runs and checkpoints, on disk."""

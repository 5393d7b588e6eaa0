"""A user's own features and datasets."""

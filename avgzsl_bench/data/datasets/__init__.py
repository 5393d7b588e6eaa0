"""Datasets as facts: class lists, splits, recordings, feature sets."""

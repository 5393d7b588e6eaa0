"""Data: datasets as facts, layouts on disk, the store, simulated features, benchmarks."""

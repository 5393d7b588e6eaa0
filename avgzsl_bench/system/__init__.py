"""Files, folders, locks, signals, device and environment."""

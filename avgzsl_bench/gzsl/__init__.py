"""Task, decisions, curve, metrics and calibration: pure functions, no files, no plugins."""

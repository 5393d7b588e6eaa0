"""Simulated features."""

"""Downloading published archives, and importing what they hold."""

"""Downloading published archives."""

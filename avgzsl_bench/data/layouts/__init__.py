"""Layouts in which features are published: readers, import, export."""

"""Readers of the layouts in which the field's features were published."""

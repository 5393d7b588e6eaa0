"""Weights of encoders: where they are, how they get there, and how they are loaded without trusting them."""

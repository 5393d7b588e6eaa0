"""Plots of a board; matplotlib is loaded only where they are drawn."""

SHOWN = 24
"""Number of rows that plots show, those with the best HM first; tables show all."""

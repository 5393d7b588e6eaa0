"""Sweeps: a grid of methods, datasets and seeds as a list of runs, and engines that carry them out."""

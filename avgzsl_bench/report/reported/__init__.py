"""Figures that papers and projects reported, as data files in which every figure names its source.

Leaderboards show them beside what was measured, the literature tables by themselves.
"""

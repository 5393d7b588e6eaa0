"""What the methods are made of: layers, networks and losses.

A module named after a method holds its parts; every other is shared by several methods, or may be.
"""

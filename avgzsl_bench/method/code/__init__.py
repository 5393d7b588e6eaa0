"""The hash of a method's code: of what computes, without comments, docstrings, layout and descriptions."""

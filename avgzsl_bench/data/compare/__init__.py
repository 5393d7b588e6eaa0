"""Two feature sets of one dataset, compared on the videos that they share."""

"""Trackers of runs: what `--log` names, and a tracker for the length of a run."""

"""The audit of data on disk: known faults, each with evidence, effect on results and advice."""

"""What stands side by side: boards of all records, comparisons of chosen methods, and ablations."""

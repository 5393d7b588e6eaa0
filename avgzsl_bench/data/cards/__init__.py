"""Cards: how the vectors of a feature set were made."""

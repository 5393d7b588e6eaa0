"""Which classes videos are of: ranked, by a checkpoint or by encoders alone."""

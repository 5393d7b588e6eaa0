"""The store: one dataset with one feature set in one HDF5 file."""

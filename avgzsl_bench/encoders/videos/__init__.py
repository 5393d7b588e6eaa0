"""Videos by file, outside any dataset: finding and encoding them."""

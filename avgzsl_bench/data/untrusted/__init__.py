"""Reading files from outside without trusting them."""

"""Tables in each output format."""

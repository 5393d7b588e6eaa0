"""Tables as data: one builder per table, which knows no format."""

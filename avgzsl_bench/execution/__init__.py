"""From a plan through both stages to a record."""

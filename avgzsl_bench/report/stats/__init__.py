"""Statistics of results: pure functions of records and of the correctness of their predictions."""

"""Statistics of records: rows over seeds, intervals, tests."""

"""From clips to a feature set: decoding in worker processes, encoding in batches, the store and its report."""

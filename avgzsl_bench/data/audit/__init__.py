"""Auditing data as they lie: what is known to go wrong with them, with evidence, effect and what to do."""

"""Checks that plugin authors run on their plugins."""

from avgzsl_bench.testing.method_checks import check_method

__all__ = ["check_method"]

"""The conformance kit: what every plugin must keep to, for its author to check.

    from avgzsl_bench.testing import check_encoder, check_method, check_reader

    def test_my_method():
        check_method("my_method")

    def test_my_reader():
        check_reader("my_layout", "tests/sample_tree", "ucf")

    def test_my_encoder():
        check_encoder("my_encoder", weights="tests/tiny_weights")

Each check is a small function whose name and message say which rule was broken. With pytest they can be run one by
one: with `CHECKS` of `avgzsl_bench.testing.method_checks`, and with those of `reader_checks` and `encoder_checks`
likewise.

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_conformance(check):
        check(Trial.of("my_method"))    # or ReaderTrial.of("my_layout", "tests/sample_tree", "ucf")
"""

from avgzsl_bench.testing.encoder_checks import check_encoder
from avgzsl_bench.testing.method_checks import check_method
from avgzsl_bench.testing.reader_checks import check_reader
from avgzsl_bench.testing.trial import tiny_task

__all__ = ["check_encoder", "check_method", "check_reader", "tiny_task"]

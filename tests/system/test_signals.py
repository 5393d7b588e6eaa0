from __future__ import annotations

import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from avgzsl_bench.system.signals import Terminated, defer_signals, raise_on_signal


@pytest.fixture(autouse=True)
def _usual_handlers() -> Iterator[None]:
    """Whoever started the tests may have had signals ignored."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_raises_and_the_old_handler_returns() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated) as caught, raise_on_signal():
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with raise_on_signal(), defer_signals():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_held_signals_have_their_effect_afterwards() -> None:
    done = []

    def interrupted(number: int) -> None:
        signal.raise_signal(number)
        done.append(number)

    with pytest.raises(KeyboardInterrupt), defer_signals():
        interrupted(signal.SIGINT)
    with pytest.raises(Terminated), raise_on_signal(), defer_signals():
        interrupted(signal.SIGTERM)
    assert done == [signal.SIGINT, signal.SIGTERM]


def test_held_signals_have_their_effect_after_an_error_too() -> None:
    def failing() -> None:
        signal.raise_signal(signal.SIGTERM)
        raise OSError("what fails meanwhile")

    with pytest.raises(Terminated), raise_on_signal(), defer_signals():
        failing()


def test_other_threads_change_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = []

    def look() -> None:
        with raise_on_signal(), defer_signals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]


class _Referent:
    """Something to refer to weakly."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_whose_exception_python_ignores_comes_again(number, capfd):
    def gone(_: object) -> None:
        signal.raise_signal(number)
        time.sleep(0)  # the handler has run by now

    def work() -> None:
        referent = _Referent()
        reference = weakref.ref(referent, gone)
        del referent
        assert reference() is None
        time.sleep(5)

    before = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), raise_on_signal():
        work()
    assert sys.unraisablehook is before
    assert "Traceback" not in capfd.readouterr().err

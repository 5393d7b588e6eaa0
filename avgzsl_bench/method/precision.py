"""Precision of training: full, TF32 or bfloat16. Evaluation always uses full precision.

Scores decide by comparing, and rounded ones would depend on how many videos are scored at a time. `full` switches
TF32 off, for convolutions too, where PyTorch has it on by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal, get_args

from avgzsl_bench.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    import torch

Precision = Literal["full", "tf32", "bf16"]
"""`full`: single precision; `tf32`: matrix products and convolutions of 10 bits, on CUDA devices; `bf16`:
autocast to bfloat16, parameters and optimiser in single precision."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_WHERE = {"tf32": ("cuda",), "bf16": ("cpu", "cuda")}
"""Kinds of devices that have a precision."""
_AMPERE = (8, 0)
"""The least compute capability of a CUDA device with TF32 and bfloat16; earlier ones would compute otherwise than
a record says."""


def checked_precision(name: str, precision: str, offered: Sequence[Precision]) -> Precision:
    """Return a precision by name, if it is among those `offered` by the method called `name`.

    Raises:
        UnknownNameError: there is no such precision.
        ConfigError: the method does not train in it.
    """
    found = next((known for known in PRECISIONS if known == precision), None)
    if found is None:
        raise UnknownNameError("precision", precision, PRECISIONS)
    if found not in offered:
        raise ConfigError(f"precision {found}: method {name!r} trains only in {' or '.join(offered)}")
    return found


def require_kind(precision: str, kind: str) -> None:
    """Refuse a kind of device, e.g. `cpu` or `cuda`, that cannot compute in a precision.

    Raises:
        ConfigError: that kind does not have the precision.
    """
    usable = _WHERE.get(precision)
    if usable is not None and kind not in usable:
        raise ConfigError(
            f"precision {precision} needs a {' or '.join(usable)} device; this run is on {kind}; use full"
        )


def require_device(precision: Precision, device: torch.device) -> None:
    """Refuse a device of this machine that cannot compute in a precision.

    Raises:
        ConfigError: the device does not have the precision.
    """
    if precision == "full":
        return
    import torch

    require_kind(precision, device.type)
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < _AMPERE:
        title = torch.cuda.get_device_name(device)
        raise ConfigError(f"precision {precision}: {title} does not have it; use full")


@contextmanager
def precision_context(precision: Precision, device: torch.device) -> Iterator[None]:
    """Compute in a precision inside the block, and as before after it.

    Args:
        precision: the precision; of nested blocks the inner one's counts.
        device: device of the computation; on the CPU `full` only ends the autocast of an outer block.
    """
    import torch

    from avgzsl_bench.system.device import tf32

    with ExitStack() as after:
        after.enter_context(tf32(device, allowed=precision == "tf32"))
        if precision == "bf16" or torch.is_autocast_enabled(device.type):
            # Without its cache, which would hold on to the weights as they were before the first update.
            after.enter_context(
                torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)
            )
        yield

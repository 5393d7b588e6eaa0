"""The encoders that plugins register, and their classes."""

from __future__ import annotations

from importlib.util import find_spec

from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.errors import PluginError
from avgzsl_bench.plugins.manager import resolve
from avgzsl_bench.plugins.registry import Registry
from avgzsl_bench.plugins.specs import EncoderSpec

REGISTRY: Registry[EncoderSpec, EncoderSpec] = Registry(
    "avbench_encoders", EncoderSpec, "encoder", read=lambda spec: spec
)


def missing_modules(spec: EncoderSpec) -> list[str]:
    """List the modules that an encoder needs and that are not installed."""
    return [name for name in spec.needs if find_spec(name) is None]


def encoder_class(spec: EncoderSpec) -> type[Encoder]:
    """Import an encoder's class.

    Raises:
        PluginError: a module that it needs is not installed, the target cannot be imported or is no `Encoder`.
    """
    missing = missing_modules(spec)
    if missing:
        install = (spec.weights and spec.weights.install) or "pip install 'avgzsl-bench[extract]'"
        raise PluginError(f"encoder {spec.name!r} needs {', '.join(missing)}, not installed here: {install}")
    target = resolve(spec.target, f"encoder {spec.name!r}")
    if not (isinstance(target, type) and issubclass(target, Encoder)):
        raise PluginError(f"encoder {spec.name!r}: {spec.target} is not a subclass of avgzsl_bench.Encoder")
    return target

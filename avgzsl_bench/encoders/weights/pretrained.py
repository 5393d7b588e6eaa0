"""Loading networks and tokenizers with transformers from a folder: no network, no code of the folder's, nothing
filled in at random.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from avgzsl_bench.errors import AvbenchError, DataError, PluginError, one_line
from avgzsl_bench.system.files import folder_fault

if TYPE_CHECKING:
    import torch

_NAMED = 3
"""Names of tensors that a message gives."""

_TOKENIZER_FILES = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))
"""Files that a tokenizer is made of; one of these groups has to be there."""


def transformers_class(name: str) -> Any:
    """Import a class of transformers.

    Raises:
        PluginError: it cannot be imported; a torchvision that does not fit torch is named.
    """
    try:
        return getattr(import_module("transformers"), name)
    except Exception as error:  # an import runs code of other packages
        reason = torchvision_fault() or f"transformers.{name} cannot be imported: {one_line(str(error), 200)}"
        raise PluginError(reason) from error


def torchvision_fault() -> str | None:
    """Explain that the installed torchvision keeps transformers from working; None if none is, or it imports."""
    if find_spec("torchvision") is None:
        return None
    try:
        import_module("torchvision")
    except Exception:  # an import error, or what torch raises about operators that it does not know
        return (
            f"torchvision {_version('torchvision')} does not fit torch {_version('torch')}, and transformers "
            "cannot be used beside it: pip uninstall torchvision, or install the one that fits"
        )
    return None


def load_network(name: str, model_type: str, folder: Path, device: torch.device) -> Any:
    """Load a network of transformers from a folder, in single precision and ready to encode.

    Args:
        name: its class in transformers.
        model_type: of the model that it is a part of, as its configuration has it.
        folder: as `save_pretrained` or a snapshot of the hub leaves it; safetensors go before pickles, of which
            only tensors are read.
        device: where it goes.

    Raises:
        DataError: no such folder; files that are missing, cut short or foreign; tensors that are missing or of
            another shape.
        PluginError: transformers cannot be used.
    """
    require_files(folder, name, ("config.json",))
    found = _model_type(folder / "config.json")
    if found != model_type:
        raise DataError(f"weights in {folder}: of another model, {one_line(found, 80)!r}, not {model_type!r}")
    return _loaded(name, folder, f"weights of {name} in {folder}", device, weights_only=True)


def _model_type(config: Path) -> str:
    """Read the type of a model from its configuration; without this, any would be read as the wanted one."""
    try:
        content = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{config}: cannot be read: {type(error).__name__}: {one_line(str(error), 200)}"
        ) from error
    return str(content.get("model_type")) if isinstance(content, dict) else "no model"


def fill_network(
    name: str, config: Any, state: Mapping[str, torch.Tensor], what: str, device: torch.device, **options: Any
) -> Any:
    """Build a network of transformers from a configuration and tensors, and refuse what does not fit.

    Args:
        name: its class in transformers.
        config: its configuration.
        state: its tensors by name.
        what: where they come from, for messages.
        device: where it goes.
        options: of its constructor.

    Raises:
        DataError: tensors that are missing, unknown, or of another shape.
        PluginError: transformers cannot be used.
    """
    return _loaded(name, None, what, device, config=config, state_dict=dict(state), **options)


def _loaded(name: str, folder: Path | None, what: str, device: torch.device, **options: Any) -> Any:
    import torch

    kind = transformers_class(name)
    with quiet_transformers(), explained(what):
        # Without `dtype` the network would have that of the file; tensors of another shape are refused below.
        network, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
            **options,
        )
    faults = {
        "missing": sorted(info["missing_keys"]),
        "of another shape": sorted(key for key, *_ in info["mismatched_keys"]),
        # In a folder they belong to the network's other half.
        "unknown": sorted(info["unexpected_keys"]) if folder is None else [],
    }
    refuse_tensors(what, faults)
    if info["error_msgs"]:
        raise DataError(f"{what}: {one_line(str(info['error_msgs'][0]), 200)}")
    return network.to(device).eval()


def refuse_tensors(what: str, faults: Mapping[str, Collection[str]]) -> None:
    """Refuse weights with the names of tensors that do not fit, by what is wrong with them.

    Raises:
        DataError: there are such tensors.
    """
    parts = []
    for fault, names in faults.items():
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            parts.append(f"{fault}: {one_line(', '.join(list(names)[:_NAMED]), 300)}{more}")
    if parts:
        raise DataError(f"{what} do not fit, tensors {'; '.join(parts)}; they are damaged or of another model")


def load_tokenizer(folder: Path, network: Any, name: str = "AutoTokenizer") -> Any:
    """Load a tokenizer from a folder.

    Args:
        folder: with its files.
        network: the text network that reads its tokens.
        name: its class in transformers.

    Raises:
        DataError: files that are missing (transformers would make an almost empty tokenizer), damaged, or of a
            tokenizer with more tokens than the network knows.
        PluginError: transformers cannot be used.
    """
    what = f"tokenizer in {folder}"
    require_files(folder, what, *_TOKENIZER_FILES)
    kind = transformers_class(name)
    with quiet_transformers(), explained(what):
        tokenizer = kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        known, largest = int(network.config.vocab_size), max(tokenizer.get_vocab().values(), default=-1)
    if largest >= known:
        raise DataError(
            f"{what}: has tokens up to number {largest}, but the network knows {known}: it is another model's"
        )
    return tokenizer


def load_extractor(name: str, folder: Path) -> Any:
    """Load what makes a network's input of sound, with the settings in a folder.

    Args:
        name: its class in transformers.
        folder: with `preprocessor_config.json`, or with the `processor_config.json` that holds the same.

    Raises:
        DataError: it is missing or damaged.
        PluginError: transformers cannot be used.
    """
    what = f"settings of {name} in {folder}"
    require_files(folder, what, ("preprocessor_config.json",), ("processor_config.json",))
    kind = transformers_class(name)
    with quiet_transformers(), explained(what):
        return kind.from_pretrained(folder, local_files_only=True)


def require_files(folder: Path, what: str, *groups: tuple[str, ...]) -> None:
    """Refuse a folder that has the files of none of the groups.

    Raises:
        DataError: no such folder, or files are missing.
    """
    if (fault := folder_fault(folder)) is not None:
        raise DataError(f"weights folder {folder}: {fault}")
    if not any(all((folder / name).is_file() for name in group) for group in groups):
        wanted = " or ".join(" and ".join(group) for group in groups)
        raise DataError(f"{folder}: {wanted} is missing, which {what} needs: fetch or copy the folder whole")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Report whatever foreign files make a library raise in the block, in one line that says what they are.

    Raises:
        DataError: anything was raised that is not an `AvbenchError`.
    """
    from safetensors import SafetensorError

    try:
        yield
    except AvbenchError:
        raise
    except SafetensorError as error:
        raise DataError(
            f"{what}: cut short or damaged: {one_line(str(error), 200)}; fetch or copy them anew"
        ) from error
    except UnpicklingError as error:
        raise DataError(f"{what}: refused: the file holds more than tensors, or is damaged") from error
    except Exception as error:  # a damaged file makes the libraries raise anything
        raise DataError(f"{what}: cannot be read: {one_line(str(error), 200) or type(error).__name__}") from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep reports and progress bars of transformers off the terminal in the block, and set both back."""
    hub: Any = import_module("huggingface_hub.utils")
    logging: Any = import_module("transformers.utils.logging")
    verbosity, bars, hub_bars = (
        logging.get_verbosity(),
        logging.is_progress_bar_enabled(),
        not hub.are_progress_bars_disabled(),
    )
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
        (hub.enable_progress_bars if hub_bars else hub.disable_progress_bars)()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(of unknown version)"

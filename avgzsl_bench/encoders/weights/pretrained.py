"""Loading networks and tokenizers with transformers from a folder: no network, no code of the folder's, nothing
filled in at random.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avgzsl_bench.encoders.weights.libraries import quiet_transformers, transformers_class
from avgzsl_bench.encoders.weights.refusals import explained, refuse_tensors, require_files
from avgzsl_bench.errors import DataError, one_line

if TYPE_CHECKING:
    import torch

_TOKENIZER_FILES = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))
"""Files that a tokenizer is made of; one of these groups has to be there."""


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

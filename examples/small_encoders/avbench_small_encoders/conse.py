"""ConSE: a frame is the mean of the names of what a classifier sees in it (Norouzi et al., ICLR 2014)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from .lite0 import Lite0
from .minilm import MiniLM

LARGEST = 10
"""Number of ImageNet classes that a frame is a mean of, those of the highest probability."""


class Lite0ConSE(Lite0):
    """The ten likeliest ImageNet classes of a frame, as the mean of their names' vectors.

    The names are encoded by `minilm`, so that frames lie in the space of its texts, and an unseen class needs no
    more than a name. Vectors have unit length.

    Args:
        weights: as for `efficientnet_lite0`; those of `minilm` are always the installed package's.
        device: of both networks.
    """

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        super().__init__(weights, device)
        self.names = torch.from_numpy(MiniLM(None, device).encode_text(imagenet_names())).to(device)

    @torch.inference_mode()
    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        """Encode frames, uint8 `[n, 224, 224, 3]`: float32 `[n, 384]`."""
        vectors = []
        for batch in self.batches(frames):
            probability, label = self.network(batch).softmax(1).topk(LARGEST)
            vectors.append(normalize((probability[:, :, None] * self.names[label]).sum(1), dim=1))
        return torch.cat(vectors).cpu().numpy()


def imagenet_names() -> list[str]:
    """Read the names of the 1,000 ImageNet classes, in the order of the network's logits."""
    return files(__package__).joinpath("imagenet_names.txt").read_text(encoding="utf-8").splitlines()

"""A small method of your own: one file, one entry point.

Videos and class texts are mapped to one space by a linear layer each, and a softmax over the training classes
pulls each video to its own class. Copy this folder, rename things, change `losses`, and:

    pip install ./third_party_method
    avbench run --method prototypes --dataset ucf

The harness hands over training videos with labels and the class embeddings; batches, optimiser, schedule and
scoring come from `TorchMethod`. Embeddings are compared by Euclidean distance unless `compatibility` says
otherwise. (Once the plugin grows, put the hook in a file of its own that does not import torch: then listing
commands stay quick.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

import avgzsl_bench as ab


class Config(ab.TorchConfig):
    """Settings: what `--set key=value` can change. Those of `TorchConfig` may be given other defaults."""

    epochs: int = 4
    batches_per_epoch: int = 50
    learning_rate: float = 1e-3
    width: int = ab.Field(64, ge=1, description="width of the common space")
    scale: float = ab.Field(10.0, gt=0, description="factor on the cosine before the softmax")


class Network(nn.Module):
    """One linear layer for videos `[N, Dv + Da]` and one for class texts `[K, Dw]`."""

    def __init__(self, shape: ab.FeatureDims, width: int) -> None:
        super().__init__()
        self.video = nn.Linear(shape.audio + shape.visual, width)
        self.text = nn.Linear(shape.text_width, width)


class Prototypes(ab.TorchMethod[Config]):
    """Cosine softmax over class prototypes made from text."""

    module: Network

    def build(self) -> Network:
        """Make the network."""
        return Network(self.shape, self.config.width)

    def losses(self, batch: ab.Batch) -> dict[str, Tensor]:
        """Compute the cross-entropy of each video against the training classes."""
        videos = self.embed_videos(ab.Videos(batch.audio, batch.visual))
        prototypes = self._embed_text(self.train_text)
        return {"total": cross_entropy(self.config.scale * videos @ prototypes.T, batch.label)}

    def embed_videos(self, videos: ab.Videos) -> Tensor:
        """Map videos to unit vectors `[N, width]`."""
        return normalize(self.module.video(torch.cat([videos.visual, videos.audio], dim=1)), dim=1)

    def embed_classes(self, classes: ab.Classes) -> Tensor:
        """Map class texts to unit vectors `[K, width]`."""
        return self._embed_text(self.text_of(classes))

    def _embed_text(self, text: Tensor) -> Tensor:
        return normalize(self.module.text(text), dim=1)


@ab.hookimpl
def avbench_methods() -> list[ab.MethodSpec]:
    """Register the method."""
    return [
        ab.MethodSpec(
            name="prototypes",
            target="avbench_prototypes:Prototypes",
            title="Prototypes",
            paper="An example, not a paper.",
            follows="reference",
        )
    ]

"""The networks of AVFS as reconstructed in `avgzsl_baselines.avfs`, where every width is a setting.

A video is the vector `x = [norm(v); norm(a)]` of width `Dx = Dv + Da`, visual first. All weights start from
N(0, 0.02^2) and all biases from 0; there is neither batch normalisation nor dropout, so training and evaluation
are the same function.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.wasserstein import Critic, small_normal
from avgzsl_bench import FeatureDims


def joined(visual: Tensor, audio: Tensor) -> Tensor:
    """Compute `x = [norm(v); norm(a)]`, `[B, Dx]`, of visual `[B, Dv]` and audio `[B, Da]`; zeros stay zero."""
    return torch.cat((F.normalize(visual, dim=1), F.normalize(audio, dim=1)), dim=1)


class Generator(nn.Module):
    """G: features from noise and a class text. One trunk for both modalities keeps them consistent."""

    def __init__(self, shape: FeatureDims, noise_width: int, hidden_width: int) -> None:
        super().__init__()
        self.noise_width = noise_width
        self.hidden = nn.Linear(noise_width + shape.text_width, hidden_width)
        self.visual = nn.Linear(hidden_width, shape.visual)
        self.audio = nn.Linear(hidden_width, shape.audio)
        small_normal(self)

    def forward(self, noise: Tensor, text: Tensor) -> Tensor:
        """Make features `[B, Dx]`, both halves of unit norm, from noise `[B, Dz]` and texts `[B, Dw]`."""
        hidden = F.leaky_relu(self.hidden(torch.cat((noise, text), dim=1)), 0.2)
        return joined(self.visual(hidden), self.audio(hidden))

    def sample(self, text: Tensor) -> Tensor:
        """Make features `[B, Dx]` for texts `[B, Dw]`, with fresh noise from N(0, I)."""
        noise = torch.randn(len(text), self.noise_width, device=text.device, dtype=text.dtype)
        features: Tensor = self(noise, text)
        return features


class Embedding(nn.Module):
    """Em: a hidden vector `h` of a video and its projection `q` of unit norm, which is contrasted.

    `projection_width` is None without the contrastive objective, which is all that trains the projection.
    """

    def __init__(self, inputs: int, hidden_width: int, projection_width: int | None) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden_width)
        self.projection = None if projection_width is None else nn.Linear(hidden_width, projection_width)
        small_normal(self)

    def forward(self, features: Tensor) -> Tensor:
        """Compute `h` `[B, H]` of features `[B, Dx]`, not negative."""
        return F.relu(self.hidden(features))


class SemanticScorer(nn.Module):
    """S: `cos(U h, V w) / temperature` of every video with every class."""

    def __init__(self, hidden_width: int, text_width: int, width: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.video = nn.Linear(hidden_width, width, bias=False)  # U
        self.text = nn.Linear(text_width, width, bias=False)  # V
        small_normal(self)

    def forward(self, hidden: Tensor, text: Tensor) -> Tensor:
        """Score hidden vectors `[B, H]` against class texts `[K, Dw]`: `[B, K]`."""
        videos, classes = F.normalize(self.video(hidden), dim=1), F.normalize(self.text(text), dim=1)
        return videos @ classes.T / self.temperature


class AVFSNetworks(nn.Module):
    """The networks that are in use; None for one that a switch leaves out.

    Attributes:
        generator: G.
        critic: D, there when G is.
        embedding: Em; without it the classifier reads features as they are.
        scorer: S.
        classifier: Cl, a linear map to all classes of the task.
    """

    def __init__(
        self,
        *,
        generator: Generator | None,
        critic: Critic | None,
        embedding: Embedding | None,
        scorer: SemanticScorer | None,
        classifier: nn.Linear | None,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.critic = critic
        self.embedding = embedding
        self.scorer = scorer
        self.classifier = classifier

    def encode(self, features: Tensor) -> Tensor:
        """Encode features `[B, Dx]` for scorer and classifier: `h` `[B, H]`, or the features themselves."""
        hidden: Tensor = features if self.embedding is None else self.embedding(features)
        return hidden

    def project(self, hidden: Tensor) -> Tensor | None:
        """Compute `q` `[B, d]`, rows of unit norm, of `h` `[B, H]`; None without the contrastive objective."""
        if self.embedding is None or self.embedding.projection is None:
            return None
        return F.normalize(self.embedding.projection(hidden), dim=1)

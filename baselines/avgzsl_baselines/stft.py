"""STFT: a spiking path and a knowledge path for each modality, joined by a Tucker product. A reconstruction.

Li, Wang, Xiong, Fan: "Spiking Tucker Fusion Transformer for Audio-Visual Zero-Shot Learning", IEEE Transactions
on Image Processing 33, 4840-4852, 2024, arXiv 2407.08130. It grew out of AVMST (ICME 2023).

No program of STFT is public, and the paper's text was not available either. What is built here follows secondary
accounts of the paper's equations 1 to 18, with the gaps filled; schedule and dropout rates are AVCA's (Mercea et
al., CVPR 2022), which AVMST's program carries unchanged. Two limits follow:

* The figures that it gives replicate nobody's.
* Averaged features are an input that never changes. On them the spiking path carries no time: it is a second,
  non-linear view of the same vector. On sequences, step t of T reads frame floor(t l / T) of a video of l frames,
  the encoders read the mean over the frames.

With several text encoders W_enc precedes the text side, as in AVCA (`families.text_adapter`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.stft_network import Embedded, Inputs, STFTConfig, STFTNet
from avgzsl_baselines.families.triplet import triplet_loss
from avgzsl_bench import Batch, Classes, Precision, Sequences, TorchMethod, Videos


def stft_losses(embedded: Embedded) -> dict[str, Tensor]:
    """Compute the losses of STFT (Eq. 16 to 18), scalars of weight 1; `m` are the modalities audio and visual.

        triplet        = T(theta_av, theta_w, theta_w') + T(theta_w, theta_av, theta_av')
        projection     = sum_m MSE(theta_m, theta_w)
        reconstruction = sum_m MSE(rho_m, w) + MSE(rho_w, w) + sum_m MSE(r_m, phi_m)

    Nothing is detached.
    """
    joint, text = embedded.joint, embedded.text
    return {
        "triplet": triplet_loss(joint, text, embedded.other_text)
        + triplet_loss(text, joint, embedded.other_joint),
        # Entries of a sum have equal sizes: the mean over all, times how many, is the sum of their means.
        "projection": 2 * (embedded.video - text).square().mean(),
        "reconstruction": 3 * (embedded.decoded - embedded.target).square().mean()
        + 2 * F.mse_loss(embedded.reconstructed, embedded.encoded),
    }


class STFT(TorchMethod[STFTConfig]):
    """STFT, whose triplets act on the mean of the audio and the visual embedding, which is scored."""

    spiking: ClassVar[bool] = True

    module: STFTNet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32")
    """Rounded to bfloat16, other neurons fire in training than in scoring."""

    negatives: ClassVar[bool] = True
    score_block: ClassVar[int] = 1024
    """Each video is as many vectors as there are time steps, in double precision."""

    def build(self) -> STFTNet:
        """Build the network."""
        return STFTNet(self.shape, self.config)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total`, half the sum of all, and each loss."""
        negative = batch.negative
        assert negative is not None
        inputs = self._inputs(batch).above(self._inputs(negative))
        losses = stft_losses(self.module(inputs, self.train_text, (batch.label, negative.label)))
        return {"total": torch.stack(list(losses.values())).sum() / 2, **losses}

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute theta_av of videos, or one modality's embedding by `score_on`: `[N, d]`."""
        _, embedded = self.module.embed_videos(self._inputs(videos), [len(videos)])
        if self.config.score_on == "av":
            return embedded.mean(dim=0)
        return embedded[0 if self.config.score_on == "audio" else 1]

    def embed_classes(self, classes: Classes) -> Tensor:
        """Compute theta_w of classes, `[K, d]`."""
        return self.module.embed_texts(self.text_of(classes))

    def _inputs(self, videos: Videos | Batch) -> Inputs:
        """Lay out videos for the network; a video that is a vector is that vector at every step."""
        return Inputs(
            audio=videos.audio,
            visual=videos.visual,
            audio_steps=self._frames(videos.audio, videos.audio_steps),
            visual_steps=self._frames(videos.visual, videos.visual_steps),
        )

    def _frames(self, vectors: Tensor, sequences: Sequences | None) -> Tensor:
        """Take frame floor(t l / T) of each video for step t, `[N, T, D]`; or its vector, `[N, 1, D]`."""
        if sequences is None:
            return vectors.unsqueeze(1)
        steps = self.config.time_steps
        time = torch.arange(steps, device=vectors.device)
        return sequences.at(time * sequences.length.unsqueeze(1) // steps).values

"""AVCA: audio and visual encodings exchange information by attention, then meet the class text.

Mercea, Riesch, Koepke, Akata: "Audio-visual Generalised Zero-shot Learning with Cross-modal Attention and
Language", CVPR 2022, arXiv 2203.03598. Architecture, losses and schedule follow the authors' program; where paper
and program differ, the program. In the docstrings `B` is the batch, `D` the width of the encodings and of the
transformer, `d` the width of the joint space, and a prime marks samples of other classes.

Extension: with several text encoders W_enc comes before the projection of the text, and its output is what
reconstructions aim at (`families.text_adapter`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from avgzsl_baselines.families.avca_losses import Embedded, avca_losses
from avgzsl_baselines.families.avca_network import AVCAConfig, AVCANet
from avgzsl_baselines.families.released_names import LINEAR_BLOCK, TWO_LAYER_BLOCK, released_layers, released_names
from avgzsl_bench import Batch, CheckpointError, Classes, FeatureDims, Precision, TorchMethod, Videos

_OFFICIAL_HEADS = 3
"""Attention heads in the published program, which shapes of parameters do not show."""


AnyAVCAConfig = TypeVar("AnyAVCAConfig", bound=AVCAConfig, default=AVCAConfig, covariant=True)


class AVCA(TorchMethod[AnyAVCAConfig]):
    """AVCA. Only the visual embedding is scored; the transformer has passed audio information to it."""

    module: AVCANet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32", "bf16")
    negatives: ClassVar[bool] = True

    official_names: ClassVar[Mapping[str, str]] = {
        "pos_emb1D": "positions",
        **released_names(
            {
                "A_enc": "audio_encoder",
                "V_enc": "visual_encoder",
                "A_proj": "audio_projection",
                "V_proj": "visual_projection",
            },
            TWO_LAYER_BLOCK,
        ),
        **released_names(
            {
                "W_proj": "text_projection",
                "D": "decoder",
                "A_rec": "audio_reconstruction",
                "V_rec": "visual_reconstruction",
            },
            LINEAR_BLOCK,
        ),
        **released_names(
            released_layers("cross_attention.layers"),
            {
                "0.norm": "attention_norm",
                "0.fn.to_qkv": "attention.query_key_value",
                "0.fn.to_out.0": "attention.output",
                "1.norm": "feed_forward_norm",
                "1.fn.net.0": "feed_forward.hidden",
                "1.fn.net.3": "feed_forward.output",
            },
        ),
    }

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Derive widths, hidden layers and depth; for the attention heads, only number times width.

        As in the published program there are three heads.

        Raises:
            KeyError: a layer that a width is derived from is missing.
            CheckpointError: audio and visual networks differ, or the attention is not of three heads.
        """

        def hidden_width(net: str) -> int:
            return len(state[f"{net}.fc.0.bias"]) if f"{net}.fc.4.weight" in state else 0

        encoder, projection = hidden_width("A_enc"), hidden_width("A_proj")
        if (encoder, projection) != (hidden_width("V_enc"), hidden_width("V_proj")):
            raise CheckpointError("audio and visual networks have hidden layers of different widths")
        attention = state["cross_attention.layers.0.0.fn.to_out.0.weight"].shape[1]
        if attention % _OFFICIAL_HEADS:
            raise CheckpointError(f"attention of width {attention} is not of {_OFFICIAL_HEADS} heads")
        shape = FeatureDims(
            audio=state["A_enc.fc.0.weight"].shape[1],
            visual=state["V_enc.fc.0.weight"].shape[1],
            text={"word2vec": state["W_proj.fc.0.weight"].shape[1]},
        )
        return shape, {
            "model_width": state["pos_emb1D"].shape[1],
            "embedding_width": len(state["W_proj.fc.0.bias"]),
            "encoder_hidden_width": encoder,
            "projection_hidden_width": projection,
            "depth": next(n for n in count() if f"cross_attention.layers.{n}.0.norm.weight" not in state),
            "heads": _OFFICIAL_HEADS,
            "head_width": attention // _OFFICIAL_HEADS,
            "feed_forward_width": len(state["cross_attention.layers.0.1.fn.net.0.bias"]),
        }

    def build(self) -> AVCANet:
        """Build the network on these features."""
        return AVCANet(self.shape, self.config)

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """Return all but the position embeddings, unless `train_positions` is on."""
        return (parameter for parameter in self.module.parameters() if parameter.requires_grad)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total`, the sum of all losses, and each."""
        embedded = self.module(batch, self.train_text)
        if self.config.reconstruction_passes:
            with torch.no_grad():
                self.module.update_projections(embedded.reconstructed)
        losses = self.terms(embedded)
        return {"total": torch.stack(list(losses.values())).sum(), **losses}

    def terms(self, embedded: Embedded) -> dict[str, Tensor]:
        """Compute the losses of a batch, which are summed."""
        config = self.config
        return avca_losses(
            embedded, margin=config.margin, k1=config.k1, k2=config.k2, regularization=config.regularization
        )

    def after_step(self, batch: Batch) -> None:
        """Embed the batch once more where `bn_refresh=official`."""
        if self.config.bn_refresh == "official":
            self.module.update_statistics(batch.audio, batch.visual)
            self.module.text_adapter.passes(self.train_text, [batch.label], self.module.text_projection)

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute theta_v of videos, `[N, d]`."""
        return self.module.embed_videos(videos.audio, videos.visual, [len(videos)])[1][1]

    def embed_classes(self, classes: Classes) -> Tensor:
        """Compute theta_w of classes, `[K, d]`."""
        return self.module.embed_texts(self.text_of(classes))

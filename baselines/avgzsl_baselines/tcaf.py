"""TCAF: temporal and cross-modal attention over audio and visual sequences, met by the class text.

Mercea, Hummel, Koepke, Akata: "Temporal and cross-modal attention for audio-visual zero-shot learning", ECCV 2022,
doi 10.1007/978-3-031-20044-1_28, arXiv 2207.09966. Architecture, losses and schedule follow the authors' program
(`ExplainableML/TCAF-GZSL`); its oddities are settings. ClipClap-GZSL is its descendant: the losses are the same,
with the word vectors themselves, which are no function of weights, in place of encoded texts.

Features of one vector per video are sequences of one step. With several text encoders their vectors are used side
by side. Both are extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, ClassVar

from torch import Tensor

from avgzsl_baselines.clipclap import base_losses
from avgzsl_baselines.families.released_names import LINEAR_BLOCK, TWO_LAYER_BLOCK, released_layers, released_names
from avgzsl_baselines.families.tcaf_network import TCAFConfig, TCAFNet
from avgzsl_baselines.families.timed_sequences import (
    AudioVisual,
    audio_window,
    centre_start,
    random_start,
    sequences_of,
    spare_steps,
    windows,
)
from avgzsl_bench import Batch, CheckpointError, Classes, ConfigError, FeatureDims, Precision, TorchMethod, Videos

_WORD_VECTOR = 300
"""Width of the published class texts."""

_OFFICIAL_HEADS: Mapping[int, tuple[int, int]] = {512: (8, 64), 768: (6, 128), 384: (3, 128)}
"""Attention heads and their width in the published settings, by the product of both."""


class TCAF(TorchMethod[TCAFConfig]):
    """TCAF. Scores are Euclidean distances in the joint space, not training's dot products."""

    module: TCAFNet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32", "bf16")
    seeds_together: ClassVar[bool] = False
    """Windows are drawn at random, and sequences read, in a training step of its own."""

    score_block: ClassVar[int] = 64  # as published; 300 steps of C3D for each are 300 MB

    official_names: ClassVar[Mapping[str, str]] = {
        "cls_token": "class_token",
        **released_names(
            {
                "A_enc": "audio_encoder.blocks",
                "V_enc": "visual_encoder.blocks",
                "O_proj": "video_projection",
                "D_o": "video_decoder",
            },
            TWO_LAYER_BLOCK,
        ),
        **released_names({"W_proj": "text_projection", "D_w": "text_decoder"}, LINEAR_BLOCK),
        **released_names(  # two names for the same tensors
            dict.fromkeys(("position_encoder_block", "audiovisual_embeddings"), "positions"),
            {
                "modal_embedding": "modality",
                "pad_embedding": "padding",
                "fourier_randn": "frequencies",
                "fourier_embeddings": "time",
                "out_proj_audio": "join.0",
                "out_proj_video": "join.1",
            },
        ),
        **released_names(
            released_layers("Audio_visual_transformer.layers"),
            {
                "norm": "norm",
                "attn.to_q": "attention.query",
                "attn.to_k": "attention.key",
                "attn.to_v": "attention.value",
                "attn.to_out.0": "attention.output",
                "ff.net.0": "feed_forward.hidden",
                "ff.net.3": "feed_forward.output",
            },
        ),
    }

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Derive widths and depth; for the attention heads, only number times width.

        For a product of the published settings both follow; others have to be given as settings, as does
        `assembly=fixed` for ActivityNet.

        Raises:
            KeyError: a layer that a width is derived from is missing.
            CheckpointError: two networks that should have hidden layers of the same width do not, or class
                texts of another width than the published.
        """
        hidden = {net: len(state[f"{net}.fc.0.bias"]) for net in ("A_enc", "V_enc", "O_proj", "D_o")}
        for one, other in (("A_enc", "V_enc"), ("O_proj", "D_o")):
            if hidden[one] != hidden[other]:
                raise CheckpointError(f"{one} and {other} have hidden layers of different widths")
        text = state["W_proj.fc.0.weight"].shape[1]
        if text != _WORD_VECTOR:
            raise CheckpointError(f"class texts of width {text}; the published ones have {_WORD_VECTOR}")
        inner = len(state["Audio_visual_transformer.layers.0.attn.to_q.weight"])
        heads = dict(zip(("heads", "head_width"), _OFFICIAL_HEADS.get(inner, ()), strict=False))
        shape = FeatureDims(
            audio=state["A_enc.fc.0.weight"].shape[1],
            visual=state["V_enc.fc.0.weight"].shape[1],
            text={"word2vec": text},
            sequences=True,
        )
        return shape, {
            "model_width": state["cls_token"].shape[-1],
            "embedding_width": len(state["W_proj.fc.0.bias"]),
            "encoder_hidden_width": hidden["A_enc"],
            "decoder_hidden_width": hidden["O_proj"],
            "position_width": state["position_encoder_block.modal_embedding.weight"].shape[1],
            "depth": next(n for n in count() if f"Audio_visual_transformer.layers.{n}.norm.weight" not in state),
            "feed_forward_width": len(state["Audio_visual_transformer.layers.0.ff.net.0.bias"]),
            **heads,
        }

    @classmethod
    def check(cls, config: TCAFConfig, shape: FeatureDims) -> None:
        """Refuse to divide by norms over time where there is one step, which leaves nothing but signs."""
        if config.visual_norm == "time" and not shape.sequences:
            raise ConfigError(
                "setting visual_norm=time: these features are one vector per video, of which norms over time "
                "leave nothing but signs; use a feature set with sequences, or --set visual_norm=feature"
            )

    def build(self) -> TCAFNet:
        """Build the network on these features."""
        return TCAFNet(self.shape, self.config)

    def _assembled(self, source: Videos | Batch, window: int, start_of: Callable[[Tensor], Tensor]) -> AudioVisual:
        """Take whole videos, or windows of `window` visual steps whose start comes from the steps outside them."""
        videos = sequences_of(source)
        if self.config.assembly == "max" or source.audio_steps is None:
            return videos
        start = start_of(spare_steps(videos.visual, window))
        seconds = videos.audio.seconds, videos.visual.seconds
        return windows(videos, start, window, audio_window(window, *seconds, self.config.audio_window))

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total` = l_ce + l_rec + l_reg, and each, on all steps of the batch."""
        embedded = self.module(sequences_of(batch), batch.label, self.train_text)
        losses = base_losses(embedded, batch.label)
        return {"total": losses["ce"] + losses["rec"] + losses["reg"], **losses}

    def train_step(self, batch: Batch) -> Mapping[str, Tensor]:
        """Update once, on the batch or on windows of it."""
        last = self.config.window_start == "all"
        videos = self._assembled(batch, self.config.train_window, partial(random_start, last=last))
        return super().train_step(replace(batch, audio_steps=videos.audio, visual_steps=videos.visual))

    def after_step(self, batch: Batch) -> None:
        """Embed the batch once more where `bn_refresh=official`.

        As in the published program's scoring, times are indices.
        """
        if self.config.bn_refresh == "official":
            self.module.embed_videos(sequences_of(batch), "index")
            self.module.text_projection(self.train_text[batch.label])

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute theta_o of videos, `[N, d]`."""
        assembled = self._assembled(videos, self.config.test_window, centre_start)
        return self.module.embed_videos(assembled, self.config.eval_times)

    def embed_classes(self, classes: Classes) -> Tensor:
        """Compute theta_w = W_proj(w) of classes, `[K, d]`."""
        embedded: Tensor = self.module.text_projection(self.text_of(classes))
        return embedded

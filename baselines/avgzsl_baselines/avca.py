"""AVCA: audio and visual encodings exchange information by attention, then meet the class text.

Mercea, Riesch, Koepke, Akata: "Audio-visual Generalised Zero-shot Learning with Cross-modal Attention and
Language", CVPR 2022, arXiv 2203.03598. Architecture, losses and schedule follow the authors' program; where paper
and program differ, the program. In the docstrings `B` is the batch, `D` the width of the encodings and of the
transformer, `d` the width of the joint space, and a prime marks samples of other classes.

The program's names for three dropout rates mislead: its "embedding dropout" is `encoder_dropout` here, its
"decoder dropout" `projection_dropout`, its "additional dropout" `decoder_dropout`; its "decoder hidden size" is
`projection_hidden_width`.

Extension: with several text encoders W_enc comes before the projection of the text, and its output is what
reconstructions aim at (`families.text_adapter`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from typing_extensions import TypeVar

from avgzsl_baselines.families.avca_losses import Embedded, avca_losses
from avgzsl_baselines.families.layers import BlockStack, LinearBlock, TwoLayerBlock
from avgzsl_baselines.families.paired import paired
from avgzsl_baselines.families.text_adapter import TextAdapter
from avgzsl_baselines.families.token_attention import TokenLayer
from avgzsl_bench import CheckpointError, FeatureDims, TorchConfig, TorchMethod

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from avgzsl_bench import Batch, Classes, Precision, Videos


_OFFICIAL_HEADS = 3
"""Attention heads in the published program, which shapes of parameters do not tell."""

_DEEPEST_OFFICIAL = 12
"""Layers of a transformer whose official names are known; the published settings have one."""


class AVCAConfig(TorchConfig):
    """Settings of AVCA; the defaults are the published ones for UCF with SeLaVi features."""

    epochs: int = Field(50, ge=1, le=100_000, description="epochs of stage 1; stage 2 trains the best")
    batch_size: int = Field(256, ge=2, description="videos a batch")
    batches_per_epoch: int = Field(500, ge=1, description="batches an epoch")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's initial learning rate")
    weight_decay: float = Field(1e-5, ge=0, description="L2 weight decay, added to the gradient")
    encoder_dropout: float = Field(0.2, ge=0, lt=1, description="dropout rate of encoders and transformer")
    projection_dropout: float = Field(
        0.3, ge=0, lt=1, description="dropout rate of the audio and visual projections"
    )
    decoder_dropout: float = Field(
        0.5, ge=0, lt=1, description="dropout rate of the decoders and of the text projection"
    )
    text_adapter_dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout rate of W_enc, which is there with several text encoders only"
    )
    momentum: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share of a pass's statistics in the running ones, in the last batch normalisation of the "
        "encoders and of the audio and visual projections; 0.1 in all others",
    )
    model_width: int = Field(300, ge=1, description="width D of the encodings and of the transformer")
    embedding_width: int = Field(64, ge=1, description="width d of the joint space")
    encoder_hidden_width: int = Field(
        512, ge=0, description="width of the encoders' hidden layer; 0: no hidden layer"
    )
    projection_hidden_width: int = Field(
        512, ge=0, description="width of the hidden layer of audio and visual projection; 0: no hidden layer"
    )
    depth: int = Field(1, ge=1, description="layers of the transformer")
    heads: int = Field(3, ge=1, description="attention heads")
    head_width: int = Field(100, ge=1, description="width of an attention head")
    feed_forward_width: int = Field(64, ge=1, description="width of the transformer's hidden layers")
    train_positions: bool = Field(
        False, description="train the position embeddings, which keep their random values in the published program"
    )
    margin: float = Field(1.0, ge=0, description="by how much a negative should be farther than a positive")
    k1: float = Field(1.0, ge=0, description="weight of the additional triplets anchored at videos")
    k2: float = Field(1.0, ge=0, description="weight of the additional triplets anchored at texts")
    regularization: bool = Field(True, description="the losses that tie encodings and embeddings together")
    reconstruction_passes: bool = Field(
        True,
        description="project the reconstructed encodings too, as the published program does, whose only effect is "
        "on the running statistics of batch normalisation",
    )
    bn_refresh: Literal["none", "official"] = Field(
        "official",
        description="a second forward pass after each update, whose only effect is on the running statistics "
        "of batch normalisation: 'official', as the published program does, or none",
    )


def feed_forward(inputs: int, hidden: int, outputs: int, dropout: float, momentum: float) -> BlockStack:
    """Two blocks of which the second has the momentum; without a hidden layer one, which has not."""
    if hidden == 0:
        return BlockStack(LinearBlock(inputs, outputs, dropout))
    return TwoLayerBlock(inputs, hidden, outputs, dropout, momentum)


class AVCANet(nn.Module):
    """Encoders, transformer, projections into the joint space, and decoders out of it.

    Args:
        shape: widths of the features and texts.
        config: widths, dropout, momentum.
    """

    def __init__(self, shape: FeatureDims, config: AVCAConfig) -> None:
        super().__init__()
        width, joint, dropout = config.model_width, config.embedding_width, config.decoder_dropout

        def encoder(inputs: int) -> BlockStack:
            hidden = config.encoder_hidden_width
            return feed_forward(inputs, hidden, width, config.encoder_dropout, config.momentum)

        def projection() -> BlockStack:
            hidden = config.projection_hidden_width
            return feed_forward(width, hidden, joint, config.projection_dropout, config.momentum)

        self.text_adapter = TextAdapter(shape.text, config.text_adapter_dropout)
        self.audio_encoder = encoder(shape.audio)  # A_enc
        self.visual_encoder = encoder(shape.visual)  # V_enc
        self.positions = nn.Parameter(torch.randn(2, width), requires_grad=config.train_positions)
        self.transformer = nn.Sequential(
            *(
                TokenLayer(
                    width, config.heads, config.head_width, config.feed_forward_width, config.encoder_dropout
                )
                for _ in range(config.depth)
            )
        )
        self.audio_projection = projection()  # A_proj
        self.visual_projection = projection()  # V_proj
        self.text_projection = LinearBlock(self.text_adapter.width, joint, dropout)  # W_proj
        self.decoder = LinearBlock(joint, self.text_adapter.width, dropout)  # D
        self.audio_reconstruction = LinearBlock(joint, width, dropout)  # A_rec
        self.visual_reconstruction = LinearBlock(joint, width, dropout)  # V_rec

    def encode(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> Tensor:
        """phi_a = A_enc(a) and phi_v = V_enc(v) of several passes, one below the other.

        Args:
            audio: `[N, Da]`.
            visual: `[N, Dv]`.
            sizes: rows of each pass.

        Returns:
            phi `[2, N, D]`, audio before visual.
        """
        return torch.stack((self.audio_encoder.passes(audio, sizes), self.visual_encoder.passes(visual, sizes)))

    def embed_videos(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Encodings and embeddings of several passes, one below the other.

            [Z_0, Z_1] = Transformer([phi_a + pos_0, phi_v + pos_1])
            theta_a = A_proj(phi_a + Z_0),  theta_v = V_proj(phi_v + Z_1)

        Args:
            audio: `[N, Da]`.
            visual: `[N, Dv]`.
            sizes: rows of each pass.

        Returns:
            phi `[2, N, D]` and theta `[2, N, d]`, audio before visual.
        """
        encoded = self.encode(audio, visual, sizes)
        # The transformer has no statistics of a batch: to it the passes are one.
        exchanged = encoded + self.transformer(encoded + self.positions.unsqueeze(1))
        return encoded, torch.stack(
            (
                self.audio_projection.passes(exchanged[0], sizes),
                self.visual_projection.passes(exchanged[1], sizes),
            )
        )

    def embed_texts(self, text: Tensor) -> Tensor:
        """theta_w = W_proj(w) of texts `[K, Dw]` in one pass: `[K, d]`."""
        embedded: Tensor = self.text_projection(self.text_adapter(text))
        return embedded

    def forward(self, batch: Batch, text: Tensor) -> Embedded:
        """Embed, decode and reconstruct a batch and its negatives.

        Passes: all but the decoders positive, negative; D text, text', audio, audio', visual, visual';
        A_rec and V_rec positive.

        Args:
            batch: the samples, with negatives.
            text: `[R, Dw]`, the texts that labels point into.
        """
        pairs = paired(batch)
        count = len(batch.label)
        encoded, video = self.embed_videos(pairs.audio, pairs.visual, pairs.sizes)
        words, texts = self.text_adapter.passes(text, pairs.labels, self.text_projection)
        sizes = 3 * pairs.sizes
        decoded = self.decoder.passes(torch.cat((texts, video.flatten(0, 1))), sizes)
        text_decoded, _, r_audio, other_r_audio, r_visual, other_r_visual = torch.split(decoded, sizes)
        return Embedded(
            encoded=encoded[:, :count],
            other_encoded=encoded[:, count:],
            video=video[:, :count],
            other_video=video[:, count:],
            text=texts[:count],
            other_text=texts[count:],
            decoded=(r_audio, r_visual),
            other_decoded=(other_r_audio, other_r_visual),
            text_decoded=text_decoded,
            reconstructed=torch.stack(
                (self.audio_reconstruction(video[0, :count]), self.visual_reconstruction(video[1, :count]))
            ),
            target=words[:count],
        )


AnyAVCAConfig = TypeVar("AnyAVCAConfig", bound=AVCAConfig, default=AVCAConfig, covariant=True)


class AVCA(TorchMethod[AnyAVCAConfig]):
    """AVCA. Only the visual embedding is scored; it has seen the audio through the transformer."""

    module: AVCANet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32", "bf16")
    negatives: ClassVar[bool] = True

    official_names: ClassVar[Mapping[str, str]] = {
        "pos_emb1D": "positions",
        **{
            f"{official}.fc.{index}": f"{ours}.{part}"
            for official, ours in (
                ("A_enc", "audio_encoder"),
                ("V_enc", "visual_encoder"),
                ("A_proj", "audio_projection"),
                ("V_proj", "visual_projection"),
            )
            for index, part in ((0, "0.linear"), (1, "0.norm"), (4, "1.linear"), (5, "1.norm"))
        },
        **{
            f"{official}.fc.{index}": f"{ours}.{part}"
            for official, ours in (
                ("W_proj", "text_projection"),
                ("D", "decoder"),
                ("A_rec", "audio_reconstruction"),
                ("V_rec", "visual_reconstruction"),
            )
            for index, part in ((0, "linear"), (1, "norm"))
        },
        **{
            f"cross_attention.layers.{layer}.{official}": f"transformer.{layer}.{ours}"
            for layer in range(_DEEPEST_OFFICIAL)
            for official, ours in (
                ("0.norm", "attention_norm"),
                ("0.fn.to_qkv", "attention.query_key_value"),
                ("0.fn.to_out.0", "attention.output"),
                ("1.norm", "feed_forward_norm"),
                ("1.fn.net.0", "feed_forward.hidden"),
                ("1.fn.net.3", "feed_forward.output"),
            )
        },
    }

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Widths, hidden layers and depth; of the attention heads the product of number and width alone.

        As in the published program there are three heads.

        Raises:
            KeyError: a layer that tells a width is missing.
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
        depth = 0
        while f"cross_attention.layers.{depth}.0.norm.weight" in state:
            depth += 1
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
            "depth": depth,
            "heads": _OFFICIAL_HEADS,
            "head_width": attention // _OFFICIAL_HEADS,
            "feed_forward_width": len(state["cross_attention.layers.0.1.fn.net.0.bias"]),
        }

    def build(self) -> AVCANet:
        """The network on these features."""
        return AVCANet(self.shape, self.config)

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """All but the position embeddings, unless `train_positions` is on."""
        return (parameter for parameter in self.module.parameters() if parameter.requires_grad)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """The sum of all losses, and each."""
        embedded = self.module(batch, self.train_text)
        if self.config.reconstruction_passes:
            with torch.no_grad():
                self.module.audio_projection(embedded.reconstructed[0])
                self.module.visual_projection(embedded.reconstructed[1])
        losses = self.terms(embedded)
        return {"total": torch.stack(list(losses.values())).sum(), **losses}

    def terms(self, embedded: Embedded) -> dict[str, Tensor]:
        """The losses of a batch, which are summed."""
        return avca_losses(
            embedded,
            margin=self.config.margin,
            k1=self.config.k1,
            k2=self.config.k2,
            regularization=self.config.regularization,
        )

    def after_step(self, batch: Batch) -> None:
        """With `bn_refresh=official` the embeddings of the batch once more."""
        if self.config.bn_refresh == "official":
            self.module.embed_videos(batch.audio, batch.visual, [len(batch.label)])
            self.module.text_adapter.passes(self.train_text, [batch.label], self.module.text_projection)

    def embed_videos(self, videos: Videos) -> Tensor:
        """theta_v of videos, `[N, d]`."""
        return self.module.embed_videos(videos.audio, videos.visual, [len(videos)])[1][1]

    def embed_classes(self, classes: Classes) -> Tensor:
        """theta_w of classes, `[K, d]`."""
        return self.module.embed_texts(self.text_of(classes))

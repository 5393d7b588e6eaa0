"""The network of AVCA and its settings.

After the published code of Mercea, Riesch, Koepke, Akata: "Audio-visual Generalised Zero-shot Learning with
Cross-modal Attention and Language", CVPR 2022, arXiv 2203.03598. `B` is the batch, `D` the width of the encodings
and of the transformer, `d` the width of the joint space, and a prime marks samples of other classes.

Its names for three dropout rates mislead: its "embedding dropout" is `encoder_dropout` here, its "decoder dropout"
`projection_dropout`, its "additional dropout" `decoder_dropout`; its "decoder hidden size" is
`projection_hidden_width`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avgzsl_baselines.families.avca_losses import Embedded
from avgzsl_baselines.families.layers import BlockStack, LinearBlock, TwoLayerBlock
from avgzsl_baselines.families.paired import paired
from avgzsl_baselines.families.settings import BatchNormRefresh, EncodedConfig
from avgzsl_baselines.families.text_adapter import TextAdapter
from avgzsl_baselines.families.token_attention import TokenLayer
from avgzsl_bench import Batch, FeatureDims, Field


class AVCAConfig(EncodedConfig):
    """Settings of AVCA; the defaults are the published ones for UCF with SeLaVi features."""

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
    bn_refresh: BatchNormRefresh = "official"


def feed_forward(inputs: int, hidden: int, outputs: int, dropout: float, momentum: float) -> BlockStack:
    """Build two blocks of which the second has the momentum; without a hidden layer one, which has not."""
    if hidden == 0:
        return BlockStack(LinearBlock(inputs, outputs, dropout))
    return TwoLayerBlock(inputs, hidden, outputs, dropout, momentum)


class AVCANet(nn.Module):
    """Encoders, transformer, projections into the joint space, and decoders out of it."""

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
        layer = (width, config.heads, config.head_width, config.feed_forward_width, config.encoder_dropout)
        self.transformer = nn.Sequential(*(TokenLayer(*layer) for _ in range(config.depth)))
        self.audio_projection = projection()  # A_proj
        self.visual_projection = projection()  # V_proj
        self.text_projection = LinearBlock(self.text_adapter.width, joint, dropout)  # W_proj
        self.decoder = LinearBlock(joint, self.text_adapter.width, dropout)  # D
        self.audio_reconstruction = LinearBlock(joint, width, dropout)  # A_rec
        self.visual_reconstruction = LinearBlock(joint, width, dropout)  # V_rec

    def encode(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> Tensor:
        """Compute phi_a = A_enc(a) and phi_v = V_enc(v) of several passes, one below the other.

        Of audio `[N, Da]` and visual `[N, Dv]`; `sizes` are the rows of each pass. Returns phi, `[2, N, D]`.
        """
        return torch.stack((self.audio_encoder.passes(audio, sizes), self.visual_encoder.passes(visual, sizes)))

    def fuse(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Encode several passes and add what the transformer makes of phi, which takes them for one, to it.

            [Z_0, Z_1] = Transformer([phi_a + pos_0, phi_v + pos_1])

        Arguments as in `encode`; returns phi, and phi + Z, which is projected: `[2, N, D]` each.
        """
        encoded = self.encode(audio, visual, sizes)
        return encoded, encoded + self.transformer(encoded + self.positions.unsqueeze(1))

    def update_statistics(self, audio: Tensor, visual: Tensor) -> None:
        """Do what `embed_videos` does to the running statistics in one pass of training, and nothing else."""
        _, fused = self.fuse(audio, visual, [len(audio)])
        self.update_projections(fused)

    def update_projections(self, fused: Tensor) -> None:
        """Do what projecting `[2, N, D]` in training does to the running statistics, and nothing else."""
        audio, visual = fused
        self.audio_projection.update_statistics(audio)
        self.visual_projection.update_statistics(visual)

    def embed_videos(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Encode, fuse and project several passes, one below the other.

            theta_a = A_proj(phi_a + Z_0),  theta_v = V_proj(phi_v + Z_1)

        Arguments as in `encode`; returns phi `[2, N, D]` and theta `[2, N, d]`, audio before visual.
        """
        encoded, (audio, visual) = self.fuse(audio, visual, sizes)
        projected = self.audio_projection.passes(audio, sizes), self.visual_projection.passes(visual, sizes)
        return encoded, torch.stack(projected)

    def embed_texts(self, text: Tensor) -> Tensor:
        """Compute theta_w = W_proj(w) of texts `[K, Dw]` in one pass: `[K, d]`."""
        embedded: Tensor = self.text_projection(self.text_adapter(text))
        return embedded

    def forward(self, batch: Batch, text: Tensor) -> Embedded:
        """Embed, decode and reconstruct a batch and its negatives.

        Passes: all but the decoders positive, negative; D text, text', audio, audio', visual, visual';
        A_rec and V_rec positive. Labels point into the rows of `text`, `[R, Dw]`.
        """
        pairs = paired(batch)
        encoded, video = self.embed_videos(pairs.audio, pairs.visual, pairs.sizes)
        words, texts = self.text_adapter.passes(text, pairs.labels, self.text_projection)
        decoded = self.decoder.passes(torch.cat((texts, video.flatten(0, 1))), 3 * pairs.sizes)
        own_encoded, other_encoded = _by_pass(encoded)
        own_video, other_video = _by_pass(video)
        own_text, other_text = torch.split(texts, pairs.sizes)
        own_decoded, other_decoded = _by_pass(decoded.view(3, -1, decoded.shape[-1]))
        audio, visual = own_video
        return Embedded(
            encoded=own_encoded,
            other_encoded=other_encoded,
            video=own_video,
            other_video=other_video,
            text=own_text,
            other_text=other_text,
            decoded=own_decoded,
            other_decoded=other_decoded,
            reconstructed=torch.stack((self.audio_reconstruction(audio), self.visual_reconstruction(visual))),
            target=words[: len(own_text)],
        )


def _by_pass(passes: Tensor) -> tuple[Tensor, Tensor]:
    """Take positive and negative pass, `[K, 2B, d]`, apart; slices would each have a gradient of both's size."""
    own, other = passes.view(len(passes), 2, -1, passes.shape[-1]).unbind(1)
    return own, other

"""What CJME and AVGZSLNet share: three embedding networks into one space, and two matrices of distances.

Architecture and training follow the program of the AVCA benchmark (Mercea et al., "Audio-visual generalised
zero-shot learning with cross-modal attention and language", CVPR 2022), which both were reimplemented in. `B` is
the batch, `d` the width of the joint space; audio, visual and text vectors are `a`, `v`, `w`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from avgzsl_baselines.families.layers import LinearBlock
from avgzsl_baselines.families.settings import AdapterDropout, BenchmarkConfig
from avgzsl_baselines.families.text_adapter import TextAdapter
from avgzsl_bench import CheckpointError, Classes, FeatureDims, Field, Precision, TorchMethod, Videos


class TwoBranchConfig(BenchmarkConfig):
    """Settings of both; the defaults are the published ones, which hardly depend on the dataset."""

    dropout: float = Field(0.2, ge=0, lt=1, description="dropout rate of the three embedding networks")
    text_adapter_dropout: AdapterDropout = 0.1
    hidden_width: int = Field(1024, ge=1, description="width of the hidden layer for audio, and for visual")
    text_hidden_width: int = Field(300, ge=1, description="width of the hidden layer for text")
    embedding_width: int = Field(64, ge=1, description="width d of the joint space")
    margin: float = Field(1.0, ge=0, description="by how much a negative should be farther than a positive")
    bias: Literal["own", "mean_of_three"] = Field(
        "own",
        description="the bias that is handed on to the test: the best for the scored matrix, or, as the "
        "published program does, the mean of the best for audio, for visual and for the scored matrix",
    )


class EmbeddingNet(nn.Module):
    """Linear, batch normalisation, ReLU, dropout, linear: `[N, inputs]` to `[N, outputs]`."""

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.hidden = LinearBlock(inputs, hidden, dropout)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[N, inputs]` to `[N, outputs]`."""
        outputs: Tensor = self.output(self.hidden(inputs))
        return outputs

    def passes(self, inputs: Tensor, sizes: list[int]) -> Tensor:
        """Compute what calls for several batches in turn would; see `LinearBlock.passes`."""
        outputs: Tensor = self.output(self.hidden.passes(inputs, sizes))
        return outputs


class TwoBranchNet(nn.Module):
    """`f_a`, `f_v` and `f_t`, each one hidden layer."""

    def __init__(self, shape: FeatureDims, config: TwoBranchConfig) -> None:
        super().__init__()
        width, dropout = config.embedding_width, config.dropout
        self.text_adapter = TextAdapter(shape.text, config.text_adapter_dropout)
        self.audio = EmbeddingNet(shape.audio, config.hidden_width, width, dropout)
        self.visual = EmbeddingNet(shape.visual, config.hidden_width, width, dropout)
        self.text = EmbeddingNet(self.text_adapter.width, config.text_hidden_width, width, dropout)

    def embed_texts(self, text: Tensor) -> Tensor:
        """Compute `f_t` of texts `[N, Dw]` in one pass: `[N, d]`."""
        embedded: Tensor = self.text(self.text_adapter(text))
        return embedded


AnyTwoBranchConfig = TypeVar("AnyTwoBranchConfig", bound=TwoBranchConfig, default=TwoBranchConfig, covariant=True)


class TwoBranchMethod(TorchMethod[AnyTwoBranchConfig]):
    """A method that compares audio and visual embeddings with class embeddings, each by itself.

    A subclass writes `build`, `losses`, the two `embed_*` and `combine`. Embedded videos are `[N, 2d + e]`: the
    audio embedding, the visual one, and `e` columns that only `combine` reads.
    """

    module: TwoBranchNet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32", "bf16")
    negatives: ClassVar[bool] = True

    official_names: ClassVar[Mapping[str, str]] = {
        f"triplet_net.embedding_net{number}.fc.{official}": f"{branch}.{ours}"
        for number, branch in ((1, "audio"), (2, "visual"), (3, "text"))
        for official, ours in ((0, "hidden.linear"), (1, "hidden.norm"), (4, "output"))
    }

    @abstractmethod
    def combine(self, audio: Tensor, visual: Tensor, videos: Tensor) -> Tensor:
        """Combine minus the distances of the two branches, `[N, K]` each, into the scored matrix, `[N, K]`.

        The embedded videos, `[N, 2d + e]`, may decide how.
        """

    def branch_scores(self, videos: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Compute minus the Euclidean distances, audio and visual: two `[N, K]` of embedded videos and classes."""
        width = classes.shape[1]
        audio, visual = videos[:, :width], videos[:, width : 2 * width]
        return super().compatibility(audio, classes), super().compatibility(visual, classes)

    def compatibility(self, videos: Tensor, classes: Tensor) -> Tensor:
        """Score embedded videos against embedded classes: `[N, K]`."""
        return self.combine(*self.branch_scores(videos, classes), videos)

    def calibration_scorer(self, classes: Classes) -> Callable[[Videos], Sequence[Tensor]] | None:
        """Score by audio, by visual and by both, `[N, K]` each, where `bias=mean_of_three`."""
        if self.config.bias == "own":
            return None
        self.module.eval()
        with torch.inference_mode():
            embedded_classes = self.embed_classes(classes)

        @torch.inference_mode()
        def scores(videos: Videos) -> Sequence[Tensor]:
            embedded = videos.mapped(self.embed_videos, self.score_block)
            audio, visual = self.branch_scores(embedded, embedded_classes)
            return audio, visual, self.combine(audio, visual, embedded)

        return scores

    def embed_classes(self, classes: Classes) -> Tensor:
        """Compute `f_t` of classes, `[K, d]`."""
        return self.module.embed_texts(self.text_of(classes))

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Derive the widths of the features, of the hidden layers and of the joint space."""
        nets = [f"triplet_net.embedding_net{number}.fc" for number in (1, 2, 3)]
        (hidden, audio), (visual_hidden, visual), (text_hidden, text) = (
            state[f"{net}.0.weight"].shape for net in nets
        )
        outputs = {len(state[f"{net}.4.bias"]) for net in nets}
        if hidden != visual_hidden or len(outputs) != 1:
            raise CheckpointError(f"{cls.__name__}: audio and visual networks of different widths")
        settings = {"hidden_width": hidden, "text_hidden_width": text_hidden, "embedding_width": outputs.pop()}
        return FeatureDims(audio, visual, {"word2vec": text}), settings

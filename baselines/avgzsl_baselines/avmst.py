"""AVMST: AVCA whose encodings are gated by the firing rates of spiking networks.

Li, Ma, Deng, Man, Fan: "Modality-Fusion Spiking Transformer Network for Audio-Visual Zero-Shot Learning", ICME
2023, doi 10.1109/ICME55011.2023.00080. The model follows the authors' program; its training script is not public,
and training is taken to be AVCA's, on whose program theirs is built. In the docstrings `N` are videos, `D` is the
width of the encodings, `T` the number of steps.

The spiking network of each modality gets the same features at each of `T` steps. How often its neurons fire gates
the encodings. Gated and plain encodings exchange information in AVCA's transformer, and its output takes the
place of the encodings in all of AVCA, losses included. Two forms, whose embeddings differ little at equal weights:

- `repaired`, the default: each modality has a network of its own, at rest before each batch, and trained.
- `released`, the program as it is. The visual network runs a single step; in the others the visual features enter
  the audio network, so both must be of one width. Networks come to rest only after a whole forward pass: the
  visual rates depend on the audio, those of the negatives on the samples. They keep their random weights. It
  is the form to compare with the printed figures, which are of SeLaVi features.

In both, the gate is nearly constant: a softmax over `D = 300` rates between 0 and 1 stays between 0.0012 and
0.0091, so a gated encoding is about `phi / 300`, whatever the spikes. The neurons have no leak, and the dynamic
threshold that the paper describes is not in the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_network import AVCAConfig, AVCANet
from avgzsl_baselines.families.gating import exchange_with_gated
from avgzsl_baselines.families.released_names import released_names
from avgzsl_baselines.families.spiking import integrate_and_fire
from avgzsl_bench import CheckpointError, ConfigError, FeatureDims, Field, Precision

Potentials = tuple["Tensor | None", "Tensor | None"]
"""Membrane potentials of a network's two layers; None: at rest."""

AT_REST: Potentials = (None, None)


class AVMSTConfig(AVCAConfig):
    """Settings of AVMST."""

    fidelity: Literal["repaired", "released"] = Field(
        "repaired",
        description="'repaired': each modality has a spiking network of its own, at rest before each batch, and "
        "trained; 'released': as in the published program, which needs audio and visual features of one width",
    )
    steps: int = Field(10, ge=1, description="steps T for which the spiking networks see the features")
    spiking_hidden_width: int = Field(512, ge=1, description="width of the spiking networks' hidden layer")


class SpikingBranch(nn.Module):
    """Linear, neurons, linear, neurons."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, inputs: Tensor, steps: int, potentials: Potentials = AT_REST) -> tuple[Tensor, Potentials]:
        """Compute spikes of the second layer, `[steps, N, outputs]`, on constant inputs `[N, inputs]`.

        The potentials are those before the first step; returns the spikes, and those after the last.
        """
        first, second = potentials
        spikes, first = integrate_and_fire(self.hidden(inputs).unsqueeze(0), first, steps)
        spikes, second = integrate_and_fire(self.output(spikes), second, steps)
        return spikes, (first, second)


class AVMSTNet(AVCANet):
    """AVCA's network with a spiking network for each modality."""

    def __init__(self, shape: FeatureDims, config: AVMSTConfig) -> None:
        super().__init__(shape, config)
        self.steps = config.steps
        self.released = config.fidelity == "released"
        hidden, width = config.spiking_hidden_width, config.model_width
        self.audio_spiking = SpikingBranch(shape.audio, hidden, width)
        self.visual_spiking = SpikingBranch(shape.visual, hidden, width)

    def firing_rates(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> Tensor:
        """Compute the firing rate of each output neuron: multiples of `1 / T` in [0, 1].

        Of audio `[N, Da]` and visual `[N, Dv]`; `sizes` are the rows of each pass. Returns `[2, N, D]`.
        """
        if self.released:
            return self._released_rates(audio, visual, sizes)
        branches = (self.audio_spiking, audio), (self.visual_spiking, visual)
        return torch.stack([branch(inputs, self.steps)[0].mean(dim=0) for branch, inputs in branches])

    def _released_rates(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> Tensor:
        """Compute the rates where the audio network takes over the visual features, and no pass starts at rest."""
        audio_state = visual_state = AT_REST
        rates = []
        for audio_part, visual_part in zip(torch.split(audio, sizes), torch.split(visual, sizes), strict=True):
            of_audio, audio_state = self.audio_spiking(audio_part, self.steps, audio_state)
            of_visual, visual_state = self.visual_spiking(visual_part, 1, visual_state)
            if self.steps > 1:
                others, audio_state = self.audio_spiking(visual_part, self.steps - 1, audio_state)
                of_visual = torch.cat((of_visual, others))
            rates.append(torch.stack((of_audio.mean(dim=0), of_visual.mean(dim=0))))
        return torch.cat(rates, dim=1)

    def encode(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> Tensor:
        """Encode several passes and let encodings exchange information with their gated form.

        Arguments as in `firing_rates`; returns phi', `[2, N, D]`, see `exchange_with_gated`.
        """
        encoded = super().encode(audio, visual, sizes)
        rates = self.firing_rates(audio, visual, sizes)
        return exchange_with_gated(self.transformer, encoded, rates, self.positions)


AnyAVMSTConfig = TypeVar("AnyAVMSTConfig", bound=AVMSTConfig, default=AVMSTConfig, covariant=True)


class AVMST(AVCA[AnyAVMSTConfig]):
    """AVMST. As AVCA, it scores the visual embedding."""

    spiking: ClassVar[bool] = True

    module: AVMSTNet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32")
    """Rounded to bfloat16, other neurons fire in training than in scoring."""

    official_names: ClassVar[Mapping[str, str]] = {
        **AVCA.official_names,
        **released_names(
            {"SNNbranchaudio": "audio_spiking", "SNNbranchvideo": "visual_spiking"},
            {"fc.0": "hidden", "fc.2": "output"},
        ),
    }

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Derive what AVCA does, and the width of the spiking networks' hidden layer; not the number of steps.

        Raises:
            KeyError: a layer that a width is derived from is missing.
            CheckpointError: audio and visual features differ in width, on which the published program cannot run;
                or what AVCA refuses.
        """
        shape, settings = super().official_shape(state)
        if shape.audio != shape.visual:
            raise CheckpointError(
                f"audio features of width {shape.audio} and visual ones of {shape.visual}: the published program "
                "feeds visual features to the audio network, so both are of one width"
            )
        return shape, settings | {"spiking_hidden_width": len(state["SNNbranchaudio.fc.0.bias"])}

    @classmethod
    def check(cls, config: AnyAVMSTConfig, shape: FeatureDims) -> None:  # type: ignore[misc]  # always its own Config
        """Refuse the released form where audio and visual features differ in width."""
        if config.fidelity == "released" and shape.audio != shape.visual:
            raise ConfigError(
                "setting fidelity=released: the published program feeds visual features to the audio network, so "
                f"both must be of one width (here {shape.audio} and {shape.visual}); use fidelity=repaired"
            )

    def build(self) -> AVMSTNet:
        """Build the network on these features; in the released form its spiking networks are not trained."""
        net = AVMSTNet(self.shape, self.config)
        for branch in (net.audio_spiking, net.visual_spiking):
            branch.requires_grad_(self.config.fidelity == "repaired")
        return net

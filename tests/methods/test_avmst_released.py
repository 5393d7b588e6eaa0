"""AVMST's released weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from released import as_saved, avca_shapes, layer_normalised, linear, random_state, through_fc
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.avmst import AVMST
from avgzsl_bench import CheckpointError, Classes, FeatureDims, Videos, load_official
from avgzsl_bench.cli import main
from avgzsl_bench.records.checkpoint import read_checkpoint


def avmst_shapes(visual: int = 96) -> dict[str, tuple[int, ...]]:
    shapes = avca_shapes(visual=visual)
    for branch in ("SNNbranchaudio", "SNNbranchvideo"):
        shapes |= {f"{branch}.fc.0.weight": (56, 96), f"{branch}.fc.0.bias": (56,)}
        shapes |= {f"{branch}.fc.2.weight": (300, 56), f"{branch}.fc.2.bias": (300,)}
    return shapes


def avmst_state() -> dict[str, Tensor]:
    """Random weights of which neither all nor none of the neurons fire."""
    state = random_state(avmst_shapes())
    for name in state:
        if name.endswith("weight") and state[name].ndim == 2:
            state[name] /= state[name].shape[1] ** 0.5
            state[name] *= 6 if name.startswith("SNN") else 1
    return state


class Neurons:
    """Two layers of neurons, which keep their potentials from step to step."""

    def __init__(self, state: Mapping[str, Tensor], branch: str) -> None:
        self.state, self.branch = state, branch
        self.potentials = [torch.zeros(()), torch.zeros(())]

    def spikes(self, x: Tensor) -> Tensor:
        for number, layer in enumerate(("fc.0", "fc.2")):
            charged = self.potentials[number] + linear(self.state, x, f"{self.branch}.{layer}")
            x = (charged >= 1).float()
            self.potentials[number] = charged * (1 - x)
        return x


def transformed(state: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The transformer of two tokens, `[N, 2, 300]`."""
    attention, feed_forward = (f"cross_attention.layers.0.{i}" for i in range(2))
    normed = layer_normalised(state, x, f"{attention}.norm")
    query, key, value = (
        part.unflatten(2, (3, 100)).transpose(1, 2)
        for part in linear(state, normed, f"{attention}.fn.to_qkv").chunk(3, dim=-1)
    )
    heads = torch.softmax(query @ key.transpose(2, 3) / 10, dim=-1) @ value
    x = x + linear(state, heads.transpose(1, 2).flatten(2), f"{attention}.fn.to_out.0")
    hidden = linear(state, layer_normalised(state, x, f"{feed_forward}.norm"), f"{feed_forward}.fn.net.0")
    return x + linear(state, F.gelu(hidden), f"{feed_forward}.fn.net.3")


def test_released_weights() -> None:
    state = avmst_state()
    method = load_official("avmst", state)
    assert isinstance(method, AVMST)
    assert method.shape == FeatureDims(96, 96, {"word2vec": 300})
    assert (method.config.fidelity, method.config.steps) == ("released", 10)
    assert (method.config.spiking_hidden_width, method.config.encoder_hidden_width) == (56, 64)
    audio, visual, text = torch.randn(3, 96), torch.randn(3, 96), torch.randn(4, 300)

    of_audio, of_visual = Neurons(state, "SNNbranchaudio"), Neurons(state, "SNNbranchvideo")
    rates = [torch.stack([of_audio.spikes(audio) for _ in range(10)]).mean(dim=0)]
    # One step of the visual network, and nine of the audio network on visual features.
    steps = [of_visual.spikes(visual), *(of_audio.spikes(visual) for _ in range(9))]
    rates.append(torch.stack(steps).mean(dim=0))
    assert all(0.05 < rate.mean() < 0.95 for rate in rates)
    encoded = through_fc(state, audio, "A_enc"), through_fc(state, visual, "V_enc")
    exchanged = []
    for m in range(2):  # each modality beside its gated form
        gated = encoded[m] * torch.softmax(rates[m], dim=1)
        exchanged.append(transformed(state, torch.stack((encoded[m], gated), dim=1) + state["pos_emb1D"][m])[:, m])
    pair = torch.stack(exchanged, dim=1)
    embedded = through_fc(state, (pair + transformed(state, pair + state["pos_emb1D"]))[:, 1], "V_proj")
    words = through_fc(state, text, "W_proj")
    classes = Classes(tuple("abcd"), {"word2vec": text}, torch.ones(4, dtype=torch.bool))
    scores = method.score(Videos(audio, visual), classes)
    torch.testing.assert_close(scores, -(embedded[:, None] - words).norm(dim=2), rtol=1e-4, atol=1e-4)


def test_number_of_steps_is_a_setting() -> None:
    method = load_official("avmst", avmst_state(), steps=4)
    assert method.config.steps == 4  # type: ignore[attr-defined]


def test_a_released_file_is_imported(tmp_path: Path) -> None:
    torch.save(as_saved(avmst_state()), tmp_path / "AVMST_score.pt")
    out = tmp_path / "avmst.safetensors"
    given = ["checkpoint", "import", str(tmp_path / "AVMST_score.pt"), "--method", "avmst", "--out", str(out)]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("AVMST: ")
    assert read_checkpoint(out).header.config["fidelity"] == "released"


def test_features_that_the_program_cannot_take_are_refused() -> None:
    with pytest.raises(CheckpointError, match="width 96 and visual ones of 128"):
        load_official("avmst", random_state(avmst_shapes(visual=128)))


def test_weights_of_avca_are_not_those_of_avmst() -> None:
    with pytest.raises(CheckpointError, match=r"missing: SNNbranchaudio\.fc\.0\.bias"):
        load_official("avmst", random_state(avca_shapes(visual=96)))

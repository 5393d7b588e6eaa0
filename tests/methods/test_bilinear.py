"""What DeViSE, ALE and SJE have in common: network, settings, switches and released checkpoints."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bilinear_cases import FIXTURE_LABEL, fixture_method, fixture_videos, make_classes, make_method
from joint_space import CLS, MAIN
from released import random_state
from torch.nn import functional as F

from avgzsl_baselines.ale import ALE
from avgzsl_baselines.devise import DeViSE
from avgzsl_baselines.families.bilinear import BilinearMethod
from avgzsl_baselines.sje import SJE
from avgzsl_bench import Batch, CheckpointError, FeatureDims, Videos, load_official
from avgzsl_bench.method.registry import method_spec

every_method = pytest.mark.parametrize("cls", [DeViSE, ALE, SJE])


# --- switches ---


@every_method
def test_dropout_on_classes_is_a_switch(cls: type[BilinearMethod]) -> None:
    """With dropout on the videos alone, classes with equal embeddings stay equal."""

    def compatibility(**settings: Any) -> torch.Tensor:
        torch.manual_seed(0)
        classes = make_classes({"word2vec": torch.ones(5, 300)})
        method = make_method(cls, FeatureDims(6, 5, {"word2vec": 300}), classes, dropout=0.5, **settings)
        method.module.train()
        matrix: torch.Tensor = method.module(torch.ones(3, 6), torch.ones(3, 5), method.train_text)
        return matrix

    alike = compatibility(dropout_classes=False)
    torch.testing.assert_close(alike, alike[:, :1].expand(3, 5))
    by_default = compatibility()
    assert torch.equal(by_default, compatibility(dropout_classes=True))
    assert (by_default - by_default[:, :1]).abs().max() > 0.01


@every_method
def test_scoring_is_a_switch(cls: type[BilinearMethod]) -> None:
    """Distances and dot products put the same class first and differ in their gaps, which the bias acts on."""
    method, videos = fixture_method(cls, normalize_input=False), fixture_videos()
    assert list(method.state_dict()) == ["map.weight"]
    distance = method.score(videos, method.classes)
    method.config = method.config.model_copy(update={"scoring": "dot"})
    dot = method.score(videos, method.classes)
    assert dot[0].tolist() == pytest.approx([-0.11719030, -0.24944579, -0.12410027, -0.09970494], abs=5e-9)
    assert torch.equal(dot.argsort(dim=1), distance.argsort(dim=1))
    gap, dot_gap = distance[:, 0] - distance[:, 1], dot[:, 0] - dot[:, 1]
    torch.testing.assert_close(gap, 2 * dot_gap / -(distance[:, 0] + distance[:, 1]))
    assert (gap.abs() < dot_gap.abs() / 5).all()


@every_method
def test_losses_do_not_depend_on_the_order_of_the_batch(cls: type[BilinearMethod]) -> None:
    method, videos = fixture_method(cls, normalize_input=True), fixture_videos()
    order = torch.tensor([2, 0, 3, 1])
    first = method.losses(Batch(videos.audio, videos.visual, FIXTURE_LABEL))
    second = method.losses(Batch(videos.audio[order], videos.visual[order], FIXTURE_LABEL[order]))
    torch.testing.assert_close(first, second)


# --- released checkpoints ---


@every_method
@pytest.mark.parametrize(("shape", "normalize"), [(MAIN, False), (CLS, True)])
def test_reads_a_released_checkpoint(cls: type[BilinearMethod], shape: FeatureDims, normalize: bool) -> None:
    state = random_state({"bilinear.weight": (300, shape.visual + shape.audio)})
    classes = make_classes({"word2vec": F.normalize(torch.randn(5, 300), dim=1)})
    method = load_official(method_spec(cls.__name__.lower()), state)
    assert isinstance(method, cls)
    method.module.eval()
    assert method.shape == shape
    videos = Videos(torch.randn(4, shape.audio), torch.randn(4, shape.visual))
    x = torch.cat([videos.visual, videos.audio], dim=1)
    if normalize:
        x = x / x.norm(dim=1, keepdim=True)
    embedded = x @ state["bilinear.weight"].T
    torch.testing.assert_close(method.embed_videos(videos), embedded, rtol=1e-4, atol=1e-4)
    distance = (embedded.unsqueeze(1) - classes.embedding()).norm(dim=2)
    torch.testing.assert_close(method.score(videos, classes), -distance, rtol=1e-4, atol=1e-4)


def test_a_width_that_does_not_tell_audio_from_visual_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"224 inputs.*1024 and 4224"):
        load_official(method_spec("devise"), {"bilinear.weight": torch.zeros(300, 224)})
    with pytest.raises(CheckpointError, match=r"missing: bilinear\.weight"):
        load_official(method_spec("devise"), {})

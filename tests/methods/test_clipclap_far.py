"""Anchored scoring against worked numbers, and ClipClap-GZSL with it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from built_methods import CLIP_CLAP, CLS, build
from joint_space_example import CLASSES, SHAPE, TRAIN, VIDEOS, made
from reference_values import PRINTED_8, bias, doubles, weight
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from avgzsl_baselines.clipclap import ClipClap
from avgzsl_baselines.clipclap_far import ClipClapFar, ClipClapFarConfig
from avgzsl_baselines.clipclap_zeroshot import ClipClapZeroShot
from avgzsl_baselines.families.anchored_scoring import AnchoredConfig, AnchoredScoring
from avgzsl_baselines.families.joint_spaces import raw_classes, raw_videos
from avgzsl_bench import Batch, Classes, ConfigError, FeatureDims, Samples, TorchMethod, Videos

LAST_8 = 1.5e-8
"""For numbers of which one was printed a unit off in the eighth digit: exact are 0.926479337 and 0.983650537."""
SMALL: dict[str, Any] = {"model_width": 7, "hidden_width": 6, "embedding_width": 4, "dropout": 0.0}
SMALL |= {"batch_size": 6, "batches_per_epoch": 2, "weight_decay": 1e-5, "learning_rate": 1e-3}


class Fixed(TorchMethod[AnchoredConfig]):
    """Learnt embeddings by fixed layers on raw features and texts; nothing is trained."""

    def build(self) -> nn.Module:
        return nn.Identity()

    def build_optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)

    def train_epoch(self, train: Samples) -> dict[str, float]:
        return {"total": 0.0}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"total": batch.audio.sum()}

    def embed_videos(self, videos: Videos) -> Tensor:
        return normalize(linear(raw_videos(videos.audio, videos.visual), weight(3, 11, 91), bias(3, 91)))

    def embed_classes(self, classes: Classes) -> Tensor:
        return normalize(linear(raw_classes(classes, "clap", "clip"), weight(3, 11, 92), bias(3, 92)))


class FixedFar(AnchoredScoring[AnchoredConfig], Fixed):
    """The same, anchored."""


def test_distances_of_fixed_tensors() -> None:
    method = made(FixedFar, epochs=0)
    method.raw_width = 4
    z = normalize(doubles([1, 0, 2], [0.5, 1.5, 0], [-1, 0.5, 1]))
    z_c = normalize(doubles([0.8, 0.1, 1.5], [0.2, 1, 0.3], [0, 0.4, 0.9]))
    x = normalize(doubles([0.6, 0.8, 1, 0], [0.8, -0.6, 0.6, 0.8], [0, 1, 0.28, 0.96]))
    w = normalize(doubles([1, 0, 0.6, 0.8], [0.6, 0.8, 0, 1], [0, -1, 0.8, 0.6]))
    videos, classes = torch.cat([z, x], dim=1), torch.cat([z_c, w], dim=1)
    learnt, raw = (-part for part in method.compatibilities(videos, classes))
    assert learnt[0].tolist() == pytest.approx([0.06436008, 1.15190058, 0.60442055], abs=PRINTED_8)
    assert raw[0].tolist() == pytest.approx([0.89442719, 1, 1.41421356], abs=PRINTED_8)
    assert (learnt.mean().item(), raw.mean().item()) == pytest.approx((0.83569243, 0.94658509), abs=PRINTED_8)
    ratio = learnt.mean() / raw.mean()
    assert ratio.item() == pytest.approx(0.88284977, abs=PRINTED_8)
    method.module.raw_scale.fill_(ratio)
    mixed = -method.compatibility(videos, classes)
    assert mixed[0].tolist() == pytest.approx([0.42700246, 1.01737517, 0.92647933], abs=LAST_8)


def test_the_scale_comes_from_training_videos_and_all_classes() -> None:
    method = made(FixedFar)
    assert method.state_dict()["raw_scale"].item() == pytest.approx(0.92146050, abs=PRINTED_8)
    assert method.train_epoch(TRAIN)["raw_scale"] == pytest.approx(0.92146050, abs=PRINTED_8)
    of_scored = [method.measured_scale(VIDEOS.take(slice(0, n))) for n in (10, 5)]
    assert of_scored == pytest.approx([0.93820787, 0.98365055], abs=LAST_8), "the published scale, not ours"
    expected = [-0.72648054, -1.20649728, -1.40608998, -1.27901037, -1.26768421]
    assert method.score(VIDEOS, CLASSES)[0].tolist() == pytest.approx(expected, abs=PRINTED_8)
    method.score_block = 4
    assert method.measured_scale(TRAIN.videos) == pytest.approx(0.92146050, abs=PRINTED_8)


def test_without_a_scale_of_the_training_videos_it_is_1() -> None:
    method = made(FixedFar, far_scale="none")
    assert method.state_dict()["raw_scale"] == 1
    learnt = made(Fixed).score(VIDEOS, CLASSES)
    raw = made(FixedFar, far_scale="none", far_weight=0).score(VIDEOS, CLASSES)
    torch.testing.assert_close(method.score(VIDEOS, CLASSES), (learnt + raw) / 2)


def small(method: type[ClipClap], **settings: Any) -> ClipClap:
    torch.manual_seed(3)
    with torch.random.fork_rng():
        built = method(method.Config(**SMALL, **settings), SHAPE, CLASSES, seed=0, device=torch.device("cpu"))
    built.module.double()
    return built


def test_weight_1_is_clipclap_and_computes_nothing_raw() -> None:
    plain, off = small(ClipClap), small(ClipClapFar, far_weight=1)
    losses = [plain.train_epoch(TRAIN), off.train_epoch(TRAIN)]
    assert losses[0] == losses[1]
    assert torch.equal(off.score(VIDEOS, CLASSES), plain.score(VIDEOS, CLASSES))
    assert off.embed_videos(VIDEOS).shape[1] == SMALL["embedding_width"]
    without = Classes(CLASSES.names, {"word2vec": CLASSES.embedding()}, CLASSES.seen)
    assert torch.equal(off.score(VIDEOS, without), off.score(VIDEOS, CLASSES))


def test_training_is_that_of_clipclap() -> None:
    plain, far = small(ClipClap), small(ClipClapFar)
    for _ in range(2):
        losses, anchored = plain.train_epoch(TRAIN), dict(far.train_epoch(TRAIN))
        assert anchored.pop("raw_scale") == far.state_dict()["raw_scale"] > 0
        assert anchored == losses
    state = far.state_dict()
    del state["raw_scale"]
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in state.items())
    assert far.parameter_count() == plain.parameter_count()


def test_weight_0_ranks_as_the_raw_concatenation() -> None:
    far = small(ClipClapFar, far_weight=0)
    far.train_epoch(TRAIN)
    raw = made(ClipClapZeroShot, scale="none").score(VIDEOS, CLASSES)
    scores = far.score(VIDEOS, CLASSES)
    assert torch.equal(scores.argsort(dim=1), raw.argsort(dim=1))
    scale = far.state_dict()["raw_scale"]
    torch.testing.assert_close(scores, -scale * (2 - 2 * raw).sqrt())


def test_a_score_depends_on_no_other_scored_video() -> None:
    far = small(ClipClapFar)
    far.train_epoch(TRAIN)
    alone = torch.cat([far.score(VIDEOS.take(slice(i, i + 1)), CLASSES) for i in range(len(VIDEOS))])
    torch.testing.assert_close(far.score(VIDEOS, CLASSES), alone)


def test_the_scale_is_kept_with_the_model_and_through_an_interruption() -> None:
    far, other, third = (small(ClipClapFar) for _ in range(3))
    far.train_epoch(TRAIN)
    other.load_state_dict(far.state_dict())
    third.load_training_state(far.training_state())
    for loaded in (other, third):
        assert torch.equal(loaded.score(VIDEOS, CLASSES), far.score(VIDEOS, CLASSES))


def test_parameters_are_those_of_clipclap() -> None:
    assert build(ClipClapFar, CLIP_CLAP).parameter_count() == 2_237_824


@pytest.mark.parametrize(
    ("settings", "shape", "reason"),
    [
        ({}, CLS, r"^far_weight=0.5: .*no text encoder 'clip' of the visual width 4096 .*; set far_weight=1$"),
        ({"audio_text": "clip"}, SHAPE, "no text encoder 'clip' of the audio width 6"),
        ({"modality": "audio"}, SHAPE, "modality=audio leaves a part of them out; set far_weight=1"),
        ({"text": "clip"}, SHAPE, "text=clip leaves a part"),
    ],
)
def test_what_has_no_raw_distance_is_refused(settings: dict[str, Any], shape: FeatureDims, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        ClipClapFar.check(ClipClapFarConfig(**settings), shape)
    kept = {name: value for name, value in settings.items() if name != "text"}
    ClipClapFar.check(ClipClapFarConfig(**kept, far_weight=1), shape)


def test_settings_name_other_encoders() -> None:
    config = ClipClapFarConfig(visual_text="one", audio_text="other")
    offered = {"visual": "clip", "audio": "clap"}
    assert ClipClapFar.joint_text(config, offered) == {"visual": "one", "audio": "other"}
    ClipClapFar.check(config, FeatureDims(6, 5, {"other": 6, "one": 5}))

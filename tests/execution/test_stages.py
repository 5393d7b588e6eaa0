from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

import avgzsl_bench as ab
from avgzsl_baselines.avgzslnet import AVGZSLNet
from avgzsl_baselines.devise import DeViSE
from avgzsl_bench.errors import PluginError, RunError
from avgzsl_bench.execution import scoring
from avgzsl_bench.execution.random_streams import seed_everything
from avgzsl_bench.execution.scoring import score, validate
from avgzsl_bench.execution.stages import official_schedule, run_stage1, run_stage2
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.metrics import evaluate
from avgzsl_bench.gzsl.task import FeatureDims
from avgzsl_bench.testing.trial import tiny_task

SHAPE = FeatureDims(audio=9, visual=11, text={"text": 8})


@pytest.fixture
def task():
    return tiny_task(SHAPE, torch.device("cpu"))


class Scripted(ab.Method):
    """Scores that follow a script, one entry an epoch: how much of the truth to show."""

    script: tuple[float, ...] = ()
    task = None
    log: list

    def __init__(self, classes, log):
        super().__init__(ab.MethodConfig(), SHAPE, classes, seed=0, device=torch.device("cpu"))
        self.epoch, self.log, self.rate = 0, log, 1.0

    @property
    def learning_rate(self):
        return self.rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.log.append(("set", value))
        self.rate = value

    def train_epoch(self, train):
        self.epoch += 1
        self.log.append(("train", self.rate, len(train)))
        return {"loss": 1.0 / self.epoch}

    def score(self, videos, classes):
        everything = self.task.videos
        noise = torch.rand((len(everything), len(classes)), generator=torch.Generator().manual_seed(3))
        right = torch.nn.functional.one_hot(torch.from_numpy(self.task.truth.label), len(classes))
        which = torch.cdist(videos.audio, everything.audio).argmin(dim=1)
        return (noise + self.script[self.epoch - 1] * right)[which]

    def after_validation(self, hm):
        self.log.append(("validated", hm))
        self.rate *= 0.5

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


EXACT = parse_calibration("exact")


def _select(task, script, calibration=EXACT, kind=Scripted):
    log, shown = [], []
    Scripted.script, Scripted.task = script, task
    selection = run_stage1(
        lambda t: kind(t.classes, log),
        task,
        epochs=len(script),
        calibration=calibration,
        seed=0,
        report=shown.append,
    )
    assert [e.epoch for e in shown] == list(range(1, len(script) + 1))
    return selection, log


def _retrain(task, selection, schedule_on=None):
    log, shown = [], []
    done = run_stage2(
        lambda t: Scripted(t.classes, log), task, selection, seed=0, report=shown.append, schedule_on=schedule_on
    )
    return done, log, shown


def test_the_first_epoch_with_the_highest_hm_is_selected(task):
    selection, _ = _select(task, (0.1, 5.0, 0.2, 5.0))
    assert selection.best_epoch == 2
    assert [e.validation.hm for e in selection.epochs][1::2] == [1.0, 1.0]


def test_the_bias_is_the_one_of_the_best_epoch(task):
    selection, _ = _select(task, (0.1, 0.6, 0.2))
    best = selection.epochs[selection.best_epoch - 1].validation
    assert selection.bias == best.bias
    Scripted.script = (0.6,)
    method = Scripted(task.classes, [])
    method.epoch = 1
    direct = evaluate(
        method.score(task.videos, task.classes), task.truth.label, task.ground_truth.seen, task.ground_truth.unseen
    )
    assert (best.hm, best.bias) == (direct.hm, direct.bias)


def test_a_fixed_bias_is_kept(task):
    assert _select(task, (0.1, 0.6), parse_calibration("fixed:0.3"))[0].bias == 0.3


def test_stage_2_starts_afresh_and_replays_the_learning_rates(task):
    selection, _ = _select(task, (0.1, 0.2, 5.0, 0.2))
    (method, decisions), log, shown = _retrain(task, selection)
    assert selection.best_epoch == 3
    assert [e for e in log if e[0] == "train"] == [("train", r, len(task.train)) for r in (1.0, 0.5, 0.25)]
    assert not [e for e in log if e[0] == "validated"], "stage 2 has no validation"
    assert method.epoch == 3
    assert all(e.validation is None and e.stage == 2 for e in shown)
    assert np.array_equal(decisions.predict(selection.bias), task.truth.label)


def test_the_official_schedule_goes_on_stepping_on_the_validation_videos_of_stage_1(task):
    selection, _ = _select(task, (0.1, 0.2, 5.0, 0.2))
    _, log, shown = _retrain(task, selection, official_schedule(task, EXACT))
    assert [e[0] for e in log] == ["train", "validated"] * 3, "no learning rate is replayed"
    assert [e.learning_rate for e in shown] == [1.0, 0.5, 0.25]
    assert log[-1][1] == selection.epochs[2].validation.hm


def test_biases_of_several_matrices_are_averaged_on_request(task):
    class Averaging(Scripted):
        def calibration_scorer(self, classes):
            def scores(videos):
                own, shift = self.score(videos, classes), classes.seen.float()
                return [own + 1.0 * shift, own + 2.0 * shift, own + 6.0 * shift]

            return scores

    own, _ = _select(task, (5.0,))
    selection, _ = _select(task, (5.0,), kind=Averaging)
    assert selection.bias == pytest.approx(own.bias + 3.0)
    assert selection.epochs[0].validation == own.epochs[0].validation, "the figures are those of its own bias"
    assert selection.epochs[0].bias == selection.bias


def test_losses_that_are_not_finite_stop_the_run(task):
    class Diverging(Scripted):
        def train_epoch(self, train):
            super().train_epoch(train)
            return {"total": float("nan")}

    with pytest.raises(RunError, match="loss 'total' is nan in epoch 1"):
        _select(task, (1.0,), kind=Diverging)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (torch.zeros(3, 2), r"gave shape \(3, 2\)"),
        (torch.full((66, 11), float("nan")), "gave NaN or infinite"),
        (torch.zeros(66, 11).index_fill(0, torch.tensor(65), float("inf")), "gave NaN or infinite"),
        (torch.zeros(66, 11).index_fill(0, torch.tensor(0), float("-inf")), "gave NaN or infinite"),
    ],
)
def test_unusable_scores_are_named(task, scores, message):
    class Wrong(Scripted):
        def score(self, videos, classes):
            return scores

    with pytest.raises(RunError, match=f"Wrong.score {message}"):
        score(Wrong(task.classes, []), task)


def test_minus_infinity_that_wins_nothing_passes(task):
    class Sure(Scripted):
        def score(self, videos, classes):
            scores = torch.full((len(videos), len(classes)), float("-inf"))
            scores[:, torch.cat((classes.seen.nonzero()[:1], (~classes.seen).nonzero()[:1]), dim=1)] = 0.0
            return scores

    decisions = score(Sure(task.classes, []), task)
    assert not decisions.gap.any()


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda scores: scores.fill_(float("nan")), RunError, " gave NaN or infinite"),
        (lambda scores: scores[:, 1:], RunError, r" gave shape \(66, 10\), not \(66, 11\)"),
        (lambda scores: scores.numpy(), PluginError, ": scores must be a torch.Tensor .*; got numpy.ndarray"),
    ],
)
def test_unusable_scores_for_the_bias_are_named(task, spoil, error, message):
    class Broken(Blockwise):
        def calibration_scorer(self, classes):
            return lambda videos: [spoil(self.score(videos, classes))]

    with pytest.raises(error, match=f"Broken.calibration_scorer{message}"):
        validate(Broken(task.classes), task, EXACT)


def _small_blocks(task, monkeypatch):
    monkeypatch.setattr(scoring, "SCORES_AT_A_TIME", 9 * len(task.classes))
    monkeypatch.setattr(scoring, "VIDEOS_AT_A_TIME", 4)


def _built(kind, task, **settings):
    seed_everything(0)
    return kind(kind.Config(**settings), SHAPE, task.classes, seed=0, device=torch.device("cpu"))


def _embeddings(method, monkeypatch):
    """A list that grows by each embedding of classes."""
    plain, counted = method.embed_classes, []
    monkeypatch.setattr(method, "embed_classes", lambda classes: counted.append(classes) or plain(classes))
    return counted


def test_classes_are_embedded_once_an_evaluation_whatever_the_blocks(task, monkeypatch):
    _small_blocks(task, monkeypatch)
    method, averaging = _built(DeViSE, task), _built(AVGZSLNet, task, bias="mean_of_three")
    counted, of_averaging = _embeddings(method, monkeypatch), _embeddings(averaging, monkeypatch)
    assert len(score(method, task)) > 8, "several blocks"
    assert len(counted) == 1
    validate(averaging, task, EXACT)
    assert len(of_averaging) == 2, "for the scores, and for the bias of several matrices"


def test_a_score_of_its_own_is_what_counts(task):
    class Inverted(DeViSE):
        def score(self, videos, classes):
            return -super().score(videos, classes)

    own, plain = _built(Inverted, task), _built(DeViSE, task)
    given = own.scorer(task.classes)(task.videos)
    assert torch.equal(given, -plain.score(task.videos, task.classes))
    assert not np.array_equal(score(own, task).best_seen, score(plain, task).best_seen)


def test_no_block_of_scores_outlives_its_decisions(task, monkeypatch):
    _small_blocks(task, monkeypatch)
    earlier = []

    class Watched(Blockwise):
        def score(self, videos, classes):
            assert not [scores for scores in earlier if scores() is not None]
            earlier.append(weakref.ref(scores := super().score(videos, classes)))
            return scores

    score(Watched(task.classes), task)
    assert len(earlier) > 2


def test_scores_in_bfloat16_are_decided(task):
    class Coarse(Scripted):
        def score(self, videos, classes):
            return torch.eye(len(classes), dtype=torch.bfloat16)[torch.arange(len(videos)) % len(classes)]

    decisions = score(Coarse(task.classes, []), task)
    assert set(np.abs(decisions.gap).tolist()) <= {0.0, 1.0}


def test_labels_of_scored_videos_do_not_reach_the_method(task):
    """Whatever a method can see from inside, the truth is not in it."""
    reached = []

    class Curious(Scripted):
        def score(self, videos, classes):
            reached.extend([videos, classes, *vars(self).values()])
            return super().score(videos, classes)

        def train_epoch(self, train):
            reached.append(train)
            return super().train_epoch(train)

    _select(task, (1.0,), kind=Curious)
    for thing in reached:
        for value in vars(thing).values() if hasattr(thing, "__dict__") else [thing]:
            array = value.numpy() if isinstance(value, torch.Tensor) else np.asarray(value, dtype=object)
            assert array.shape != task.truth.label.shape or not np.array_equal(array, task.truth.label)


class Blockwise(Scripted):
    """Scores and calibration scores that depend on each video alone, and note how many were asked for."""

    def __init__(self, classes):
        super().__init__(classes, [])
        self.asked: list[int] = []

    def score(self, videos, classes):
        self.asked.append(len(videos) * len(classes))
        return videos.audio.sum(dim=1, keepdim=True).mul(torch.arange(len(classes)) + 1.0).sin()

    def calibration_scorer(self, classes):
        def both(videos):
            scores = self.score(videos, classes)
            return [scores, scores + classes.seen]

        return both


def test_scores_are_kept_in_blocks_whatever_the_number_of_videos(task, monkeypatch):
    whole, parts = Blockwise(task.classes), Blockwise(task.classes)
    at_once = score(whole, task), validate(whole, task, EXACT)
    assert set(whole.asked) == {len(task.videos) * len(task.classes)}, "few videos are scored at once"
    _small_blocks(task, monkeypatch)
    in_parts = score(parts, task), validate(parts, task, EXACT)
    assert set(parts.asked) == {8 * len(task.classes)}, "multiples of the videos at a time, the last one filled up"
    assert sum(parts.asked) == len(whole.asked) * 72 * len(task.classes), "each video once"
    for name in ("best_seen", "best_unseen", "gap"):
        assert np.array_equal(getattr(in_parts[0], name), getattr(at_once[0], name))
    assert in_parts[1] == at_once[1]

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench.data.choose import resolve_data
from avgzsl_bench.data.datasets.facts import partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.data.datasets.text_order import text_rows
from avgzsl_bench.data.device_steps import DeviceSteps
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError, UnknownNameError


@pytest.fixture(scope="module")
def ucf(data_root):
    return ab.load_benchmark("ucf", "simulated", "cls", data_root=data_root)


def test_counts_and_classes_of_the_two_splits(data_root, ucf):
    assert (int(ucf.final.classes.seen.sum()), int((~ucf.final.classes.seen).sum())) == (42, 6)
    assert (len(ucf.selection.train), len(ucf.selection.videos)) == (3174, 353 + 1467)
    assert (len(ucf.final.train), len(ucf.final.videos)) == (4994, 555 + 845)
    main = ab.load_benchmark("ucf", "simulated", "main", data_root=data_root)
    assert int((~main.final.classes.seen).sum()) == 9
    assert len(main.final.videos) == 555 + 1267
    assert main.spec.split_hash != ucf.spec.split_hash
    assert main.spec.fingerprint == ucf.spec.fingerprint


def test_every_tensor_matches_its_row_in_the_store(ucf, table):
    facts = dataset("ucf")
    for task, training in ((ucf.selection, "stage1_train"), (ucf.final, "stage2_train")):
        rows = task.truth.row
        assert np.array_equal(task.videos.audio.numpy(), table.audio[rows])
        assert np.array_equal(task.videos.visual.numpy(), table.visual[rows])
        assert task.truth.video_id == tuple(table.video_id[row] for row in rows)
        ids = [facts.class_id(name) for name in task.classes.names]
        assert ids == sorted(ids)
        assert np.array_equal(np.array(ids)[task.truth.label], table.label[rows])
        assert np.array_equal(task.classes.text["hashed"].numpy(), table.text["hashed"][ids])
        train_rows = np.flatnonzero(table.partition & partition_bit(training))
        seen_ids = [facts.class_id(name) for name in task.classes.seen_classes().names]
        assert np.array_equal(np.array(seen_ids)[task.train.label.numpy()], table.label[train_rows])
        assert np.array_equal(task.train.videos.audio.numpy(), table.audio[train_rows])


def test_no_scored_video_is_a_training_video(ucf):
    for task in (ucf.selection, ucf.final):
        train = {row.tobytes() for row in task.train.videos.audio.numpy()}
        assert not train & {row.tobytes() for row in task.videos.audio.numpy()}


def test_the_order_of_scored_videos_says_nothing_of_their_class(ucf):
    label = ucf.final.truth.label
    assert np.mean(label[1:] == label[:-1]) < 0.1
    assert not np.array_equal(ucf.final.truth.row, np.sort(ucf.final.truth.row))


def test_nobody_can_know_the_order_of_scored_videos(data_root, ucf):
    """Not from the fingerprint, which is printed, nor from another load or task."""
    again = ab.load_benchmark("ucf", "simulated", data_root=data_root)
    for one, other in ((ucf.selection, again.selection), (ucf.final, again.final)):
        in_store = np.sort(one.truth.row)
        assert np.array_equal(in_store, np.sort(other.truth.row))
        assert np.mean(one.truth.row == other.truth.row) < 0.05, "another order for each load"
        seed = int(ucf.spec.fingerprint[:8], 16)
        guesses = np.random.RandomState(seed), np.random.default_rng(seed)
        for guess in (in_store, *(random.permutation(in_store) for random in guesses)):
            assert np.mean(one.truth.row == guess) < 0.05
    orders = [np.argsort(np.argsort(task.truth.row[:1000])) for task in (again.selection, again.final)]
    assert np.mean(orders[0] == orders[1]) < 0.05, "another order for each task"


def test_videos_hold_nothing_but_features(ucf):
    held = {name for name, value in vars(ucf.final.videos).items() if value is not None}
    assert held == {"audio", "visual"}, "sequences are for methods that ask for them"


@pytest.mark.parametrize(
    ("name", "encoder", "misplaced"),
    [
        ("ucf", "word2vec", 79),
        ("vggsound", "word2vec", 205),
        ("activitynet", "word2vec", 8),
        ("ucf", "clip", 0),
        ("vggsound", "clap", 205),
        ("activitynet", "clip", 8),
    ],
)
def test_official_text_order_misplaces_the_known_number_of_classes(name, encoder, misplaced):
    rows = text_rows(dataset(name), encoder, "official")
    assert int((rows != np.arange(len(rows))).sum()) == misplaced
    assert sorted(rows) == list(range(len(rows)))
    assert np.array_equal(text_rows(dataset(name), encoder, "by-name"), np.arange(len(rows)))


def test_official_text_order_of_single_classes():
    facts = dataset("ucf")
    rows = text_rows(facts, "word2vec", "official")
    expected = {"CuttingInKitchen": "Diving", "PlayingFlute": "PlayingGuitar", "Typing": "UnevenBars"}
    for name, gets in expected.items():
        assert facts.class_names[rows[facts.class_id(name)]] == gets


def test_official_text_order_reaches_the_benchmark(data_root, ucf):
    official = ab.load_benchmark("ucf", "simulated", "cls", data_root=data_root, text_order="official")
    same = (official.final.classes.text["hashed"] == ucf.final.classes.text["hashed"]).all(dim=1)
    assert int((~same).sum()) == 35  # of the 48 classes of this split
    assert torch.equal(official.final.train.videos.audio, ucf.final.train.videos.audio)


def test_unknown_names(data_root):
    with pytest.raises(UnknownNameError, match="split of ucf 'cks'"):
        ab.load_benchmark("ucf", "simulated", "cks", data_root=data_root)
    with pytest.raises(UnknownNameError, match="did you mean 'ucf'"):
        ab.load_benchmark("ufc", data_root=data_root)
    with pytest.raises(UnknownNameError, match="text order"):
        ab.load_benchmark("ucf", "simulated", data_root=data_root, text_order="alphabetical")


def test_features_that_are_not_installed_say_how_to_get_them(tmp_path):
    with pytest.raises(DataError, match=r"no 'clip_clap' features of ucf .*avbench data import"):
        ab.load_benchmark("ucf", "clip_clap", data_root=tmp_path)


@pytest.fixture(scope="module")
def table(data_root, ucf):
    """Simulated features of UCF, as stored."""
    return read_store(store_path(data_root, "ucf", "simulated"))[1]


@pytest.fixture
def store(tmp_path, table):
    """Writes the features, changed, as real ones called `features` into a data folder of their own."""

    def write(features, **change):
        write_store(
            store_path(tmp_path, "ucf", features), replace(table, features=features, simulated=False, **change)
        )

    return write


@pytest.fixture
def offsets(table):
    """One to three steps per video."""
    return np.concatenate([[0], np.cumsum(1 + np.arange(len(table)) % 3)])


def test_auto_takes_the_best_real_set_and_never_prefers_simulated(tmp_path, store):
    with pytest.warns(UserWarning, match="SIMULATED"):
        assert ab.load_benchmark("ucf", data_root=tmp_path).spec.features == "simulated"
    for features in ("selavi", "clip_clap"):
        store(features)
        assert ab.load_benchmark("ucf", data_root=tmp_path).spec.features == features


def test_sequences_are_averaged_over_time(tmp_path, ucf, table, store, offsets):
    steps = np.diff(offsets)
    noise = np.concatenate([np.arange(n) - (n - 1) / 2 for n in steps])[:, None].astype(np.float32)
    sequences = Ragged(np.repeat(table.audio, steps, axis=0) + noise, offsets, 0.96)
    assert np.allclose(sequences.mean(), table.audio, atol=1e-5)
    single = Ragged(table.visual, np.arange(len(table) + 1), 0.64)
    store("own_seq", audio=sequences, visual=single)
    loaded = ab.load_benchmark("ucf", "own_seq", data_root=tmp_path)
    assert loaded.shape.audio == ucf.shape.audio
    in_store_order = [b.final.videos.audio[np.argsort(b.final.truth.row)] for b in (loaded, ucf)]
    assert torch.allclose(*in_store_order, atol=1e-5)


def test_a_partition_without_videos_is_named(tmp_path, table):
    partition = table.partition & ~np.uint8(partition_bit("stage1_val_unseen"))
    write_store(store_path(tmp_path, "ucf", "simulated"), replace(table, partition=partition))
    with pytest.raises(DataError, match="no video in partition stage1_val_unseen"):
        ab.load_benchmark("ucf", "simulated", data_root=tmp_path)


def test_a_method_that_asks_gets_the_steps_of_each_video(tmp_path, store, offsets):
    values = np.random.default_rng(0).standard_normal((offsets[-1], 7)).astype(np.float32)
    audio, visual = Ragged(values, offsets, 0.96), Ragged(values[::-1].copy(), offsets, 0.64)
    store("own_seq", audio=audio, visual=visual)
    loaded = ab.load_benchmark("ucf", "own_seq", data_root=tmp_path, needs=ab.Needs(sequences="required"))
    assert loaded.shape.sequences
    for task in (loaded.selection, loaded.final):
        for feature, given in ((audio, task.videos.audio_steps), (visual, task.videos.visual_steps)):
            assert given.seconds == feature.seconds
            padded = given.padded()
            assert padded.values.shape == (len(task.videos), 3, 7)
            for i, row in enumerate(task.truth.row):
                own_steps = feature.values[feature.offsets[row] : feature.offsets[row + 1]]
                assert np.array_equal(padded.values[i, padded.mask[i]].numpy(), own_steps)
        assert torch.allclose(task.videos.audio, padded_mean(task.videos.audio_steps), atol=1e-6), (
            "the vector is the mean of the steps"
        )


def padded_mean(steps):
    padded = steps.padded()
    return padded.values.sum(dim=1) / padded.mask.sum(dim=1, keepdim=True)


def test_sequences_are_chosen_for_a_method_that_reads_them_and_refused_where_there_are_none(
    tmp_path, table, store
):
    store("clip_clap")
    required, used = ab.Needs(sequences="required"), ab.Needs(sequences="used")
    with pytest.raises(DataError, match="needs sequences; ucf, clip_clap features have one vector per video"):
        ab.load_benchmark("ucf", "clip_clap", data_root=tmp_path, needs=required)
    assert not ab.load_benchmark("ucf", data_root=tmp_path, needs=used).shape.sequences
    with pytest.warns(UserWarning, match="SIMULATED"):
        assert ab.load_benchmark("ucf", data_root=tmp_path, needs=required).spec.features == "simulated"
    offsets = np.arange(len(table) + 1)
    store("own_seq", audio=Ragged(table.audio, offsets, 1.0), visual=Ragged(table.visual, offsets, 1.0))
    for needs, features in ((required, "own_seq"), (used, "own_seq"), (ab.Needs(), "clip_clap")):
        assert ab.load_benchmark("ucf", data_root=tmp_path, needs=needs).spec.features == features


def test_a_store_that_is_asked_for_by_its_widths_is_not_passed_over(tmp_path, store):
    store("clip_clap")
    required = ab.Needs(sequences="required")
    with pytest.raises(DataError, match="needs sequences; ucf, clip_clap features have one vector per video"):
        resolve_data("ucf", root=tmp_path, needs=required, fits=lambda found: found.features == "clip_clap")


def test_simulated_sequences_have_the_vectors_for_their_mean(data_root):
    loaded = ab.load_benchmark("ucf", "simulated", data_root=data_root, needs=ab.Needs(sequences="used"))
    for vectors, steps in (
        (loaded.final.videos.audio, loaded.final.videos.audio_steps),
        (loaded.final.videos.visual, loaded.final.videos.visual_steps),
    ):
        assert torch.allclose(padded_mean(steps), vectors, atol=1 / 1024)
        assert steps.length.min() >= 2
        spread = (steps.padded().values - vectors.unsqueeze(1))[steps.padded().mask].std()
        assert 0.2 < spread < 0.8


@pytest.mark.parametrize("split", ["cls", "main"])
def test_a_method_is_handed_its_own_videos_steps_in_an_order_that_says_nothing(data_root, ucf, split):
    loaded = ab.load_benchmark("ucf", "simulated", split, data_root=data_root, needs=ab.Needs(sequences="used"))
    for task in (loaded.selection, loaded.final):
        for videos in (task.train.videos, task.videos):
            for steps in (videos.audio_steps, videos.visual_steps):
                assert len(steps.values) == int(steps.length.sum()), "no step of another video"
        order = torch.argsort(task.videos.visual_steps.first)
        label = task.truth.label[order.numpy()]
        assert np.mean(label[1:] == label[:-1]) < 0.1, "neighbours in memory are of one class"
    reached = [steps_reached(videos) for task in (loaded.selection, loaded.final) for videos in videos_of(task)]
    ends = sorted({end for start_and_end in reached for end in start_and_end})
    final = [videos.visual_steps.values for videos in videos_of(loaded.final)]
    assert ends[-1] - ends[0] == sum(values.nbytes for values in final), "one copy for both stages"


def videos_of(task):
    return task.train.videos, task.videos


def steps_reached(videos):
    """The range of memory that can be reached from the visual steps of videos."""
    values = videos.visual_steps.values
    assert values._base is None
    storage = values.untyped_storage()
    return storage.data_ptr(), storage.data_ptr() + storage.nbytes()


def test_no_step_of_a_scored_video_is_reached_from_the_training_videos(data_root):
    """Nor from scored videos a step of any that is not scored with them, whatever lies beside them in memory."""
    loaded = ab.load_benchmark("ucf", "simulated", data_root=data_root, needs=ab.Needs(sequences="used"))
    for task in (loaded.selection, loaded.final):
        (train, train_end), (scored, scored_end) = map(steps_reached, videos_of(task))
        assert train_end <= scored or scored_end <= train
        for videos in videos_of(task):
            for steps in (videos.audio_steps, videos.visual_steps):
                everything = torch.empty(0).set_(steps.values.untyped_storage()).view(-1, steps.values.shape[1])
                assert len(everything) == int(steps.length.sum())
        hidden = {row.tobytes() for row in task.videos.visual_steps.values.numpy()}
        found = torch.empty(0).set_(task.train.videos.visual_steps.values.untyped_storage())
        assert not hidden & {row.tobytes() for row in found.view(-1, loaded.shape.visual).numpy()}


def test_videos_that_do_not_lie_together_are_copied():
    offsets = np.array([0, 2, 3, 6, 7])
    feature = Ragged(np.arange(7, dtype=np.float32)[:, None], offsets, 1.0)
    steps = DeviceSteps(feature, np.array([2, 0, 3]), torch.device("cpu"))
    together, apart = steps.of(np.array([0, 2])), steps.of(np.array([3, 2]))
    assert together.padded().values.squeeze(2).tolist() == [[0, 1, 0], [3, 4, 5]]
    assert apart.padded().values.squeeze(2).tolist() == [[6, 0, 0], [3, 4, 5]]
    assert (len(together.values), len(apart.values)) == (5, 4)
    assert steps.of(np.array([3])).values.tolist() == [[6]]

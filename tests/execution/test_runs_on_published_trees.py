"""From trees in the published layouts, which another program wrote, to records whose counts are theirs."""

from __future__ import annotations

import pickle
import re

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.facts import PARTITIONS
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.records.verify import verify

TREES = {"avca": "selavi", "clipclap": "clip_clap", "tcaf": "selavi_seq"}
TEXT_FILES = {
    "word2vec": "word_embeddings_ucf_normed.npy",
    "clip": "word_embeddings_ucf_normed.npy",
    "clap": "wavcaps_word_embeddings_ucf_normed.npy",
}
SHORT = {"epochs": 1, "batches_per_epoch": 4, "batch_size": 16, "layers": 1, "depth": 1, "classifier_steps": 5}
SHORT |= {"generator_batches": 4, "synthetic_per_class": 8}
SHORT |= {"embedding_epochs": 1, "classifier_epochs": 1, "generator_epochs": 1}


def needed(method, features):
    """Settings without which a method refuses these features, as it should."""
    if method == "kda":
        return {"knowledge": "names"}  # nobody has added descriptions
    if method == "fvaegan" and features != "clip_clap":
        return {"scaling": "min_max"}  # the trees hold random numbers of either sign
    if method == "tcaf" and features == "selavi":
        return {"visual_norm": "feature"}
    return {}


def _ids(file):
    """Video ids of a class file, read with the plain libraries (these files are our own)."""
    if file.suffix == ".h5":
        with h5py.File(file) as content:
            return [i.decode() if isinstance(i, bytes) else i for i in content["video_urls"][:]]
    return [i.decode() for i in pickle.loads(file.read_bytes())["video_names"]]


@pytest.fixture(scope="module", params=TREES)
def imported(request, shared, tmp_path_factory):
    tree = shared / "data" / "trees" / request.param
    root = tmp_path_factory.mktemp(request.param)
    result = CliRunner().invoke(main, ["data", "import", str(tree), "--data-root", str(root)])
    assert result.exit_code == 0, result.output
    return tree, TREES[request.param], root


def test_counts_of_the_record_are_those_of_the_tree(imported, tmp_path):
    tree, features, root = imported
    audio = next(tree.glob("UCF/features/*/audio"))
    facts = dataset("ucf").facts("cls")
    expected = {}
    for name in PARTITIONS:
        folder = name.replace("stage", "stage_", 1)
        listed = {dataset("ucf").class_names[i] for i in facts[name].classes}
        files = [f for f in (audio / folder).iterdir() if f.stem in listed]
        expected[name] = sum(len(_ids(f)) for f in files)
    record = ab.run("chance", "ucf", data_root=root, out=tmp_path, device="cpu")
    assert record.data.features == features, "auto takes the real features"
    assert not record.data.simulated
    assert dict(record.data.counts) == expected


@pytest.mark.parametrize("method", [spec.name for spec in ab.list_methods()])
def test_methods_run_on_what_was_imported(imported, method, tmp_path):
    _, features, root = imported
    if method_spec(method).needs.joint and features != "clip_clap":
        pytest.skip(f"features and texts of {features} share no space")
    known = method_class(method_spec(method)).Config.model_fields
    settings = {key: value for key, value in SHORT.items() if key in known} | needed(method, features)
    record = ab.run(method, "ucf", settings=settings, data_root=root, out=tmp_path, device="cpu")
    assert record.data.features == features
    reads_steps = method_spec(method).needs.sequences != "none"
    assert record.data.sequences == (reads_steps and features.endswith("_seq"))
    assert verify(next(tmp_path.rglob("*.json"))) == record
    counts = record.data.counts
    assert record.decisions.videos == counts["stage2_test_seen"] + counts["stage2_test_unseen"]


@pytest.mark.parametrize("method", [spec.name for spec in ab.list_methods() if spec.needs.joint])
@pytest.mark.parametrize("named", [False, True], ids=["auto", "named"])
def test_features_without_a_joint_space_are_refused_in_one_line(imported, named, method, tmp_path):
    _, features, root = imported
    if features == "clip_clap":
        pytest.skip("features and texts share a space")
    options = ["--dataset", "ucf", "--data-root", str(root), "--out", str(tmp_path / "results")]
    chosen = ["--features", features] if named else []
    result = CliRunner().invoke(main, ["run", "--method", method, *options, *chosen])
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    reason = r"have no text encoder 'cl[ia]p' of the \w+ width 512 \(have: word2vec 300\);"
    assert re.match(f"error: {method}: features {features} {reason}", line)
    assert not (tmp_path / "results").exists()
    assert not (root / "ucf" / "simulated").exists()


@pytest.mark.parametrize("method", ["tcaf", "kda", "fvaegan"])
def test_what_features_lack_is_refused_in_one_line_and_nothing_is_written(imported, method, tmp_path):
    _, features, root = imported
    if not needed(method, features):
        pytest.skip(f"{method} runs on {features} as they are")
    options = ["--dataset", "ucf", "--data-root", str(root), "--out", str(tmp_path / "results")]
    result = CliRunner().invoke(main, ["run", "--method", method, *options])
    assert result.exit_code == 2
    (told,) = (line for line in result.output.splitlines() if line.startswith("error: "))
    assert "setting " in told
    assert "Traceback" not in result.output
    assert not (tmp_path / "results").exists()


def test_each_class_has_the_vector_of_its_name(imported):
    tree, features, root = imported
    benchmark = ab.load_benchmark("ucf", features, data_root=root)
    text = next(tree.glob("UCF/features/*/text"))
    by_name = {c.name: c for c in dataset("ucf").classes}
    for encoder, vectors in benchmark.final.classes.text.items():
        dictionary = np.load(text / TEXT_FILES[encoder], allow_pickle=True).item()
        for name, vector in zip(benchmark.final.classes.names, vectors, strict=True):
            key = by_name[name].readable if encoder == "word2vec" else by_name[name].clip
            assert torch.equal(vector, torch.from_numpy(np.asarray(dictionary[key], dtype=np.float32)))


def test_official_text_order_gives_the_vectors_of_the_published_loader(imported):
    tree, features, root = imported
    official = ab.load_benchmark("ucf", features, data_root=root, text_order="official")
    text = next(tree.glob("UCF/features/*/text"))
    for encoder, vectors in official.final.classes.text.items():
        dictionary = np.load(text / TEXT_FILES[encoder], allow_pickle=True).item()
        stacked = np.stack([dictionary[key] for key in sorted(dictionary)])
        ids = [dataset("ucf").class_id(name) for name in official.final.classes.names]
        assert np.array_equal(vectors.numpy(), stacked[ids].astype(np.float32))

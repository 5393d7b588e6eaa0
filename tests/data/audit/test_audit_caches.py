"""Each known fault of the published code's caches is found."""

from __future__ import annotations

import re

import numpy as np
import pytest
from audit_caches import write_caches
from audit_faults import audit, checks, evidence


def test_a_clean_cache(tmp_path):
    found = audit(write_caches(tmp_path, "clip_clap"))
    assert checks(found) == {"note id-as-bytes"}, found.findings
    assert (found.kind, found.features, found.videos) == ("cache", "clip_clap", 62)


def test_misaligned_text_rows_of_a_cache_are_counted_by_use(tmp_path):
    """What the published code caches: rows sorted by readable name, with the true class in `target`."""
    found = audit(write_caches(tmp_path, "selavi"))
    assert checks(found) == {"error text-target"}
    assert len(found.findings) == 4, "each cache has the text"
    text = found.findings[0].evidence
    assert text.startswith("target is not 0 to C-1: 79 of 101 rows; CleanAndJerk holds that of CliffDiving")
    assert text.endswith("of the 4 in use (main), 0 of them unseen in the test")


OBJECTS = np.array({"no": "rows"}, dtype=object)


def of(part, key, change):
    return lambda phase, parts: parts[part].update({key: change(parts[part][key])})


def without_text(phase, parts):
    if phase == "val":
        del parts["text"]


def not_finite(phase, parts):
    if phase == "test":
        parts["audio"]["data"][0, 0] = float("nan")


def text_of_few_rows(phase, parts):
    parts["text"].update(data=parts["text"]["data"][:50], target=parts["text"]["target"][:50])


def class_id(value):
    def change(phase, parts):
        for name in ("audio", "video"):
            target = parts[name]["target"].numpy().astype(np.asarray(value).dtype)
            target[0] = value
            parts[name]["target"] = target

    return change


@pytest.mark.parametrize(
    ("features", "change", "expected", "reason"),
    [
        ("selavi", of("audio", "url", lambda url: url[::-1]), "error cache-pairs", "rows of audio"),
        ("selavi", of("audio", "url", lambda url: url[1:]), "error cache-form", "have lengths"),
        ("selavi", without_text, "error unreadable", "part 'text'"),
        ("selavi", not_finite, "error not-finite", "audio: 1 videos"),
        ("clip_clap", of("text", "data", lambda _: OBJECTS), "error cache-form", "text: not as many vectors"),
        ("clip_clap", text_of_few_rows, "error cache-form", "text: 50 rows, ucf has 101 classes"),
        ("clip_clap", class_id(-7), "error cache-form", "audio: 1 rows without id, .* width or of no class"),
        ("clip_clap", class_id(92 * 10**17), "error cache-form", "do not hold vectors and class ids"),
        ("clip_clap", class_id(1e300), "error cache-form", "or do not hold vectors and class ids"),
    ],
)
def test_faults_of_caches(tmp_path, features, change, expected, reason):
    found = audit(write_caches(tmp_path, features, change))
    assert expected in checks(found), found.findings
    texts = evidence(found, expected.split()[1])
    assert any(re.search(reason, text) for text in texts), texts


def test_a_single_cache_file(tmp_path):
    found = audit(next(write_caches(tmp_path, "selavi").rglob("testmain_split.pkl")))
    assert checks(found) == {"error text-target"}
    assert found.videos == 26


def test_a_cache_of_no_known_dataset_is_reported(tmp_path):
    def foreign(phase, parts):
        text_of_few_rows(phase, parts)
        for name in ("audio", "video"):
            parts[name]["url"] = np.array([f"clip {i}" for i in range(len(parts[name]["url"]))])

    found = audit(write_caches(tmp_path, "clip_clap", foreign), "unknown")
    assert checks(found) == {"error cache-form"}


def test_a_cache_that_is_a_link_out_is_reported(tmp_path):
    path = next(write_caches(tmp_path / "in", "clip_clap").rglob("test*_split.pkl"))
    path.symlink_to(path.rename(tmp_path / "elsewhere.pkl"))
    assert "symbolic link" in evidence(audit(tmp_path / "in"), "unreadable")[0]

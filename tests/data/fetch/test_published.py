"""The list of what is published fits the cards, and the facts that it was made from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from avgzsl_bench.data.cards.cards import card_of
from avgzsl_bench.data.cards.published import Published, Source, published
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED


def test_every_published_feature_set_is_listed_for_every_dataset() -> None:
    found = {(d, f) for source in published() for d in source.datasets for f in source.features}
    assert found == {(d, f.name) for d in ("ucf", "vggsound", "activitynet") for f in PUBLISHED}
    for source in published():
        assert all(card_of(features).licence.startswith("not stated") for features in source.features)
        assert (source.kind == "features") or not source.download
        assert not set(source.features) & {source.name}


def test_every_address_of_the_facts_is_listed(shared: Path) -> None:
    text = (shared / "facts" / "archives.md").read_text(encoding="utf-8")
    encoders = text[text.index("## Weights of encoders") : text.index("## Raw videos")]
    ours = " ".join(f"{s.address} {s.holds} {s.state} {s.revision}" for s in published())
    for address in re.findall(r"https?://[^\s|,)]+", text.replace(encoders, "")):
        assert address in ours
    for revision in re.findall(r"\b[0-9a-f]{40}\b", text):
        assert revision in ours


def test_addresses_of_drives_and_downloads_are_of_one_file() -> None:
    for source in published():
        if source.download and "drive.google.com" in source.address:
            (key,) = re.findall(r"/d/([\w-]+)/", source.address)
            assert f"id={key}&" in source.download


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"download": "file:///etc/passwd"}, "download"),
        ({"name": "../own"}, "name"),
        ({"features": []}, "what is downloaded is imported"),
        ({"revision": "main"}, "revision"),
        ({"sha256": "0"}, "Extra inputs"),
    ],
)
def test_malformed_sources_are_refused(change: dict[str, object], message: str) -> None:
    known = published()[0].model_dump(mode="json")
    with pytest.raises(ValidationError, match=message):
        Source.model_validate(known | change)


def test_names_are_different() -> None:
    with pytest.raises(ValidationError, match="the same name"):
        Published(form="avgzsl-bench published 1", sources=published()[:1] * 2)

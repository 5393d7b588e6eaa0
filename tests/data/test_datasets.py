from __future__ import annotations

import json
from importlib.resources import files

import pytest

from avgzsl_bench.data.datasets.facts import Dataset, DatasetSpec, read_dataset
from avgzsl_bench.errors import PluginError

CONTENT = json.loads(
    files("avgzsl_bench").joinpath("data/datasets/class_lists/ucf.json").read_text(encoding="utf-8")
)


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Writes the data file of a package and gives its spec."""
    package = f"datasets_of_{tmp_path.name}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(content: bytes) -> DatasetSpec:
        (tmp_path / package / "file.json").write_bytes(content)
        return DatasetSpec("ucf", f"{package}:file.json")

    return write


def test_a_dataset_of_a_plugin(put):
    assert read_dataset(put(json.dumps(CONTENT).encode())).title == "UCF-GZSL"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not json", "Expecting value"),
        (b"\xff\xfe\xfa", "codec can't decode"),
        (b"[]", "valid dictionary"),
        (json.dumps(CONTENT | {"folder": "UCF"}).encode(), "folder: Extra inputs"),
        (json.dumps(CONTENT | {"partitions": {}}).encode(), "partitions must be exactly"),
        (json.dumps(CONTENT | {"name": "other"}).encode(), "is of dataset 'other'"),
    ],
)
def test_malformed_files_are_reported_in_one_line(put, content, reason):
    with pytest.raises(PluginError, match=reason) as caught:
        read_dataset(put(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "resource", ["no_such_package_here:x.json", "json.decoder:x.json", "json:no.json", ":x", ""]
)
def test_missing_files_are_reported(resource):
    with pytest.raises(PluginError, match=r"dataset 'foo': .*cannot be read"):
        read_dataset(DatasetSpec("foo", resource))


def test_every_field_of_a_dataset_is_of_use():
    used = {"name", "title", "match_case", "classes", "partitions", "splits", "recording"}
    assert set(Dataset.model_fields) == used


def test_every_field_of_the_json_form_is_described():
    schema = Dataset.model_json_schema()
    models = {"Dataset": schema, **schema["$defs"]}
    fields = {f"{model}.{name}": field for model in models for name, field in models[model]["properties"].items()}
    assert len(fields) == 14
    assert [name for name, field in fields.items() if not field.get("description")] == []

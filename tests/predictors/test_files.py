"""Tensors and JSON values in one file: round trips and refused values."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from brpnas.errors import SchemaError
from brpnas.predictors import MetricPredictor, PairwiseRanker, fit_metric
from brpnas.predictors.files import count_parts, kind_of, part, read_file, write_file
from tests.predictors.toys import TINY, cells, some, split

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2), "b": torch.ones(1)}
VALUES = {"view": "raw", "devices": ["x", "y"], "like": None, "scale": 0.1}


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    write_file(path, "toy", VALUES, {**TENSORS, "turned": TENSORS["a.weight"].T})
    assert kind_of(path) == "toy"
    metadata, tensors = read_file(path, "toy")
    assert metadata == {"kind": "toy", **VALUES}
    assert torch.equal(tensors.pop("turned"), TENSORS["a.weight"].T)
    assert all(torch.equal(tensors[name], x) for name, x in TENSORS.items())
    assert set(part(tensors, "a")) == {"weight", "bias"}


def test_another_kind_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    write_file(path, "toy", {}, TENSORS)
    with pytest.raises(SchemaError, match=r"p\.safetensors holds 'toy', not a 'latency' predictor"):
        read_file(path, "latency")


def test_a_file_that_says_nothing_has_no_kind(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    save_file(TENSORS, path)
    assert kind_of(path) is None


@pytest.mark.parametrize("content", [b"", b"nonsense" * 20, b"\x80\x04N."])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    path.write_bytes(content)
    for read in (kind_of, lambda file: read_file(file, "toy")):
        with pytest.raises(SchemaError, match=r"p\.safetensors .*header"):
            read(path)


TRAIN, VALID, _ = split(40, 10)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "good.safetensors"
    fit_metric(cells(), TRAIN, VALID, TINY, view="pruned", members=2).save(path)
    return path


@pytest.fixture
def parts(saved: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    with safe_open(saved, framework="pt") as file:
        return dict(file.metadata()), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118


def config(**changes: object) -> str:
    return json.dumps({"backbone": "gcn", **changes})


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("view", None, "the key 'view' is missing"),
        ("location", None, "the key 'location' is missing"),
        ("members", None, "the key 'members' is missing"),
        ("view", '"sideways"', "view: .*sideways"),
        ("view", "3", "view: "),
        ("location", "NaN", "location: .*JSON"),
        ("location", "1e999", "location: .*JSON"),
        ("location", '"0.5"', "location: "),
        ("location", "1000.0", "location: "),
        ("scale", "-1.0", "scale: "),
        ("scale", "0", "scale: "),
        ("scale", "Infinity", "scale: .*JSON"),
        ("members", "10000000", "claims members = 10000000"),
        ("members", "1", "claims members = 1"),
        ("members", "true", "members: "),
        ("num_ops", "100000", "num_ops: "),
        ("num_ops", "8", "claims num_ops, hidden"),
        ("config", "[]", "config: "),
        ("config", "{}", "claims"),
        ("config", config(hidden=10**9, layers=TINY.layers), "claims .*hidden"),
        ("config", config(hidden="16"), "config.hidden: "),
        ("config", config(layers=10**9), "claims layers"),
        ("config", config(layers=-1), "layers .* -1"),
        ("config", config(warp=9), "unknown key 'config.warp'"),
        ("warp", "9", "unknown key 'warp'"),
        ("kind", '"pairwise_ranker"', "not a 'latency' predictor"),
        ("kind", None, "not a 'latency' predictor"),
        ("view", "[" * 100_000, "recursion"),
        ("view", "{", "view: .*line 1 column 2"),
    ],
)
def test_metadata_are_checked(
    tmp_path: Path, parts: Any, key: str, value: str | None, says: str
) -> None:
    metadata, tensors = parts
    metadata.pop(key, None)
    if value is not None:
        metadata[key] = value
    path = tmp_path / "bad.safetensors"
    save_file(tensors, path, metadata)
    tracemalloc.start()
    with pytest.raises(SchemaError, match=says) as caught:
        MetricPredictor.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e7
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("members.1.head.bias", torch.tensor([np.nan]), "'members.1.head.bias' .*finite"),
        ("members.0.head.weight", torch.full((1, TINY.hidden), 3e38), "outputs .*finite"),
        ("members.0.head.bias", torch.zeros(2), r"members\.0\.head\.bias: .*\[2\]"),
        ("members.0.head.bias", torch.zeros(1, dtype=torch.float64), "claims dtypes"),
        ("members.0.more", torch.zeros(1), r"members\.0\.more"),
        ("members.2.head.bias", torch.zeros(1), "claims members = 2"),
    ],
)
def test_weights_are_checked(
    tmp_path: Path, parts: Any, name: str, value: torch.Tensor, says: str
) -> None:
    metadata, tensors = parts
    path = tmp_path / "bad.safetensors"
    save_file(tensors | {name: value}, path, metadata)
    with pytest.raises(SchemaError, match=says):
        MetricPredictor.load(path)


def test_the_view_of_a_ranker_is_checked(tmp_path: Path) -> None:
    ranker = PairwiseRanker(TINY, 1)
    ranker.fit(some("function"), np.linspace(0, 1, 24), seed=0)
    ranker.save(tmp_path / "good.safetensors")
    with safe_open(tmp_path / "good.safetensors", framework="pt") as file:
        metadata, tensors = dict(file.metadata()), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    save_file(tensors, tmp_path / "bad.safetensors", metadata | {"view": '"both"'})
    with pytest.raises(SchemaError, match="view: "):
        PairwiseRanker.load(tmp_path / "bad.safetensors")


def test_a_ranker_of_an_earlier_version_is_to_be_trained_again(tmp_path: Path, parts: Any) -> None:
    metadata, tensors = parts
    path = tmp_path / "relation_predictor.safetensors"
    save_file(tensors, path, metadata | {"kind": '"binary-relation"'})
    with pytest.raises(SchemaError, match=r"'binary-relation'.*PairwiseRanker\.fit"):
        PairwiseRanker.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 8, struct.pack("<Q", 2**62), struct.pack("<Q", 10**6) + b"{}", b"x"]
)
def test_a_header_that_lies(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(SchemaError, match=r"bad\.safetensors"):
        MetricPredictor.load(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=rf"{tmp_path} .*Errno 21\b"):
        MetricPredictor.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        MetricPredictor.load(tmp_path / "none")


def test_what_is_loaded_does_not_depend_on_the_file(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.safetensors"
    path.write_bytes(saved.read_bytes())
    predictor = MetricPredictor.load(path)
    before = predictor.predict(cells())
    with path.open("r+b") as file:  # in place, as another program might
        file.write(bytes(path.stat().st_size))
    np.testing.assert_array_equal(predictor.predict(cells()), before)


def test_graphs_of_another_vocabulary_are_refused(saved: Path) -> None:
    batch = some("pruned")
    other = type(batch)(batch.ops, batch.adj, batch.num_ops + 1)
    with pytest.raises(SchemaError, match=rf" {batch.num_ops} operations .* {batch.num_ops + 1}:"):
        MetricPredictor.load(saved).predict_batch(other)


def test_parts_are_counted_by_their_names() -> None:
    names = ["a.0.x", "a.0.y", "a.1.x", "b.5.x", "a"]
    assert (count_parts(names, "a."), count_parts(names, "c.")) == (2, 0)

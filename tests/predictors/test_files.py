"""Tensors and JSON values in one file: what comes back, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from brpnas.errors import SchemaError
from brpnas.predictors.files import kind_of, part, read_file, write_file

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
        with pytest.raises(SchemaError, match=r"p\.safetensors is not a predictor"):
            read(path)

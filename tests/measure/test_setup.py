from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brpnas.errors import (
    ArchitectureError,
    ConfigurationError,
    MeasurementError,
    UnknownNameError,
)
from brpnas.measure import MeasureSettings, OnnxRuntime, TorchEager, measure_cells
from brpnas.measure.setup import build_cell, cell_artifact
from brpnas.spaces.nasbench201 import to_string
from tests.measure.small import small


def test_dead_operations_are_those_of_the_runtime() -> None:
    assert MeasureSettings(TorchEager()).network.executes_dead_ops
    assert not MeasureSettings(OnnxRuntime()).network.executes_dead_ops


def test_fingerprints_differ_with_every_setting() -> None:
    settings = [
        MeasureSettings(),
        MeasureSettings(TorchEager()),
        MeasureSettings(OnnxRuntime(2)),
        MeasureSettings(OnnxRuntime(precision="int8")),
        MeasureSettings(batch_size=2),
        MeasureSettings(seed=1),
        small(),
    ]
    texts = [json.dumps(one.fingerprint(), sort_keys=True) for one in settings]
    assert len(set(texts)) == len(texts)
    assert MeasureSettings().fingerprint() == settings[0].fingerprint()


def test_a_cell_is_built_without_touching_the_global_random_state() -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    cell = to_string((3, 2, 4, 1, 3, 2))
    first, second = (build_cell(cell, small()).state_dict() for _ in range(2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_artifact_and_its_manifest(tmp_path: Path) -> None:
    settings = replace(small(OnnxRuntime(2)), batch_size=3, seed=5)
    made = cell_artifact(to_string((3, 2, 4, 1, 3, 2)), settings, tmp_path)
    assert made.shape == settings.shape == (3, *settings.network.input_shape)
    assert made.answer is not None
    assert made.answer.shape == (3, settings.network.classes)
    manifest = settings.manifest([made])
    assert (manifest.runtime, manifest.threads, manifest.seed) == ("onnxruntime", 2, 5)
    assert (manifest.precision, manifest.tolerance) == ("fp32", 1e-3)
    assert (manifest.space, manifest.network_size) == ("nasbench201", settings.network.size)
    assert {"brpnas", "torch", "onnx"} <= manifest.versions.keys()


def test_wrong_cells_and_batches() -> None:
    with pytest.raises(ArchitectureError):
        build_cell("nonsense", small())
    with pytest.raises(ConfigurationError, match="batch_size"):
        MeasureSettings(batch_size=0)


def test_the_space_is_part_of_the_settings() -> None:
    assert "space" not in MeasureSettings().fingerprint()
    assert MeasureSettings(space="darts").fingerprint()["space"] == "darts"


def test_a_space_without_networks_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from brpnas.spaces import NasBench201, SearchSpace\n\n\n"
        "class Mine(NasBench201):\n    build = SearchSpace.build\n"
    )
    settings = replace(small(), space=str(path))
    cell = to_string((3, 2, 4, 1, 3, 2))
    with pytest.raises(ConfigurationError, match=r"mine\.py' .*`build`"):
        build_cell(cell, settings)
    with pytest.raises(MeasurementError, match=r"mine\.py' .*`build`"):
        measure_cells([cell], settings, tmp_path / "m.jsonl", progress=False)


def test_unknown_spaces_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="nasbench201"):
        measure_cells(["x"], replace(small(), space="nasbench"), tmp_path / "m.jsonl")
    assert not list(tmp_path.iterdir())

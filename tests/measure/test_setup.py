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
from brpnas.measure import MeasureSettings, OnnxRuntime, TorchEager, measure_cells, time_cell
from brpnas.measure.store import store_name
from brpnas.spaces.nasbench201 import to_string
from tests.measure.small import small

KNOWN = "measure-ddc21bbdfe67aac8.jsonl"
"""Name of the store of these settings, from before there were other spaces."""


def test_dead_operations_are_those_of_the_runtime() -> None:
    assert MeasureSettings(TorchEager()).network.executes_dead_ops
    assert not MeasureSettings(OnnxRuntime()).network.executes_dead_ops


def test_fingerprints_differ_with_every_setting() -> None:
    settings = [
        MeasureSettings(),
        MeasureSettings(TorchEager()),
        MeasureSettings(OnnxRuntime(2)),
        MeasureSettings(OnnxRuntime(quantised=True)),
        MeasureSettings(batch_size=2),
        MeasureSettings(seed=1),
        small(),
    ]
    texts = [json.dumps(one.fingerprint(), sort_keys=True) for one in settings]
    assert len(set(texts)) == len(texts)
    assert MeasureSettings().fingerprint() == settings[0].fingerprint()


@pytest.mark.parametrize(
    "runtime", [OnnxRuntime(), OnnxRuntime(quantised=True), TorchEager()], ids=str
)
def test_a_cell_has_a_latency(runtime: OnnxRuntime | TorchEager) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    timing = time_cell(to_string((3, 2, 4, 1, 3, 2)), small(runtime))
    assert timing.latency_ms > 0
    assert len(timing.blocks_ms) == 3
    assert torch.equal(state, torch.get_rng_state())


def test_wrong_cells_and_batches() -> None:
    with pytest.raises(ArchitectureError):
        time_cell("nonsense", small())
    with pytest.raises(ConfigurationError, match="batch_size"):
        MeasureSettings(batch_size=0)


def test_what_was_measured_before_there_were_other_spaces_is_of_use() -> None:
    assert store_name({"settings": MeasureSettings().fingerprint(), "machine": {}}) == KNOWN
    assert set(MeasureSettings().fingerprint()) == {
        *("runtime", "protocol", "network", "batch_size", "seed"),
    }
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
        time_cell(cell, settings)
    with pytest.raises(MeasurementError, match=r"ConfigurationError: .*mine\.py' .*`build`"):
        measure_cells([cell], settings, tmp_path / "m.jsonl", progress=False)


def test_unknown_spaces_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="nasbench201"):
        measure_cells(["x"], replace(small(), space="nasbench"), tmp_path / "m.jsonl")
    assert not list(tmp_path.iterdir())

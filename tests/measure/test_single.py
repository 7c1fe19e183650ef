from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from brpnas.errors import MeasurementError, TaskError
from brpnas.measure import (
    OnnxRuntime,
    TorchEager,
    select_cells,
    time_artifact,
    time_cell,
    time_cells,
    time_module,
)
from brpnas.measure import batch as batches
from brpnas.measure.setup import cell_artifact
from tests.measure.scripted import Scripted
from tests.measure.small import NETWORK, PROTOCOL, small

CELLS = select_cells(5)
RUNTIMES = [
    OnnxRuntime(),
    OnnxRuntime(precision="int8"),
    pytest.param(TorchEager(), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("runtime", RUNTIMES, ids=str)
def test_a_cell_has_a_latency(runtime: OnnxRuntime | TorchEager) -> None:
    timing = time_cell(CELLS[0], small(runtime))
    assert timing.latency_ms > 0
    assert len(timing.blocks_ms) == PROTOCOL.repeats
    assert timing.difference is not None
    assert timing.file_kib is not None


def test_cells_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Scripted()
    monkeypatch.setattr("brpnas.measure.single.EVERY", 2)
    found = list(time_cells([*CELLS[:3], "nonsense"], small(), target))
    assert [len(one.networks) for one in target.given] == [2, 1]
    outcomes = dict(found)
    assert outcomes.keys() == {*CELLS[:3], "nonsense"}
    assert isinstance(outcomes["nonsense"], TaskError)
    assert "nonsense" in outcomes["nonsense"].message
    assert all(getattr(outcomes[cell], "latency_ms", 0) == 1.0 for cell in CELLS[:3])


def test_a_failure_is_an_error_of_a_single_network() -> None:
    with pytest.raises(MeasurementError, match="nonsense"):
        time_cell("nonsense", small())


def test_files_are_timed_byte_for_byte(tmp_path: Path) -> None:
    settings, target = small(), Scripted()
    made = cell_artifact(CELLS[0], settings, tmp_path)
    assert time_artifact(made, tmp_path, settings, target).latency_ms == 1.0
    (manifest,) = target.given
    assert manifest.networks == (made,)
    assert time_artifact(made, tmp_path, settings).latency_ms > 0
    (tmp_path / made.files[0].file).write_bytes(b"no file")
    with pytest.raises(MeasurementError, match="hash"):
        time_artifact(made, tmp_path, settings)


def test_a_module_is_timed_in_its_own_shape() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for runtime in (OnnxRuntime(), TorchEager()):
        assert time_module(module, (1, 12, 8), small(runtime)).latency_ms > 0
    assert not module.training
    assert NETWORK.input_shape != (1, 12, 8)
    assert batches.EVERY == 25

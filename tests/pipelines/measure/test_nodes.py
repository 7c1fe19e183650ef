from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brpnas.errors import BudgetError, ConfigurationError, MeasurementError, UnknownNameError
from brpnas.measure import select_cells
from pipelines.measure.nodes import measure_latency, set_up_timing
from tests.pipelines.parameters import base

SPACE = "nasbench201"
PARAMS = base("measure", device="mine", cells=3, reference_every=2, drift_limit=1e9)
TIMING = base("timing", warmup=1, runs=4, repeats=2)
NETWORK = base(
    "network", channels=4, cells_per_stage=1, stages=2, input_shape=[3, 24, 24], classes=10
)

MINE = set_up_timing(SPACE, NETWORK, TIMING)
EAGER = set_up_timing(SPACE, NETWORK, TIMING | {"runtime": "torch"})


def test_table_entry_and_report_agree(tmp_path: Path) -> None:
    tables, operations, device, report = measure_latency(tmp_path, {}, {}, MINE, PARAMS)
    assert list(tables) == list(operations) == [device.name] == ["mine"] == [report["device"]]
    assert set(operations["mine"]["device"]) == {"mine"}
    assert set(tables["mine"]["arch_id"]) == set(select_cells(3))
    assert report["settings"]["network"]["channels"] == 4
    assert report["settings"]["seed"] == 0
    # More cells go on in the same file, even if another seed chose them.
    asked = PARAMS | {"cells": 4, "seed": 1}
    more, same, _, _ = measure_latency(tmp_path, {"mine": device}, {}, MINE, asked)
    assert same["mine"].equals(operations["mine"])
    assert set(more["mine"]["arch_id"]) == set(select_cells(3)) | set(select_cells(4, seed=1))
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


def test_other_settings_are_another_device(tmp_path: Path) -> None:
    _, _, device, _ = measure_latency(tmp_path, {}, {}, MINE, PARAMS)
    one = PARAMS | {"cells": 1}
    with pytest.raises(MeasurementError, match=r"'mine'.*runtime"):
        measure_latency(tmp_path, {"mine": device}, {}, EAGER, one)
    unnamed = one | {"device": None, "operations": False}
    tables, operations, other, _ = measure_latency(tmp_path, {"mine": device}, {}, EAGER, unnamed)
    assert not operations
    assert other.executes_dead_ops
    assert other.name.endswith("-torch-fp32-1t")
    assert len(tables[other.name]) == 1


def test_cells_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cells.txt"
    file.write_text("\n".join(select_cells(2, seed=5)))
    tables, _, _, _ = measure_latency(
        tmp_path, {}, {}, MINE, PARAMS | {"file": str(file), "cells": None}
    )
    assert set(tables["mine"]["arch_id"]) == set(select_cells(2, seed=5))
    with pytest.raises(BudgetError, match="3 of 2"):
        measure_latency(tmp_path, {}, {}, MINE, PARAMS | {"file": str(file)})


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"timing": {"runs": 0}}, ConfigurationError),
        ({"timing": {"repeat": 3}}, ConfigurationError),
        ({"params": {"device": "my device"}}, ConfigurationError),
        ({"timing": {"target": "Foo"}}, UnknownNameError),
        ({"timing": {"runtime": "torch", "precision": "int8"}}, UnknownNameError),
    ],
)
def test_what_cannot_be_measured(
    tmp_path: Path, wrong: dict[str, dict[str, Any]], error: type[Exception]
) -> None:
    def measure() -> None:
        timing = set_up_timing(SPACE, NETWORK, TIMING | wrong.get("timing", {}))
        measure_latency(tmp_path, {}, {}, timing, PARAMS | wrong.get("params", {}))

    with pytest.raises(error):
        measure()
    assert not list(tmp_path.iterdir())


def test_a_table_loses_no_cell_when_its_journal_is_gone(tmp_path: Path) -> None:
    before, _, device, _ = measure_latency(tmp_path, {}, {}, MINE, PARAMS)
    for journal in tmp_path.iterdir():
        journal.unlink()
    known = {"mine": lambda **_: before["mine"]}
    with pytest.raises(MeasurementError, match=r"\b2 measured cells .*'mine'"):
        measure_latency(tmp_path, {"mine": device}, known, MINE, PARAMS | {"cells": 1})
    again, *_ = measure_latency(tmp_path, {"mine": device}, known, MINE, PARAMS)
    assert set(again["mine"]["arch_id"]) == set(before["mine"]["arch_id"])


def test_operations_that_cannot_be_measured_cost_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(task: object) -> None:
        raise ValueError("no memory")

    monkeypatch.setattr("brpnas.measure.operations.measure_operation", fail)
    tables, operations, _, report = measure_latency(tmp_path, {}, {}, MINE, PARAMS)
    assert len(tables["mine"]) == 3
    assert not operations
    assert report["operations"] == 0
    assert "no memory" in report["operations_failed"]
    assert "No layer-wise baseline" in caplog.text

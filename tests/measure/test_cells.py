from __future__ import annotations

import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from brpnas.errors import MeasurementError, UnknownNameError
from brpnas.fanout import LocalEngine
from brpnas.measure import (
    REFERENCE,
    ClusterTarget,
    MeasureResult,
    OnnxRuntime,
    TorchEager,
    measure_cells,
    select_cells,
)
from brpnas.measure.cells import probe, work_folder
from brpnas.measure.targets import Row
from brpnas.spaces.nasbench201 import layers, to_string
from tests.measure.scripted import Scripted
from tests.measure.small import NETWORK, small

CELLS = select_cells(6)
LOOSE = {"progress": False, "drift_limit": 1e9}


def events(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MeasureResult]:
    path = tmp_path_factory.mktemp("measured") / "m.jsonl"
    return path, measure_cells(CELLS, small(), path, reference_every=4, **LOOSE)


def test_every_cell_has_a_row_between_references(measured: tuple[Path, MeasureResult]) -> None:
    path, result = measured
    assert set(result.rows["arch_id"]) == set(CELLS)
    kinds = "".join(str(event["event"])[0] for event in events(path))
    assert kinds == "rccccrccr"
    assert {e["arch_id"] for e in events(path) if e["event"] == "reference"} == {REFERENCE}
    assert result.drift.references == len(result.references) == 3
    assert not result.failures
    assert (result.rows[["latency_ms", "std_ms", "seconds"]] >= 0).all(axis=None)
    assert result.rows["load"].notna().all()
    assert {file.name for file in path.parent.iterdir()} == {"m.jsonl"}


def test_the_table_is_one_of_the_project(measured: tuple[Path, MeasureResult]) -> None:
    table = measured[1].latency("mine")
    columns = ["arch_id", "device", "latency_ms", "std_ms", "repeats", "network_size", "precision"]
    assert list(table.columns) == [*columns, "energy_mj", "peak_memory_mib", "file_kib"]
    assert set(table["precision"]) == {"fp32"}
    assert set(table["network_size"]) == {NETWORK.size}
    assert table["arch_id"].tolist() == sorted(CELLS)
    assert set(table["repeats"]) == {3}
    assert (table[["peak_memory_mib", "file_kib"]] > 1).all(axis=None)


def test_nothing_is_measured_twice_and_more_cells_continue(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    few = measure_cells(CELLS[:2], small(), path, **LOOSE)
    before = events(path)
    again = measure_cells(CELLS[:2], small(), path, **LOOSE)
    assert events(path) == before
    assert again.rows.equals(few.rows)
    more = measure_cells(CELLS[:4], small(), path, **LOOSE)
    assert set(more.rows["arch_id"]) == set(CELLS[:4])
    assert more.rows.iloc[:2].equals(few.rows)
    assert len(events(path)) == len(before) + 2 + 2


def test_the_order_has_nothing_to_do_with_the_cells(tmp_path: Path) -> None:
    orders = []
    for seed in (0, 0, 1):
        path = tmp_path / f"{len(orders)}.jsonl"
        options = {**LOOSE, "seed": seed, "target": Scripted()}
        result = measure_cells(sorted(CELLS)[:5], small(), path, **options)
        orders.append(result.rows["arch_id"].tolist())
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(CELLS)[:5]


@pytest.mark.parametrize(
    "runtime",
    [OnnxRuntime(precision="int8"), pytest.param(TorchEager(), marks=pytest.mark.slow)],
    ids=str,
)
def test_other_runtimes(tmp_path: Path, runtime: OnnxRuntime | TorchEager) -> None:
    result = measure_cells(CELLS[:2], small(runtime), tmp_path / "m.jsonl", **LOOSE)
    assert len(result.latency("mine")) == 2


def test_figures_of_a_target_are_in_the_table(tmp_path: Path) -> None:
    result = measure_cells(CELLS[:2], small(), tmp_path / "m.jsonl", target=Scripted(), **LOOSE)
    table = result.latency("mine")
    assert table["energy_mj"].tolist() == [2.5, 2.5]
    assert table["latency_ms"].tolist() == [1.0, 1.0]


def test_an_impossible_latency_is_a_failure_and_the_rest_go_on(tmp_path: Path) -> None:
    def quick(row: Row) -> Row:
        return row | ({"latency_ms": 0.004} if row["name"] == CELLS[0] else {})

    target = Scripted(quick)
    result = measure_cells(CELLS[:2], small(), tmp_path / "m.jsonl", target=target, **LOOSE)
    assert re.search(r"0\.004 ms.*0\.01 ms", result.failures[CELLS[0]])
    assert result.latency("mine")["arch_id"].tolist() == [CELLS[1]]


def test_a_reference_too_fast_to_believe_ends_the_measurement(tmp_path: Path) -> None:
    target = Scripted(lambda row: row | {"latency_ms": 0.004})
    with pytest.raises(MeasurementError, match="reference network"):
        measure_cells(CELLS, small(), tmp_path / "m.jsonl", target=target, **LOOSE)


def test_rows_of_another_machine_are_refused_and_earlier_ones_kept(tmp_path: Path) -> None:
    def moved(row: Row) -> Row:
        other = row["machine"] | {"processor": "another"}
        return row | ({"machine": other} if row["name"] == CELLS[1] else {})

    path = tmp_path / "m.jsonl"
    with pytest.raises(MeasurementError, match=r"processor.*another"):
        measure_cells(CELLS, small(), path, target=Scripted(moved), **LOOSE)
    assert CELLS[1] not in {event["arch_id"] for event in events(path)}
    assert len(measure_cells(CELLS, small(), path, target=Scripted(), **LOOSE).rows) == 6


def test_drift_is_that_within_a_host(tmp_path: Path) -> None:
    """Two boards of one kind may differ by a constant; that is no drift."""
    rows: list[Row] = []

    def elsewhere(row: Row) -> Row:
        one = len(rows) % 2
        rows.append(row)
        slow = row["event"] == "reference" and len(rows) > 6
        latency = (1.0, 1.2)[one] * (1.05 if slow else 1.0)
        return row | {"host": f"board{one}", "latency_ms": latency}

    options = {**LOOSE, "reference_every": 2, "target": Scripted(elsewhere)}
    result = measure_cells(CELLS, small(), tmp_path / "m.jsonl", **options)
    assert {*result.references["host"]} == {"board0", "board1"}
    assert result.drift.max_drift == pytest.approx(0.0244, abs=0.001)
    assert result.store == tmp_path / "m.jsonl"


@pytest.fixture
def broken_pooling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make average pooling an operation missing in torch."""
    real = layers._operation

    class Missing(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ops.brpnas.no_such_operation(x)  # type: ignore[no-any-return]

    def operation(code: int, channels: int) -> torch.nn.Module:
        return Missing() if code == 4 else real(code, channels)

    monkeypatch.setattr(layers, "_operation", operation)


@pytest.mark.usefixtures("broken_pooling")
def test_a_cell_that_fails_is_recorded_and_the_rest_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = to_string((3, 0, 0, 0, 0, 3))
    monkeypatch.setattr("brpnas.measure.cells.reference_cell", lambda space: plain)
    good, bad = to_string((1, 1, 1, 1, 1, 1)), to_string((4, 4, 4, 4, 4, 4))
    path = tmp_path / "m.jsonl"
    with caplog.at_level(logging.WARNING):
        result = measure_cells([bad, good], small(), path, **LOOSE)
    assert result.rows["arch_id"].tolist() == [good]
    assert list(result.failures) == [bad]
    assert "no_such_operation" in result.failures[bad]
    assert "no_such_operation" in caplog.text
    with pytest.raises(MeasurementError, match="no_such_operation"):
        measure_cells([bad], small(), tmp_path / "n.jsonl", **LOOSE)
    monkeypatch.undo()
    mended = measure_cells([bad, good], small(), path, **LOOSE)
    assert (len(mended.rows), mended.failures) == (2, {})


@pytest.mark.usefixtures("broken_pooling")
def test_without_a_reference_there_is_no_measurement(tmp_path: Path) -> None:
    plain = [to_string((1, 1, 1, 1, 1, 1))]
    with pytest.raises(MeasurementError, match="reference network"):
        measure_cells(plain, small(), tmp_path / "m.jsonl", **LOOSE)


def test_drift_is_warned_of_and_not_corrected(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "m.jsonl"
    first = measure_cells(CELLS[:1], small(), path, **LOOSE)
    lines = path.read_text().splitlines()
    slow = json.loads(lines[1]) | {"latency_ms": 100.0}
    path.write_text("\n".join([*lines, json.dumps(slow)]) + "\n")
    with caplog.at_level(logging.WARNING):
        again = measure_cells(CELLS[:1], small(), path, progress=False, drift_limit=0.5)
    assert again.drifted
    assert "(limit 50 %)" in caplog.text
    assert again.rows.equals(first.rows)


def test_conditions_of_the_machine_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("brpnas.measure.runner._warnings", lambda found: ["It rains."])
    with caplog.at_level(logging.WARNING):
        measure_cells(CELLS[:1], small(), tmp_path / "m.jsonl", target=Scripted(), **LOOSE)
    assert "It rains." in caplog.messages


def test_missing_provider_is_refused_before_there_is_a_store(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="CPUExecutionProvider"):
        measure_cells(CELLS, small(OnnxRuntime(provider="NoExecutionProvider")), tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_reference_every_is_positive(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="reference_every"):
        measure_cells(CELLS, small(), tmp_path / "m.jsonl", reference_every=0)


def test_the_folder_of_a_killed_measurement_is_emptied(tmp_path: Path) -> None:
    store = tmp_path / "m.jsonl"
    left = tmp_path / ".m.jsonl.work" / "x" / "rows.jsonl"
    left.parent.mkdir(parents=True)
    left.write_text("left")
    with work_folder(store) as folder:
        assert folder == tmp_path / ".m.jsonl.work"
        assert not list(folder.iterdir())
        (folder / "y").touch()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_workers_of_an_engine_measure_too(tmp_path: Path) -> None:
    settings = small()
    with ClusterTarget(LocalEngine(2)) as target:
        assert probe(settings, target).identity() == probe(settings).identity()
        result = measure_cells(CELLS, settings, tmp_path / "m.jsonl", target=target, **LOOSE)
    assert set(result.rows["arch_id"]) == set(CELLS)


SCRIPT = """
import sys
from pathlib import Path
from brpnas.measure import measure_cells, select_cells
from tests.measure.small import small
measure_cells(select_cells(12), small(), Path(sys.argv[1]), reference_every=3, progress=False,
              drift_limit=1e9)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", [random.Random(0).uniform(0.0, 1.0), 0.0, 0.9])
def test_a_killed_measurement_goes_on(tmp_path: Path, repository: Path, moment: float) -> None:
    path = tmp_path / "m.jsonl"
    command = [sys.executable, "-c", SCRIPT, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with subprocess.Popen(command, cwd=repository, env=environment) as process:
        while process.poll() is None and not path.exists():
            time.sleep(0.01)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    before = path.read_bytes()
    subprocess.run(command, cwd=repository, env=environment, check=True)
    complete = before[: before.rfind(b"\n") + 1]
    assert path.read_bytes().startswith(complete), "what was measured is kept as it was"
    cells = [event["arch_id"] for event in events(path) if event["event"] == "cell"]
    assert sorted(map(str, cells)) == sorted(select_cells(12)), "each cell once"
    assert {file.name for file in tmp_path.iterdir()} == {"m.jsonl"}

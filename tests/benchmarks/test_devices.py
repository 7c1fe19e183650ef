"""Parts of the benchmark of devices, at small size and for real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import data, tasks
from benchmarks.anchors import ANCHORS, ANY_DEVICE, Anchor
from benchmarks.devices import breaks
from benchmarks.devices.added import added
from benchmarks.devices.answers import differences
from benchmarks.devices.kits import kit_size
from benchmarks.devices.link import needs, over_ssh
from benchmarks.devices.prediction import RUNTIMES, new_devices, predicted
from benchmarks.tables import any_device, missed, runtimes, timed_over
from brpnas.datasets import embedded_devices, embedded_facts
from brpnas.measure import SshTarget
from tests.measure.small import NETWORK, small
from tests.measure.targets.board import Board, require_board

INT8 = "amd-epyc-onnxruntime-int8-1t"


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    require_board()
    board = Board()
    try:
        yield board
    finally:
        board.close()


@pytest.mark.slow
def test_runtimes_answer_as_torch() -> None:
    found = differences(["onnxruntime", "torch"], NETWORK, quick=True)
    for name, one in found.items():
        assert (one["cells"], one["failed"]) == (2, {}), name
        assert 0 <= one["largest"] < 1e-3
        assert "torch" in one["versions"]
    assert found["torch"]["largest"] < found["onnxruntime"]["largest"]


def test_a_kit_is_smaller_than_its_files() -> None:
    figures = kit_size(small(), quick=True)
    assert (figures["cells"], figures["failed"]) == (4, 0)
    assert 0 < figures["zip_mb"] < figures["unpacked_mb"]


def test_over_ssh_and_here(board: Board) -> None:
    figures = over_ssh(board, small(), quick=True)
    assert figures["cells"] == 6
    assert min(figures["seconds"].values()) > 0
    mean = (figures["seconds"]["first"] + figures["seconds"]["again"]) / 2
    assert figures["ratio"] == pytest.approx(figures["seconds"]["ssh"] / mean, rel=0.05)
    assert figures["median_difference"] > 0, "another measurement"
    assert needs(board, "onnxruntime")["beside"] == []
    assert needs(board, "torch")["beside"] == ["onnxruntime"]


@pytest.mark.slow
def test_breaks_lose_no_row(board: Board) -> None:
    figures = breaks.broken(board, small(), quick=True)
    for kind in ("cuts", "kills"):
        found = figures[kind]
        assert (found["number"], found["lost"], found["measured_again"]) == (2, 0, 0)
        assert found["in_flight"] >= 1, "a break before the end"


def test_a_row_that_is_measured_again_is_counted(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board that forgets its rows at a break."""
    whole = SshTarget.measure

    def forgetful(target: SshTarget, folder: Path) -> Iterator[dict[str, Any]]:
        for row in whole(target, folder):
            yield row | ({"blocks_ms": [1.0]} if row["event"] == "network" else {})

    monkeypatch.setattr(SshTarget, "measure", forgetful)
    monkeypatch.setattr(breaks, "QUICK_TIMES", 1)
    figures = breaks.broken(board, small(), quick=True)
    assert figures["kills"]["lost"] == 0
    assert figures["cuts"]["measured_again"] + figures["kills"]["measured_again"] > 0


@pytest.mark.slow
def test_a_board_is_added_as_retrain_does(board: Board) -> None:
    figures = added(board, quick=True)
    assert (figures["learn"], figures["test"]) == (10, 5)
    assert 0 < figures["minutes"] < 5
    assert figures["retrain"] == {"test": 5, "spearman": figures["spearman"]}


def test_new_devices_are_the_shipped_tables_of_new_runtimes() -> None:
    found = new_devices()
    assert set(found) <= set(embedded_devices())
    assert [name.split("-")[2] for name in found] == [
        name for name in RUNTIMES if f"amd-epyc-{name}-fp32-1t" in found
    ]


@pytest.mark.slow
def test_a_device_without_a_row_in_the_prior(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRPNAS_MIRROR", str(mirror))
    monkeypatch.setattr(tasks, "FOLDER", tmp_path)
    data.bench.cache_clear()
    found = predicted([INT8], quick=True, seeds=1, workers=1)[INT8]
    assert (found["cells"], found["rows"]) == (1000, 100)
    assert 0.9 < found["spearman"][0] < 1
    assert found["most_similar"]["device"] != INT8
    assert found["again"] == embedded_facts()["latency"][INT8]["again"]


def results() -> dict[str, Any]:
    pair = {"median_difference": 0.01, "p90_difference": 0.02, "spearman": 0.999}
    again = {"spearman": 0.997, "median_difference": 0.006}
    learnt = {"spearman": [0.99, 0.001], "within_10": [0.9, 0.01], "again": again}
    learnt |= {"most_similar": {"device": "x", "spearman": 0.95}}
    zero = {"number": 20, "lost": 0, "measured_again": 0, "in_flight": 20}
    return {
        "answers": {
            "openvino": {"cells": 19, "largest": 2e-4, "failed": {"a": "refused"}},
            "torch": {"cells": 20, "largest": 0.0, "failed": {}},
        },
        "predicted": {
            "amd-epyc-openvino-fp32-1t": learnt,
            "amd-epyc-ncnn-fp32-1t": learnt | {"spearman": [0.97, 0.0], "again": None},
        },
        "ssh": {"ratio": 1.2, "seconds": {"first": 20, "ssh": 24, "again": 20}, "local": pair}
        | pair
        | {"needs": {"beside": []}},
        "kit": {"zip_mb": 60.0},
        "broken": {"cuts": zero, "kills": zero},
        "int8": {"openvino": {"accuracy_drop": 0.004}, "litert": {"accuracy_drop": -0.001}},
        "added": {"minutes": 2.0, "spearman": 0.97, "retrain": {"spearman": 0.97}},
    }


def of_devices(target: float) -> Anchor:
    (anchor,) = (a for a in ANCHORS if (a.group, a.target) == (ANY_DEVICE, target))
    return anchor


def test_the_worst_runtime_decides() -> None:
    found = {"devices": results()}
    reached = {a.what: a.reached(found) for a in ANCHORS if a.group == ANY_DEVICE}
    assert None not in reached.values()
    assert [what for what, holds in reached.items() if not holds] == [of_devices(0.98).what]
    assert of_devices(0.98).ours(found) == 0.97
    assert of_devices(0.5).ours(found) == pytest.approx(0.4)
    assert of_devices(0.5).reached({"devices": {}}) is None


def test_one_lost_row_is_a_missed_target() -> None:
    found = {"devices": results()}
    assert missed(found) == [f"{ANY_DEVICE}, {of_devices(0.98).what}"]
    found["devices"]["broken"] |= {"kills": {"lost": 1, "measured_again": 0}}
    assert len(missed(found)) == 2


def test_tables() -> None:
    result = results()
    rows = runtimes(result).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| `openvino`", "| `torch`"]
    assert "2.0e-04 (19 cells, 1 failed)" in rows[0]
    assert "0.9900 ± 0.0010" in rows[0]
    assert rows[0].endswith("| 0.9970, 0.6 % | 0.40 |")
    assert timed_over(result).splitlines()[2].startswith("| over SSH | 24 | 1.00 |")
    targets = [{"what": "a", "target": 1.3, "at_most": True, "figure": 1.25, "holds": True}]
    assert any_device({"targets": targets}).endswith("| a | ≤ 1.3 | 1.25 | yes |")

"""Latency files of owners of devices: a refused file does not affect the others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brpnas.datasets import list_architectures
from pipelines.datasets import DeviceFilesDataset
from pipelines.ingest.brought import accept_files
from tests.pipelines.toys import make_latency

SPACE = "nasbench201"
CELLS = list_architectures()["arch_id"][:40].tolist()
ASKED = {"benchmarks": ["embedded", "devices"], "sample": None, "seed": 0}


def bring(folder: Path, name: str, **changes: object) -> Path:
    """Write the file of a device as its owner would."""
    table = make_latency(CELLS, name)[["arch_id", "latency_ms"]].assign(**changes)
    table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def accepted(folder: Path, *, least_rows: int = 10, unit_check: bool = True) -> list[str]:
    files = DeviceFilesDataset(str(folder)).load()
    found = accept_files(files, SPACE, ASKED, least_rows, unit_check)
    return [name for name, read in found.items() if len(read(space=SPACE).table) == len(CELLS)]


def test_a_refused_file_is_left_out_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bring(bring(tmp_path, "good"), "theirs", latency_ms=-1.0)
    assert accepted(tmp_path) == ["good"]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("The device theirs is left out. ")
    assert re.search(r"theirs\.csv is refused[\s\S]*negative latency", said)


def test_limits_are_those_that_are_given(tmp_path: Path) -> None:
    slow = [900.0 + i for i in range(40)]
    bring(bring(tmp_path, "good"), "slow", latency_ms=slow)
    assert accepted(tmp_path) == ["good"]
    assert accepted(tmp_path, unit_check=False) == ["good", "slow"]
    assert accepted(tmp_path, least_rows=41) == []


def test_nothing_is_read_unless_it_is_asked_for(tmp_path: Path) -> None:
    files = DeviceFilesDataset(str(bring(tmp_path, "theirs", latency_ms=-1.0))).load()
    assert accept_files(files, SPACE, ASKED | {"benchmarks": ["embedded"]}, 10, True) == {}

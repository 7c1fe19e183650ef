from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from brpnas.errors import MeasurementError, UnknownNameError
from brpnas.measure.targets.base import known_rows, parse_row, rows_of
from tests.measure.fakes import fake_folder

ROW: dict[str, Any] = {
    "event": "network",
    "name": "x",
    "sha256": "ab",
    "time": "2026-01-01T00:00:00+00:00",
    "load": 0.5,
    "latency_ms": 1.0,
    "std_ms": None,
    "blocks_ms": [1.0],
    "difference": None,
    "energy_mj": None,
    "peak_memory_mib": 50.0,
    "seconds": 0.1,
    "clock_jump_s": None,
    "file_kib": 3.0,
    "clock_mhz": None,
    "temperature_c": 41.0,
    "host": "board",
    "machine": {"processor": "p", "cores": 4, "gpu": None},
}
FAILED = {**{k: ROW[k] for k in ROW if "_ms" not in k}, "event": "failed", "error": "why"}


def lines(*events: object) -> list[bytes]:
    return [json.dumps(event).encode() + b"\n" for event in events]


def test_rows_come_out_of_the_other_events() -> None:
    output = lines({"event": "manifest"}, {"event": "begun", "name": "x"}, ROW, FAILED)
    found = list(rows_of(output, "board"))
    assert found[0] == ROW
    assert (found[1]["event"], found[1]["error"]) == ("failed", "why")


def test_another_runner_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert not list(rows_of(lines({"event": "waiting", "for": "runner 7"}), "board"))
    assert "runner 7" in caplog.text


def test_errors_of_the_runner() -> None:
    with pytest.raises(MeasurementError, match="board: no room"):
        list(rows_of(lines({"event": "error", "error": "no room", "unknown": None}), "board"))
    unknown = ["provider of X", "cpux", ["cpu", "gpu"]]
    with pytest.raises(UnknownNameError, match=r"'cpux'.*'cpu'"):
        list(rows_of(lines({"event": "error", "error": "x", "unknown": unknown}), "board"))


@pytest.mark.parametrize("unknown", [7, "abc", [1, 2, 3], ["a", "b", "c"], ["a"], {"a": 1}])
def test_malformed_names_make_a_plain_error(unknown: object) -> None:
    with pytest.raises(MeasurementError, match="board: "):
        list(rows_of(lines({"event": "error", "error": "x", "unknown": unknown}), "board"))


@pytest.mark.parametrize(
    "line", [b"Segmentation fault\n", b"{}\n", b"[1]\n", b"\xff\n", b"[" * 100_000]
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(MeasurementError, match="board sent"):
        list(rows_of([line], "board"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("latency_ms", -1.0),
        ("latency_ms", float("nan")),
        ("latency_ms", "1"),
        ("blocks_ms", [1.0, None]),
        ("file_kib", None),
        ("name", 7),
        ("machine", "m"),
        ("event", "other"),
    ],
)
def test_damaged_rows_are_refused(key: str, value: object) -> None:
    with pytest.raises(MeasurementError, match="damaged: "):
        parse_row(ROW | {key: value})


def test_unknown_fields_are_dropped() -> None:
    assert parse_row(ROW | {"more": 1}) == ROW


def test_text_of_a_device_is_one_printable_line() -> None:
    failed = FAILED | {"error": "no\n\x1b[2Jroom" + "x" * 5000}
    error = parse_row(failed)["error"]
    assert error.startswith("no [2Jroom")
    assert len(error) < 1100


def test_rows_of_other_networks_are_refused(tmp_path: Path) -> None:
    manifest = fake_folder(tmp_path, ["good"])
    own = [{"name": one.name, "sha256": one.sha256} for one in manifest.artifacts]
    assert list(known_rows(own, manifest, "board")) == own
    with pytest.raises(MeasurementError, match=r"board .*manifest"):
        list(known_rows([own[0] | {"sha256": "0"}], manifest, "board"))

"""Converters in processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.errors import MeasurementError
from brpnas.measure.runtimes import worker
from brpnas.measure.runtimes.worker import convert_apart
from tests.measure.runtimes import converters

MODULE = converters.__name__


def convert(kind: str, folder: Path, timeout_s: float = 60.0) -> int:
    """Calls that the process has had."""
    target = folder / "converted"
    target.unlink(missing_ok=True)
    convert_apart(MODULE, {"kind": kind, "target": str(target)}, timeout_s)
    return int(target.read_text())


def test_a_process_stays_until_it_dies(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begun = convert("good", tmp_path)
    assert convert("good", tmp_path) == begun + 1
    with pytest.raises(MeasurementError, match="ValueError: refused"):
        convert("raise", tmp_path)
    assert convert("good", tmp_path) == begun + 3
    with pytest.raises(MeasurementError, match="-6: aborting"):
        convert("abort", tmp_path)
    assert convert("good", tmp_path) == 1
    with pytest.raises(MeasurementError, match=r"\b0\.5 s\b"):
        convert("hang", tmp_path, timeout_s=0.5)
    assert convert("good", tmp_path) == 1
    assert converters.CALLS == []
    assert capfd.readouterr() == ("", "")


def test_a_process_is_replaced_after_its_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MeasurementError):
        convert("abort", tmp_path)
    monkeypatch.setattr(worker, "_CALLS", 3)
    assert [convert("good", tmp_path) for _ in range(5)] == [1, 2, 3, 1, 2]


def test_a_missing_module_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="no_converter"):
        convert_apart("tests.measure.runtimes.no_converter", {"target": str(tmp_path)})

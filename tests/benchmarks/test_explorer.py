"""The report of the benchmark, and a quick run in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.explorer import figures, report
from brpnas.report import render
from brpnas.report.explorer import explored


def test_report_holds_queries_and_metrics_of_two_devices() -> None:
    found = explored(report(300))
    assert found is not None
    assert len(found.points) == 300
    assert found.points["round"].nunique() == 20
    names = {axis.name for axis in found.axes}
    assert {"predicted_latency_ms@other-device", "predicted_energy_mj", "file_kib"} <= names


def test_figures_of_one_opening(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(report(300)), "utf-8")
    found = figures(chromium, path, openings=1)
    assert found["console"] == found["requests"] == []
    median, worst = found["explorer_s"]
    assert 0 < found["first_content_s"][0] <= median <= worst
    assert 1 < found["file_mb"] < 5

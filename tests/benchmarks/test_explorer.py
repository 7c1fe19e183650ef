"""The report of the benchmark, and a quick run in Chromium."""

from __future__ import annotations

import pytest

from benchmarks.explorer import report, run
from brpnas.report.explorer import explored


def test_report_holds_queries_and_metrics_of_two_devices() -> None:
    found = explored(report(300))
    assert found is not None
    assert len(found.points) == 300
    assert found.points["round"].nunique() == 20
    names = {axis.name for axis in found.axes}
    assert {"predicted_latency_ms@other-device", "predicted_energy_mj", "file_kib"} <= names


@pytest.mark.usefixtures("chromium")
def test_quick_run() -> None:
    found = run(quick=True, seeds=1, workers=1)
    assert found["console"] == found["requests"] == []
    median, worst = found["explorer_s"]
    assert 0 < found["first_content_s"][0] <= median <= worst
    assert 1 < found["file_mb"] < 5

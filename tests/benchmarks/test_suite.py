"""The quick mode of the suite runs from its command to its JSON line and its file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import data, queries, tasks


@pytest.mark.usefixtures("mirror")
@pytest.mark.slow
def test_quick_queries_from_the_command_line(
    tmp_path: Path,
    mirror: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BRPNAS_MIRROR", str(mirror))
    monkeypatch.setattr(tasks, "FOLDER", tmp_path)
    data.bench.cache_clear()
    output = tmp_path / "out" / "queries.json"
    arguments = ["benchmarks", "queries", "--quick", "--seeds", "1", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--output", str(output)])
    assert command.main() == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed == json.loads(output.read_text())
    assert (printed["benchmark"], printed["quick"], printed["seeds"]) == ("queries", True, 1)
    assert printed["machine"]["workers"] == 1
    assert {"date", "wall_s", "task_s", "versions"} <= set(printed)
    found = printed["datasets"]["cifar10"]
    optimum = found["ceilings"]["optimum"][0]
    assert optimum == pytest.approx(94.373, abs=0.001)
    for values in found["samplers"].values():
        chosen, seen = (values["40"][key][0] for key in ("chosen", "seen"))
        assert 80 < chosen <= seen <= optimum
    # Finished tasks are not repeated.
    monkeypatch.setattr(queries, "run_search", None)
    assert queries.run(quick=True, seeds=1, workers=1)["datasets"]["cifar10"] == found

"""``brpnas kit``; `tests.measure.test_kit` measures kits without our package."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from brpnas.devices import load_devices
from brpnas.measure import select_cells
from tests.cli.conftest import Brpnas

SIZE = ("--channels", 4, "--cells-per-stage", 1, "--image", 24, "--runs", 4, "--repeats", 2)


def test_a_kit_becomes_a_table(brpnas: Brpnas, tmp_path: Path) -> None:
    done = brpnas("kit", "make", "--cells", 2, "--output", tmp_path / "kit", *SIZE)
    assert done.exit_code == 0, done.output
    assert "2, 0 failed" in done.stdout
    subprocess.run([sys.executable, "runner.py", "run"], cwd=tmp_path / "kit", check=True)
    table = tmp_path / "my-board.csv"
    options = ("kit", "read", tmp_path / "kit", "--output", table)
    wrong = brpnas(*options, "--device", "my board")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert {path.name for path in tmp_path.iterdir()} == {"kit"}
    done = brpnas(*options, "--device", "my-board")
    assert done.exit_code == 0, done.output
    assert "2 measured, 0 failed" in done.stdout
    assert set(pd.read_csv(table)["arch_id"]) == set(select_cells(2))
    assert list(load_devices(tmp_path / "devices.yml")) == ["my-board"]


@pytest.mark.parametrize(
    "wrong", ["make --cells 0", "read none.zip", "make --runtime tvm", "other"]
)
def test_wrong_options_are_usage_errors(brpnas: Brpnas, wrong: str) -> None:
    assert brpnas("kit", *shlex.split(wrong)).exit_code == 2


@pytest.mark.parametrize(("command", "count"), [("make", 3), ("read", 2)])
def test_examples_parse(brpnas: Brpnas, command: str, count: int) -> None:
    text = brpnas("kit", command, "--help").stdout.partition("Examples:")[2]
    lines = [line.strip() for line in text.strip().splitlines()]
    assert len(lines) == count
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["brpnas", "kit", command]
        assert brpnas(*words[1:], "--help").exit_code == 0

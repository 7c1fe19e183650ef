"""`brpnas devices check`: files of latencies."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from brpnas.datasets import read_embedded_latency
from brpnas.spaces import NasBench201
from tests.cli.conftest import Brpnas

REAL = read_embedded_latency("amd-epyc-torch-fp32-1t")[["arch_id", "latency_ms"]].head(20)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "board.csv"
    REAL.to_csv(path, index=False)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "slow.csv"
    REAL.assign(latency_ms=REAL["latency_ms"] * 400).to_csv(path, index=False)
    return path


def test_check_tells_what_is_accepted(brpnas: Brpnas, good: Path) -> None:
    result = brpnas("devices", "check", good)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(rf"^{good} is accepted\b.*\bboard: 20 cells", result.stdout)


def test_check_tells_on_stderr_what_is_refused(brpnas: Brpnas, good: Path, bad: Path) -> None:
    result = brpnas("devices", "check", bad, good)
    assert result.exit_code == 1
    assert "board" in result.stdout
    lines = result.stderr.splitlines()
    assert re.fullmatch(rf"Error: {bad} is refused\b.*: 1 problem\.", lines[0])
    assert lines[1].startswith("  1. unit: ")
    assert lines[2].startswith("     Remedy: ")


def test_options_of_check(brpnas: Brpnas, bad: Path) -> None:
    assert brpnas("devices", "check", "--no-unit-check", bad).exit_code == 0
    assert brpnas("devices", "check", "--no-unit-check", "--least", 21, bad).exit_code == 1


def test_examples_of_check_work(
    brpnas: Brpnas, good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = brpnas("devices", "check", "--help").stdout.partition("Examples:")[2]
    lines = [line.strip() for line in text.strip().splitlines()]
    *lines, rewriting = lines
    assert len(lines) == 2
    monkeypatch.chdir(good.parent)
    tuples = [str(tuple(row)) for row in NasBench201().codes(REAL["arch_id"].tolist()).tolist()]
    REAL.assign(arch_id=tuples).to_csv("tuples.csv", index=False)
    assert brpnas(*shlex.split(rewriting)[1:]).exit_code == 0
    assert len(pd.read_csv("my-board.csv")) == 20
    for line in lines:
        here = re.sub(r"\S+\.csv", bad.name if "unit" in line else good.name, line)
        assert brpnas(*shlex.split(here)[1:]).exit_code == 0

"""`brpnas devices suggest`: cells to measure first."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from brpnas.cli.suggestions import suggest
from brpnas.datasets import read_embedded_latency
from brpnas.predictors.transfer import shipped_prior
from tests.cli.conftest import Brpnas


def test_the_command_prints_and_writes(brpnas: Brpnas, tmp_path: Path) -> None:
    printed = brpnas("devices", "suggest", "-n", 3, "--test", 2)
    assert printed.exit_code == 0, printed.output
    assert [line.split()[0] for line in printed.output.splitlines()] == [
        "use",
        *["learn"] * 3,
        *["test"] * 2,
    ]
    file = tmp_path / "board.csv"
    written = brpnas("devices", "suggest", "-n", 3, "--output", file)
    assert written.exit_code == 0, written.output
    assert "3 cells in" in written.output
    assert len(pd.read_csv(file)) == 3


def test_a_bad_prior_is_a_readable_error(brpnas: Brpnas, tmp_path: Path) -> None:
    bad = tmp_path / "prior.safetensors"
    bad.write_bytes(b"no prior")
    result = brpnas("devices", "suggest", "--prior", bad)
    assert result.exit_code == 1
    assert re.search(rf"{bad} .*header", result.stderr)


def test_the_command_writes_over_nothing_and_reads_no_refused_file(
    brpnas: Brpnas, tmp_path: Path
) -> None:
    file = tmp_path / "board.csv"
    file.write_text("mine")
    result = brpnas("devices", "suggest", "-n", 3, "--output", file)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "exists" in result.stderr
    assert file.read_text() == "mine"
    refused = brpnas("devices", "suggest", "-n", 3, "--measured", file)
    assert refused.exit_code == 1
    assert f"Error: {file} is refused" in refused.stderr
    away = brpnas("devices", "suggest", "-n", 3, "--output", tmp_path / "no" / "board.csv")
    assert away.exit_code == 1
    assert "Traceback" not in away.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-n", 0), 2),
        (("-n", 20_000), 1),
        (("-n", 1, "--test", 20_000), 1),
        (("--prior", "nowhere"), 2),
    ],
)
def test_numbers_and_files_that_cannot_be(
    brpnas: Brpnas, arguments: tuple[object, ...], code: int
) -> None:
    result = brpnas("devices", "suggest", *arguments)
    assert result.exit_code == code
    assert "Traceback" not in result.output


def test_a_prior_of_ones_own_is_asked(brpnas: Brpnas, tmp_path: Path) -> None:
    shipped = shipped_prior("nasbench201")
    shipped.save(tmp_path / "same.safetensors")
    shipped.without(shipped.devices[:18]).save(tmp_path / "less.safetensors")
    same, less = (
        brpnas("devices", "suggest", "-n", 5, "--prior", tmp_path / f"{name}.safetensors").stdout
        for name in ("same", "less")
    )
    assert [line.split()[1] for line in same.splitlines()[1:]] == suggest(5)["arch_id"].tolist()
    assert less != same


@pytest.mark.slow
def test_examples_work(brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = brpnas("devices", "suggest", "--help").stdout.partition("Examples:")[2]
    lines = [line.strip() for line in text.strip().splitlines()]
    assert len(lines) == 3
    monkeypatch.chdir(tmp_path)
    table = read_embedded_latency("amd-epyc-torch-fp32-1t").head(20)
    folder = tmp_path / "data" / "01_raw" / "devices"
    folder.mkdir(parents=True)
    table[["arch_id", "latency_ms"]].to_csv(folder / "my-board.csv", index=False)
    for line in lines:
        result = brpnas(*shlex.split(line)[1:])
        assert result.exit_code == 0, result.output
    assert len(pd.read_csv("my-board.csv")) == 50

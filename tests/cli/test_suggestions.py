from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from brpnas.cli import app
from brpnas.cli.suggestions import suggest, write
from brpnas.datasets import held_out, read_embedded_latency
from brpnas.devices import read_device_table
from brpnas.errors import BudgetError, SourceError
from brpnas.spaces import NasBench201


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return suggest(12, test=8)


def test_cells_to_learn_from_come_first(rows: pd.DataFrame) -> None:
    assert rows["use"].tolist() == ["learn"] * 12 + ["test"] * 8
    assert rows["arch_id"].is_unique


def test_a_hash_decides_what_may_be_tested_on(rows: pd.DataFrame) -> None:
    assert held_out(rows["arch_id"].tolist()).tolist() == [False] * 12 + [True] * 8


def test_every_cell_has_a_path(rows: pd.DataFrame) -> None:
    functions = NasBench201().isomorphism_ids(rows["arch_id"].tolist())
    assert all("0" in function for function in functions)


def test_what_is_measured_is_not_suggested(rows: pd.DataFrame, tmp_path: Path) -> None:
    table = read_embedded_latency("amd-epyc-torch-fp32-1t")
    done = pd.DataFrame({"arch_id": rows["arch_id"].iloc[:6], "latency_ms": 1.0})
    done["latency_ms"] += table["latency_ms"].iloc[:6].to_numpy() / 10
    file = tmp_path / "board.csv"
    done.to_csv(file, index=False)
    more = suggest(6, measured=file)
    assert not set(more["arch_id"]) & set(done["arch_id"])


def test_more_than_there_are(rows: pd.DataFrame) -> None:
    with pytest.raises(BudgetError, match="to test on"):
        suggest(1, test=5000)


def test_the_file_can_be_filled_in(rows: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "board.csv"
    write(rows, file)
    filled = pd.read_csv(file)
    assert filled["latency_ms"].isna().all()
    filled["latency_ms"] = [2.0 + i / 10 for i in range(len(filled))]
    filled.to_csv(file, index=False)
    assert len(read_device_table(file, NasBench201()).table) == 20
    with pytest.raises(SourceError, match="is there already"):
        write(rows, file)


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    runner = CliRunner()
    printed = runner.invoke(app, ["devices", "suggest", "-n", "3", "--test", "2"])
    assert printed.exit_code == 0, printed.output
    assert [line.split()[0] for line in printed.output.splitlines()] == [
        "use",
        *["learn"] * 3,
        *["test"] * 2,
    ]
    file = tmp_path / "board.csv"
    written = runner.invoke(app, ["devices", "suggest", "-n", "3", "--output", str(file)])
    assert written.exit_code == 0, written.output
    assert "3 cells in" in written.output
    assert len(pd.read_csv(file)) == 3


def test_a_bad_prior_is_a_readable_error(tmp_path: Path) -> None:
    bad = tmp_path / "prior.safetensors"
    bad.write_bytes(b"no prior")
    result = CliRunner().invoke(app, ["devices", "suggest", "--prior", str(bad)])
    assert result.exit_code == 1
    assert "is not a prior of this project" in result.stderr

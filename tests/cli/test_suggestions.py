from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from brpnas.cli import app
from brpnas.cli.suggestions import _connected, suggest, write
from brpnas.datasets import held_out, read_embedded_latency
from brpnas.devices import read_device_table
from brpnas.errors import BudgetError, SourceError
from brpnas.predictors.transfer import shipped_prior
from brpnas.spaces import NasBench201
from tests.cli.conftest import Brpnas


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return suggest(12, test=8)


def test_cells_to_learn_from_come_first(rows: pd.DataFrame) -> None:
    assert rows["use"].tolist() == ["learn"] * 12 + ["test"] * 8
    assert rows["arch_id"].is_unique


def test_a_hash_decides_what_may_be_tested_on(rows: pd.DataFrame) -> None:
    assert held_out(rows["arch_id"].tolist()).tolist() == [False] * 12 + [True] * 8


def test_the_seed_decides(rows: pd.DataFrame) -> None:
    assert suggest(12, test=8).equals(rows)
    others = suggest(12, test=8, seed=1)
    assert set(others.loc[others["use"] == "test", "arch_id"]) != set(
        rows.loc[rows["use"] == "test", "arch_id"]
    )


def test_fewer_are_the_first_of_more(rows: pd.DataFrame) -> None:
    assert suggest(5)["arch_id"].tolist() == rows["arch_id"].tolist()[:5]


def has_path(arch_id: str) -> bool:
    """Whether something that is not `none` leads from the input to the last node."""
    reached = [True]
    for node in arch_id.split("+"):
        edges = [edge.split("~") for edge in node.strip("|").split("|")]
        reached.append(any(op != "none" and reached[int(start)] for op, start in edges))
    return reached[-1]


def test_cells_without_a_path_are_told_apart() -> None:
    cells = NasBench201().enumerate()
    found = _connected(NasBench201().encode(cells, "pruned"))
    assert found.tolist() == [has_path(cell) for cell in cells]


def test_every_cell_has_a_path(rows: pd.DataFrame) -> None:
    assert all(map(has_path, rows["arch_id"]))


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
    assert "prior.safetensors is not a" in result.stderr


def test_the_command_writes_over_nothing_and_reads_no_refused_file(
    brpnas: Brpnas, tmp_path: Path
) -> None:
    file = tmp_path / "board.csv"
    file.write_text("mine")
    result = brpnas("devices", "suggest", "-n", 3, "--output", file)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "is there already" in result.stderr
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


def test_a_prior_of_ones_own_is_asked(brpnas: Brpnas, rows: pd.DataFrame, tmp_path: Path) -> None:
    shipped = shipped_prior("nasbench201")
    shipped.save(tmp_path / "same.safetensors")
    shipped.without(shipped.devices[:18]).save(tmp_path / "less.safetensors")
    same, less = (
        brpnas("devices", "suggest", "-n", 5, "--prior", tmp_path / f"{name}.safetensors").stdout
        for name in ("same", "less")
    )
    assert [line.split()[1] for line in same.splitlines()[1:]] == rows["arch_id"].tolist()[:5]
    assert less != same


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


def test_what_is_measured_is_not_suggested_to_test_on_either(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    done = rows.loc[rows["use"] == "test", ["arch_id"]].reset_index(drop=True)
    file = tmp_path / "board.csv"
    done.assign(latency_ms=[2.0 + i / 10 for i in range(len(done))]).to_csv(file, index=False)
    again = suggest(1, test=len(done), measured=file)
    assert not set(again["arch_id"]) & set(done["arch_id"])

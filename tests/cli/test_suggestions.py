from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

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


@pytest.mark.slow
def test_the_seed_decides(rows: pd.DataFrame) -> None:
    assert suggest(12, test=8).equals(rows)
    others = suggest(12, test=8, seed=1)
    assert set(others.loc[others["use"] == "test", "arch_id"]) != set(
        rows.loc[rows["use"] == "test", "arch_id"]
    )


def test_fewer_are_the_first_of_more(rows: pd.DataFrame) -> None:
    assert suggest(5)["arch_id"].tolist() == rows["arch_id"].tolist()[:5]


def test_every_cell_has_a_path(rows: pd.DataFrame) -> None:
    assert NasBench201().encode(rows["arch_id"].tolist(), "pruned").connected.all()


def test_what_is_measured_is_not_suggested(rows: pd.DataFrame, tmp_path: Path) -> None:
    table = read_embedded_latency("amd-epyc-torch-fp32-1t")
    done = pd.DataFrame({"arch_id": rows["arch_id"].iloc[:6], "latency_ms": 1.0})
    done["latency_ms"] += table["latency_ms"].iloc[:6].to_numpy() / 10
    file = tmp_path / "board.csv"
    done.to_csv(file, index=False)
    more = suggest(6, measured=file)
    assert not set(more["arch_id"]) & set(done["arch_id"])


def test_more_than_there_are(rows: pd.DataFrame) -> None:
    with pytest.raises(BudgetError, match=r"\b3045 .* 5000\b"):
        suggest(1, test=5000)


def test_the_file_can_be_filled_in(rows: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "board.csv"
    write(rows, file)
    filled = pd.read_csv(file)
    assert filled["latency_ms"].isna().all()
    filled["latency_ms"] = [2.0 + i / 10 for i in range(len(filled))]
    filled.to_csv(file, index=False)
    assert len(read_device_table(file, NasBench201()).table) == 20
    with pytest.raises(SourceError, match="exists"):
        write(rows, file)


def test_what_is_measured_is_not_suggested_to_test_on_either(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    done = rows.loc[rows["use"] == "test", ["arch_id"]].reset_index(drop=True)
    file = tmp_path / "board.csv"
    done.assign(latency_ms=[2.0 + i / 10 for i in range(len(done))]).to_csv(file, index=False)
    again = suggest(1, test=len(done), measured=file)
    assert not set(again["arch_id"]) & set(done["arch_id"])

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import BudgetError, IntakeError, SchemaError, SourceError, UnknownNameError
from brpnas.spaces import NasBench201, get_space
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.select import read_cells, select_cells

CELLS = [to_string((code,) * 6) for code in (3, 1, 2)]


def test_more_cells_hold_fewer() -> None:
    assert select_cells(40, seed=4)[:10] == select_cells(10, seed=4)
    assert select_cells(40, seed=4) != select_cells(40, seed=5)


def test_the_whole_space_and_given_cells() -> None:
    assert sorted(select_cells(None)) == sorted(NasBench201().enumerate())
    assert sorted(select_cells(None, among=[*CELLS, f" {CELLS[0]}"])) == sorted(CELLS)
    assert set(select_cells(2, among=CELLS)) < set(CELLS)


def test_the_order_of_given_cells_does_not_matter() -> None:
    assert select_cells(2, among=CELLS) == select_cells(2, among=CELLS[::-1])


@pytest.mark.parametrize(("count", "among"), [(0, CELLS), (4, CELLS), (None, []), (15_626, None)])
def test_impossible_counts(count: int | None, among: list[str] | None) -> None:
    with pytest.raises(BudgetError, match="Cannot choose"):
        select_cells(count, among=among)


def test_files(tmp_path: Path) -> None:
    text, csv, parquet = (tmp_path / f"cells.{s}" for s in ("txt", "csv", "parquet"))
    text.write_text("# mine\n\n" + "\n".join(CELLS) + "\n")
    table = pd.DataFrame({"arch_id": CELLS, "latency_ms": 1.0})
    table.to_csv(csv)
    table.to_parquet(parquet)
    assert read_cells(text) == read_cells(csv) == read_cells(parquet) == CELLS


def test_wrong_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{CELLS[0]}\nfoo\n")
    with pytest.raises(IntakeError, match=r"a\.txt [\s\S]*, line 2: 'foo'"):
        read_cells(tmp_path / "a.txt")
    (tmp_path / "a.csv").write_text("cell\nx\n")
    with pytest.raises(SchemaError, match="'cell'"):
        read_cells(tmp_path / "a.csv")
    with pytest.raises(SourceError, match=r"b\.txt"):
        read_cells(tmp_path / "b.txt")


def test_cells_in_other_notations(tmp_path: Path) -> None:
    file = tmp_path / "cells.txt"
    file.write_text("333333\n(1, 1, 1, 1, 1, 1)\n2-2-2-2-2-2\n")
    assert read_cells(file) == CELLS
    file.write_text("(2, 2, 2, 2, 2, 2)\n(0, 0, 0, 0, 0, 0)\n333333\n")
    assert read_cells(file, notation="naslib") == CELLS
    with pytest.raises(UnknownNameError, match="naslib"):
        read_cells(file, notation="naslip")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty file: "),
        ("a.txt", b" \n", "empty file: "),
        ("a.txt", b"# none yet\n", "no rows"),
        ("a.csv", f"arch_id\n{CELLS[0]},\n".encode(), "line 2: 2 values"),
        ("a.csv", f"arch_id\n{CELLS[0]}\n{CELLS[1][:-9]}\n".encode(), "line 3"),
        ("a.csv", f"arch_id\n{CELLS[0]}\n".encode("utf-16"), "UTF-16"),
        ("a.txt", f"{CELLS[0]}\n".encode("utf-16"), "UTF-16"),
        ("a.txt", "Zelle für Zelle\n".encode("latin-1"), "Latin-1"),
        ("a.parquet", b"PAR1broken", "unreadable Parquet: "),
    ],
)
def test_damaged_lists_are_refused_with_rows(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IntakeError, match=words) as caught:
        read_cells(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_distinct_cells_are_the_first_of_each_function_in_a_published_order() -> None:
    space = NasBench201()
    chosen = select_cells(None, distinct=True, seed=3)
    assert len(chosen) == len(set(space.isomorphism_ids(chosen))) == 6466
    everything = space.enumerate()
    families = space.isomorphism_ids(everything)
    order = [families.index(family) for family in dict.fromkeys(families)]
    shuffled = np.random.default_rng(3).permutation(len(order))
    assert chosen == [everything[order[i]] for i in shuffled]
    assert select_cells(20, distinct=True, seed=3) == chosen[:20]
    same = [to_string((3, 0, 0, 3, 0, 0)), to_string((0, 0, 0, 3, 0, 0))]
    assert len(select_cells(None, among=[*same, CELLS[0]], distinct=True)) == 2
    with pytest.raises(BudgetError, match="6467 of 6466"):
        select_cells(6467, distinct=True)


class Few(NasBench201):
    """So large, it says, that it cannot be listed; and all of it is six functions."""

    enumerable = False

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        return [to_string((int(code), 0, 0, 0, 0, 0)) for code in rng.integers(0, 5, count)]


@pytest.mark.parametrize("distinct", [False, True])
def test_of_a_space_that_cannot_be_listed_few_are_the_first_of_many(distinct: bool) -> None:
    space = get_space("darts")
    assert not space.enumerable
    many = select_cells(30, seed=4, space=space, distinct=distinct)
    assert len(set(many)) == 30
    assert [space.canonical(arch_id) for arch_id in many] == many
    for count in (1, 7, 29):
        assert select_cells(count, seed=4, space="darts", distinct=distinct) == many[:count]
    assert select_cells(30, seed=5, space=space) != many


def test_what_cannot_be_drawn_of_it_is_refused() -> None:
    for count in (None, 0, -1):
        with pytest.raises(BudgetError, match="Cannot choose"):
            select_cells(count, space="darts")
    assert len(set(select_cells(5, space=Few()))) == 5
    with pytest.raises(BudgetError, match=r" 6 .*nasbench201: .* 5\b"):
        select_cells(6, space=Few())
    assert len(select_cells(1, space=Few(), distinct=True)) == 1
    with pytest.raises(BudgetError, match="first 1 "):
        select_cells(2, space=Few(), distinct=True)


def test_given_cells_of_another_space(tmp_path: Path) -> None:
    space = get_space("darts")
    cells = select_cells(3, space=space)
    (tmp_path / "cells.txt").write_text("\n".join(cells))
    assert read_cells(tmp_path / "cells.txt", space="darts") == cells
    assert set(select_cells(None, among=cells, space=space)) == set(cells)
    with pytest.raises(IntakeError, match="lines 1, 2, 3"):
        read_cells(tmp_path / "cells.txt")

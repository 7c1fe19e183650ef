"""The benchmark of notations: its samples and counts."""

from __future__ import annotations

from benchmarks.notation import ROWS, figures, tables, written
from brpnas.datasets import embedded_devices
from brpnas.spaces import NasBench201
from tests.spaces.nasbench201 import test_naslib as by_meaning


def test_cells_are_written_as_naslib_does() -> None:
    cells = NasBench201().enumerate()[::101]
    assert written(NasBench201(), cells) == by_meaning.written(cells)


def test_tables_that_ship_need_no_download() -> None:
    assert set(tables(published=False)) == set(embedded_devices())


def test_figures_of_the_tables_that_ship() -> None:
    found = figures(tables(published=False), draws=2)
    assert list(found["rows"]) == [str(rows) for rows in ROWS]
    assert all(shares["false"] == 0 for shares in found["rows"].values())
    assert found["rows"]["100"]["found"] == 1
    assert (found["devices"], found["draws"]) == (len(embedded_devices()), 2)

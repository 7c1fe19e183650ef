from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import list_architectures
from brpnas.errors import ArchitectureError, BudgetError, SchemaError
from brpnas.spaces import NasBench201, SearchSpace, get_space

CONVOLUTIONS = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+" + "|".join(
    ["", *(f"nor_conv_3x3~{i}" for i in range(3)), ""]
)


def test_whole_space_is_sorted_and_counts_its_functions() -> None:
    table = list_architectures()
    assert len(table) == 15_625
    assert table["isomorphism_id"].nunique() == 6_466
    assert table["arch_id"].is_monotonic_increasing
    assert set(table["arch_id"]) == set(get_space("nasbench201").enumerate())
    row = table.set_index("arch_id").loc[CONVOLUTIONS]
    assert (row["params_m"], row["flops_m"]) == (1.531546, 220.11969)


def test_some_are_the_rows_of_all() -> None:
    everything = list_architectures().set_index("arch_id")
    some = [CONVOLUTIONS, everything.index[7]]
    expected = everything.loc[sorted(some)].reset_index()
    pd.testing.assert_frame_equal(list_architectures(some), expected)


def test_what_is_no_set_of_cells_is_refused() -> None:
    with pytest.raises(ArchitectureError):
        list_architectures(["|conv~0|"])
    with pytest.raises(SchemaError, match="mine"):
        list_architectures([CONVOLUTIONS, CONVOLUTIONS], origin="mine")


def test_of_another_space() -> None:
    space = get_space("darts")
    cells = space.sample(np.random.default_rng(0), 4)
    table = list_architectures(cells, space="darts")
    assert table["arch_id"].tolist() == sorted(cells)
    assert set(table["space"]) == {"darts"}
    assert table["isomorphism_id"].tolist() == space.isomorphism_ids(sorted(cells))
    pd.testing.assert_frame_equal(list_architectures(cells, space=space), table)
    with pytest.raises(BudgetError):
        list_architectures(space="darts")
    with pytest.raises(SchemaError, match=r"space darts .*arch_id.* 0, 1\b"):
        list_architectures([cells[0], cells[0]], space=space)


class Costless(NasBench201):
    def cost(self, arch_ids, config=None):  # type: ignore[no-untyped-def]
        return SearchSpace.cost(self, arch_ids, config)


def test_costs_that_are_not_known_are_missing() -> None:
    table = list_architectures([CONVOLUTIONS], space=Costless())
    assert table[["params_m", "flops_m"]].isna().all(axis=None)

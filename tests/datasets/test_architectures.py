from __future__ import annotations

import pandas as pd
import pytest

from brpnas.datasets import list_architectures
from brpnas.errors import ArchitectureError, SchemaError
from brpnas.spaces import get_space

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

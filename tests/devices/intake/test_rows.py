from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.devices.intake.rows import read_rows
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201 import published_cells
from brpnas.tables import Finding, RawTable

SPACE = NasBench201()
CELLS = SPACE.enumerate()[3000:3012]


def read(
    cells: list[str] = CELLS, latencies: list[str] | None = None, **others: list[str]
) -> tuple[pd.DataFrame, list[Finding]]:
    values = latencies or [f"{5 + i / 10}" for i in range(len(cells))]
    columns = {"arch_id": cells, "latency_ms": values, **others}
    lines = tuple(range(2, len(cells) + 2))
    return read_rows(RawTable(columns, lines, len(lines)), SPACE.read, "board", "line")


def changed(values: list[str], **positions: str) -> list[str]:
    return [positions.get(f"at{i}", value) for i, value in enumerate(values)]


def test_good_rows() -> None:
    table, found = read(std_ms=["0.1", *[""] * 11], repeats=["10", "3.0", *["nan"] * 10])
    assert found == []
    assert table["arch_id"].tolist() == CELLS
    assert table["latency_ms"].tolist() == pytest.approx([5 + i / 10 for i in range(12)])
    assert table["std_ms"].iloc[0] == 0.1
    assert table["std_ms"].iloc[1:].isna().all()
    assert table["repeats"].tolist()[:2] == [10, 3]
    assert table["repeats"].iloc[2:].isna().all()
    assert table["sound"].all()
    assert table["line"].tolist() == list(range(2, 14))


def test_unknown_and_missing_cells() -> None:
    table, found = read(changed(CELLS, at1="", at4="nonsense", at5="15625"))
    assert [(f.kind, f.rows) for f in found] == [
        ("missing cell", (3,)),
        ("unknown cell", (6, 7)),
    ]
    assert found[1].message.startswith("the first: 'nonsense' ")
    assert np.flatnonzero(~table["sound"]).tolist() == [1, 4, 5]


def test_wrong_latencies_are_told_by_kind() -> None:
    values = ["5", "", "nan", "inf", "-1", "0", "4,2", "5 ms", "x", "y", "5.1", "-2"]
    table, found = read(latencies=values)
    assert {f.kind: f.rows for f in found} == {
        "missing latency": (3,),
        "NaN latency": (4,),
        "infinite latency": (5,),
        "negative latency": (6, 13),
        "decimal comma in latency": (8,),
        "unit within latency": (9,),
        "text as latency": (10, 11),
        "zero latency": (7,),
    }
    assert all(f.remedy and f.severity == "error" for f in found)
    assert np.flatnonzero(table["sound"]).tolist() == [0, 10]


def test_few_of_many_values_are_shown() -> None:
    _, (finding,) = read(latencies=[f"x{i}" for i in range(12)])
    assert "'x0', 'x1', 'x2', ...:" in finding.message


def test_one_cell_in_several_rows() -> None:
    index = str(published_cells().index(CELLS[0]))
    table, (finding,) = read(changed(CELLS, at3=index, at5=CELLS[1], at7=CELLS[1]))
    assert finding.kind == "duplicate cell"
    assert sorted(finding.rows) == [2, 3, 5, 7, 9]
    assert f"lines 2, 5 ({CELLS[0]}, written in 2 ways); lines 3, 7, 9 ({CELLS[1]})." in (
        finding.message
    )
    assert table["sound"].sum() == 7


def test_many_doubles_are_counted() -> None:
    _, (finding,) = read([*CELLS, *CELLS])
    assert finding.message.endswith("; and 9 more.")
    assert len(finding.rows) == 24


def test_codes_beside_shorter_numbers_are_ambiguous() -> None:
    codes = [f"{number:06d}" for number in range(100_000, 100_005)]
    _, (finding,) = read([*codes, "13", "2"])
    assert (finding.kind, finding.rows) == ("ambiguous cell", (7, 8))
    assert read(["13", "2", "15000"])[1] == []
    assert read([*codes, CELLS[0]])[1] == []


def test_optional_columns() -> None:
    _, found = read(
        std_ms=["-1", "x", "7", "inf", "2e5", *["0.1"] * 7],
        repeats=["0", "2.5", "-3", "many", "1e30", *["5"] * 7],
    )
    assert {f.kind: (f.severity, f.rows) for f in found} == {
        "negative std_ms": ("error", (2,)),
        "text as std_ms": ("error", (3,)),
        "infinite std_ms": ("error", (5,)),
        "impossible std_ms": ("error", (6,)),
        "large spread": ("warning", (4, 6)),
        "negative repeats": ("error", (4,)),
        "text as repeats": ("error", (5,)),
        "repeats": ("error", (2, 3, 6)),
    }


def test_a_warning_leaves_the_row_sound() -> None:
    table, (finding,) = read(std_ms=["9", *["0.1"] * 11])
    assert finding.severity == "warning"
    assert table["sound"].all()


def test_the_device_is_that_of_the_file() -> None:
    assert read(device=["board"] * 12)[1] == []
    _, (finding,) = read(device=["board"] * 10 + ["phone", ""])
    assert (finding.kind, finding.rows) == ("other device", (12, 13))
    assert "'phone', ''" in finding.message


def test_columns_that_are_missing_are_not_told_again() -> None:
    raw = RawTable({"latency_ms": ["5", "-1"]}, (2, 3), 2)
    table, (finding,) = read_rows(raw, SPACE.read, "board", "line")
    assert finding.kind == "negative latency"
    assert not table["sound"].any()

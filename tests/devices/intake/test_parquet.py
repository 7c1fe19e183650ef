from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from brpnas.devices.intake.parquet import read_parquet


def content(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def test_values_become_the_text_of_a_csv() -> None:
    table = pd.DataFrame(
        {
            "arch_id": ["a", None, "c"],
            "latency_ms": [4.25, np.nan, np.inf],
            "repeats": pd.array([5, None, 7], dtype="Int64"),
        }
    )
    header, rows, found = read_parquet(content(table))
    assert header == ("arch_id", "latency_ms", "repeats")
    assert rows == (("a", "4.25", "5"), ("", "", ""), ("c", "inf", "7"))
    assert found == []


def test_single_precision_keeps_its_value() -> None:
    table = pd.DataFrame({"latency_ms": np.array([0.1], np.float32)})
    _, ((text,),), _ = read_parquet(content(table))
    assert float(text) == float(np.float32(0.1))


@pytest.mark.parametrize("cells", [[(3, 3, 4)], [[3, 3, 4]], [np.array([3, 3, 4])]])
def test_lists_of_codes_become_tuples(cells: list[object]) -> None:
    _, rows, found = read_parquet(content(pd.DataFrame({"arch_id": cells})))
    assert rows == (("(3, 3, 4)",),)
    assert found == []


def test_indices_are_whole_numbers_of_any_size() -> None:
    table = pd.DataFrame({"arch_id": np.array([12], np.int16)})
    assert read_parquet(content(table))[1] == (("12",),)


def test_cells_may_be_the_index_of_the_table() -> None:
    table = pd.DataFrame({"latency_ms": [1.0]}, index=pd.Index(["a"], name="arch_id"))
    header, rows, _ = read_parquet(content(table))
    assert (header, rows) == (("arch_id", "latency_ms"), (("a", "1.0"),))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("latency_ms", ["4.2"]),
        ("latency_ms", [True]),
        ("std_ms", ["x"]),
        ("repeats", [pd.Timestamp("2020-01-01")]),
        ("arch_id", [12.0]),
        ("arch_id", [False]),
    ],
)
def test_columns_of_another_type_are_told(column: str, values: list[object]) -> None:
    _, _, (finding,) = read_parquet(content(pd.DataFrame({column: values})))
    assert (finding.severity, finding.kind) == ("error", "column type")
    assert repr(column) in finding.message
    assert finding.remedy


def test_an_optional_column_may_hold_nothing() -> None:
    table = pd.DataFrame({"arch_id": ["a"], "std_ms": [None]})
    assert read_parquet(content(table))[2] == []


def test_no_rows() -> None:
    _, rows, (finding,) = read_parquet(content(pd.DataFrame({"arch_id": [], "x": []})[:0]))
    assert rows == ()
    assert finding.kind == "no rows"


@pytest.mark.parametrize("damage", [b"", b"arch_id,latency_ms\n", b"PAR1 and nothing else PAR1"])
def test_what_is_no_parquet_is_told(damage: bytes) -> None:
    header, _, (finding,) = read_parquet(damage)
    assert header == ()
    assert "cannot be read as Parquet" in finding.message

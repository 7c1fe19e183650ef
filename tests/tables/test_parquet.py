from __future__ import annotations

import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brpnas.devices.intake.columns import COLUMNS
from brpnas.tables import Column, Finding, parquet
from brpnas.tables.limits import MAX_VALUES


def read_parquet(data: bytes, most: int = 100) -> tuple[tuple[str, ...], object, list[Finding]]:
    """Rows instead of columns."""
    header, texts, found = parquet.read_parquet(data, COLUMNS, most)
    columns = [texts[name] for name in header if name in texts]
    return header, tuple(zip(*columns, strict=True)), found


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
    _, rows, _ = read_parquet(content(table))
    ((text,),) = rows
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
    assert (header, rows) == (("latency_ms", "arch_id"), (("1.0", "a"),))


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
    assert finding.kind == "unreadable Parquet"


@pytest.mark.parametrize("rows", [101, 5_000_000])
def test_rows_are_counted_by_the_metadata(rows: int) -> None:
    same = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["000200"]))
    buffer = io.BytesIO()
    pq.write_table(pa.table({"arch_id": same}), buffer, compression="zstd")
    header, _, (finding,) = read_parquet(buffer.getvalue())
    assert header == ()
    assert finding.kind == "too many rows"
    assert re.search(rf"\b{rows:,} rows, .* 100\b", finding.message)


def test_groups_of_rows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_GROUPS", 4)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"arch_id": ["a"] * 5}), buffer, row_group_size=1)
    assert read_parquet(buffer.getvalue())[2][0].kind == "too many groups of rows"


def test_values_in_lists_are_counted_by_the_metadata() -> None:
    codes = pa.ListArray.from_arrays([0, MAX_VALUES + 1], pa.nulls(MAX_VALUES + 1, pa.int8()))
    buffer = io.BytesIO()
    pq.write_table(pa.table({"arch_id": codes}), buffer, compression="zstd")
    assert len(buffer.getvalue()) < 2**20
    _, _, (finding,) = read_parquet(buffer.getvalue())
    assert finding.kind == "too many values"


def test_a_long_text_that_rows_share_is_held_once() -> None:
    same = pa.DictionaryArray.from_arrays(np.zeros(50_000, np.int32), pa.array(["x" * 200_000]))
    buffer = io.BytesIO()
    pq.write_table(pa.table({"arch_id": same}), buffer, compression="zstd")
    _, texts, _ = parquet.read_parquet(buffer.getvalue(), COLUMNS, 100_000)
    assert len({id(text) for text in texts["arch_id"]}) == 1


def test_columns_that_nothing_knows_are_not_read() -> None:
    table = pd.DataFrame({"arch_id": ["a"], "secret": ["b"]})
    header, texts, _ = parquet.read_parquet(content(table), [Column("arch_id", "cell")], 5)
    assert header == ("arch_id", "secret")
    assert texts == {"arch_id": ["a"]}


@pytest.mark.parametrize("kind", [pa.binary(500_000), pa.list_(pa.string()), pa.list_(pa.binary())])
def test_types_that_can_stand_for_gigabytes_are_not_read(kind: pa.DataType) -> None:
    """Each row is the same half megabyte, which the file stores once."""
    value = b"x" * 500_000
    one = pa.array([value if pa.types.is_fixed_size_binary(kind) else [value.decode()]], kind)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"arch_id": one.take(pa.array([0] * 400))}), buffer, compression="zstd")
    default = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(default)
    pa.set_memory_pool(counting)
    try:
        header, texts, (finding,) = parquet.read_parquet(buffer.getvalue(), COLUMNS, 1000)
        assert counting.max_memory() < 10_000_000
    finally:
        pa.set_memory_pool(default)
    assert (header, texts) == ((), {})
    assert finding.severity == "error"
    assert re.search("arch_id.* type (list|fixed_size_binary)", finding.message)
    assert "text" in finding.message + finding.remedy

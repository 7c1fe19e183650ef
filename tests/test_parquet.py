"""Small files that decode to gigabytes, and the content of an honest file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brpnas.parquet import ParquetLimitError, read_batches, read_columns

ROWS = 400
LARGE = b"x" * 500_000
SAME = np.zeros(ROWS, np.int64)


@pytest.fixture
def pool() -> Iterator[pa.MemoryPool]:
    """Counts the allocations of pyarrow during a test."""
    default = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(default)
    pa.set_memory_pool(counting)
    yield counting
    pa.set_memory_pool(default)


def write(path: Path, column: Any, **options: Any) -> Path:
    pq.write_table(pa.table({"a": column, "b": np.arange(len(column))}), path, **options)
    return path


def repeated(value: Any, kind: pa.DataType) -> pa.Array:
    return pa.array([value], kind).take(pa.array(SAME))


BOMBS: dict[str, tuple[Any, pa.DataType]] = {
    "text": (LARGE.decode(), pa.string()),
    "bytes": (LARGE, pa.binary()),
    "struct": ({"bytes": LARGE}, pa.struct([("bytes", pa.binary())])),
    "list": ([LARGE.decode()], pa.list_(pa.string())),
}
"""Value and type of a column that is 200 MB in full."""


@pytest.fixture
def bomb(tmp_path: Path, column: tuple[Any, pa.DataType]) -> Path:
    """A small file of a large column; request it before `pool`, which counts from then on."""
    return write(tmp_path / "x.parquet", repeated(*column), compression="zstd")


@pytest.mark.parametrize("column", BOMBS.values(), ids=list(BOMBS))
def test_a_value_that_repeats_is_kept_once(
    bomb: Path, pool: pa.MemoryPool, column: tuple[Any, pa.DataType]
) -> None:
    assert bomb.stat().st_size < 20_000
    before = pool.bytes_allocated()
    batches = list(read_batches(bomb, ["a"], rows=ROWS, limit=2**24))
    assert sum(batch.num_rows for batch in batches) == ROWS
    assert batches[-1].column(0)[-1].as_py() == column[0]
    assert pool.max_memory() - before < 10_000_000


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ((LARGE, pa.binary(len(LARGE))), r"a .*fixed_size_binary\[500000\]"),
        (([("k", "v")], pa.map_(pa.string(), pa.string())), r"column a .* map<.*text"),
    ],
    ids=["fixed size", "map"],
)
def test_types_without_a_bound_are_not_read(bomb: Path, pool: pa.MemoryPool, message: str) -> None:
    before = pool.bytes_allocated()
    with pytest.raises(ParquetLimitError, match=message):
        read_columns(bomb, ["a"], limit=2**30)
    assert pool.max_memory() - before < 10_000_000
    assert read_columns(bomb, ["b"], limit=2**30).num_rows == ROWS, "only what is asked for"


def test_a_value_that_continues_the_one_before_is_not_read(tmp_path: Path) -> None:
    options = {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}}
    path = write(tmp_path / "x.parquet", repeated(*BOMBS["text"]), **options)
    with pytest.raises(ParquetLimitError, match=r"column a .*DELTA_BYTE_ARRAY"):
        read_columns(path, ["a"], limit=2**30)


def test_numbers_are_counted_before_they_are_read(tmp_path: Path, pool: pa.MemoryPool) -> None:
    lists = pa.array([[0.0] * 10_000] * ROWS)
    path = write(tmp_path / "x.parquet", lists, compression="zstd")
    before = pool.max_memory()
    with pytest.raises(ParquetLimitError, match=r"\ba .*32,000,000 bytes.* 31,000,000"):
        read_columns(path, ["a"], limit=31_000_000)
    assert pool.max_memory() == before
    assert read_columns(path, ["a"], limit=33_000_000).column("a").to_pylist()[9] == [0.0] * 10_000


def test_texts_are_counted_while_they_are_read(tmp_path: Path) -> None:
    texts = [f"{n:0>1000}" for n in range(ROWS)]
    path = write(tmp_path / "x.parquet", pa.array(texts))
    with pytest.raises(ParquetLimitError, match=r"\ba .*100,000 bytes"):
        read_columns(path, ["a"], limit=100_000)
    table = read_columns(path, ["b", "a"], limit=1_000_000)
    assert table.column("a").cast(pa.string()).to_pylist() == texts
    assert table.column("b").to_pylist() == list(range(ROWS))


def test_large_rows_come_in_small_batches(tmp_path: Path) -> None:
    lists = pa.array([np.zeros(10_000)] * ROWS)
    path = write(tmp_path / "x.parquet", lists, compression="zstd", row_group_size=100)
    sizes = [len(batch) for batch in read_batches(path, ["b"], rows=ROWS, limit=2**30)]
    assert sizes == [ROWS]
    many = write(tmp_path / "y.parquet", pa.concat_arrays([lists] * 2))
    sizes = [len(batch) for batch in read_batches(many, ["a"], rows=800, limit=2**30)]
    assert max(sizes) < 420
    assert sum(sizes) == 800


def test_one_dictionary_for_all_groups_of_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", pa.array(["a", "b"] * 200), row_group_size=30)
    column = read_columns(path, ["a"], limit=2**20).column("a")
    assert {tuple(chunk.dictionary.to_pylist()) for chunk in column.chunks} == {("a", "b")}
    empty = write(tmp_path / "y.parquet", pa.array([], pa.string()))
    assert read_columns(empty, ["a"], limit=2**20).num_rows == 0

"""Reading and printing a front."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from brpnas.cli.fronts import FRONT, as_text, read_front
from brpnas.cli.options import FrontFormat
from brpnas.errors import SchemaError

TABLE = pd.DataFrame(
    {
        "arch_id": ["b", "a"],
        "accuracy": [0.91234, 0.8],
        "latency_ms": [12.3456, 4.0],
        "energy_mj@edge-box": [float("nan"), 1.5],
        "answers": [2, 1],
        "knee": [True, False],
    }
)


def write(workspace: Path, table: pd.DataFrame) -> Path:
    path = workspace / FRONT
    path.parent.mkdir(parents=True)
    table.to_parquet(path, index=False)
    return workspace


def test_the_table_has_units_and_marks_the_knee() -> None:
    header, *rows = [line.split() for line in as_text(TABLE, FrontFormat.TABLE).splitlines()]
    assert "ms" in header
    assert "mJ" in header
    assert "(edge-box)," in header
    assert rows == [["*", "1", "91.23", "12.35", "-", "2", "b"], ["2", "80", "4", "1.5", "1", "a"]]


def test_csv_and_json_hold_every_value() -> None:
    read = pd.read_csv(io.StringIO(as_text(TABLE, FrontFormat.CSV)))
    assert read.pop("member").tolist() == [1, 2]
    pd.testing.assert_frame_equal(read, TABLE, check_dtype=False)
    first, second = json.loads(as_text(TABLE, FrontFormat.JSON))
    assert first["accuracy"] == 0.91234
    assert (first["energy_mj@edge-box"], second["knee"]) == (None, False)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(read_front(write(tmp_path, TABLE)), TABLE, check_dtype=False)


def test_without_a_front(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="objectives"):
        read_front(tmp_path)


def test_another_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="'knee'"):
        read_front(write(tmp_path, TABLE.drop(columns="knee")))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (write(tmp_path, TABLE) / FRONT).write_bytes(b"PAR1 and no more")
    with pytest.raises(SchemaError, match=FRONT.name):
        read_front(tmp_path)

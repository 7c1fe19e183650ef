"""Tables of a schema that people bring; broken ones are in `tests.pipelines.datasets`."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pandas as pd
import pytest

from brpnas.datasets import (
    ACCURACY,
    LATENCY,
    OPERATIONS,
    read_embedded_accuracy,
    read_embedded_operations,
    read_own_table,
)
from brpnas.datasets.own import columns_of
from brpnas.errors import IntakeError, SchemaError
from brpnas.spaces import NasBench201

SPACE = NasBench201()
CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"


def test_columns_follow_the_schema() -> None:
    kinds = {column.name: (column.kind, column.required) for column in columns_of(LATENCY)}
    assert kinds == {
        "arch_id": ("cell", True),
        "device": ("text", True),
        "latency_ms": ("number", True),
        "std_ms": ("number", False),
        "repeats": ("number", False),
        "network_size": ("text", False),
        "precision": ("text", False),
        "energy_mj": ("number", False),
        "peak_memory_mib": ("number", False),
        "file_kib": ("number", False),
    }
    assert {c.name: c.kind for c in columns_of(OPERATIONS)}["executes_dead_ops"] == "flag"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_of_the_project_are_read_to_the_last_digit(tmp_path: Path, suffix: str) -> None:
    for schema, table in (
        (ACCURACY, read_embedded_accuracy().head(400)),
        (OPERATIONS, read_embedded_operations()),
    ):
        path = tmp_path / f"{schema.name}{suffix}"
        table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
        pd.testing.assert_frame_equal(read_own_table(path, schema, SPACE), table)


def test_columns_that_are_not_read_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text(f"arch_id,device,latency_ms,std\n{CELL},a,4,1\n")
    with caplog.at_level(logging.WARNING):
        read_own_table(tmp_path / "a.csv", LATENCY, SPACE)
    assert re.search(r"'std' .*'std_ms'\?", caplog.text)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("executes_dead_ops", "maybe", "text as executes_dead_ops, line 2"),
        ("stage", "1.5", "stage, line 2: .*'1.5'"),
        ("stage", "", "stage, line 2: .*''"),
        ("latency_ms", "fast", "text as latency_ms, line 2"),
        ("part", "", "part, line 2: "),
        ("latency_ms", "1e9", "latency_ms must be .* in line 2"),
    ],
)
def test_wrong_values_have_their_line(tmp_path: Path, column: str, value: str, words: str) -> None:
    row = read_embedded_operations().head(1).astype(object)
    row[column] = value
    row.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SchemaError, match=words):
        read_own_table(tmp_path / "a.csv", OPERATIONS, SPACE)


def test_a_key_that_comes_twice_has_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"arch_id,device,latency_ms\n\n{CELL},a,4\n300001,a,5\n")
    with pytest.raises(SchemaError, match=r"\(arch_id, device\) .* lines 3, 4\b"):
        read_own_table(tmp_path / "a.csv", LATENCY, SPACE)


def test_a_name_of_several_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\nb.csv").write_text(f"arch_id,device,latency_ms\n{CELL},a,4\n")
    with pytest.raises(IntakeError, match=r"a\\nb\.csv' is refused"):
        read_own_table(tmp_path / "a\nb.csv", LATENCY, SPACE)

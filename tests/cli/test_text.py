from __future__ import annotations

import pytest

from brpnas.cli.text import fields, megabytes, table


def test_columns_line_up_and_no_line_ends_in_blanks() -> None:
    lines = table(["name", "n", "note"], [["a", "1", ""], ["bcdef", "20", "x"]], ["n"]).split("\n")
    assert lines == ["name    n  note", "a       1", "bcdef  20  x"]


def test_table_without_rows_is_its_header() -> None:
    assert table(["a", "b"], []) == "a  b"


def test_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [["only one"]])


def test_fields_line_up_and_empty_ones_are_left_out() -> None:
    assert fields({"name": "x", "notes": "", "licence": "y"}) == "name     x\nlicence  y"


def test_megabytes() -> None:
    assert megabytes(2_838_764) == "2.84 MB"

from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.errors import IntakeError
from brpnas.tables.findings import (
    check,
    error,
    quoted,
    refusal_text,
    row_word,
    rows_text,
    warning,
    warning_text,
)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([7], "line 7"),
        ([7, 9], "lines 7, 9"),
        ([1, 2, 3, 4, 5], "lines 1, 2, 3, 4, 5"),
        (list(range(2, 1302)), "lines 2, 3, 4, 5, 6 and 1,295 more (1,300 in all)"),
    ],
)
def test_first_rows_are_shown_and_all_counted(rows: list[int], text: str) -> None:
    assert rows_text(rows, "line") == text


@pytest.mark.parametrize(("name", "word"), [("a.csv", "line"), ("a.PARQUET", "row")])
def test_rows_are_called_after_the_kind_of_file(name: str, word: str) -> None:
    assert row_word(Path(name)) == word


def test_values_are_quoted_and_cut() -> None:
    assert quoted("a\nb") == "'a\\nb'"
    assert quoted("x" * 200).endswith("x' and 80 more characters")


def test_only_an_error_refuses() -> None:
    check(Path("a.csv"), [warning("odd", "x.")])
    with pytest.raises(IntakeError, match=r"a\.csv .* 1 problem") as caught:
        check(Path("a.csv"), [warning("odd", "x."), error("wrong", "y.", "z.")])
    assert [finding.kind for finding in caught.value.findings] == ["odd", "wrong"]


def test_a_path_cannot_add_lines_to_a_report() -> None:
    first, *_ = refusal_text(Path("a\nError: b.csv"), [error("x", "y.", "z.")]).splitlines()
    assert first.startswith("'a\\nError: b.csv' is refused")


def test_refusal_numbers_problems_and_tells_the_rest_below() -> None:
    findings = [
        warning("odd column", "'x'.", rows=()),
        error("negative latency", "it is -1.", "Remove it.", [3]),
        error("file name", "it is wrong.", "Rename it."),
    ]
    assert refusal_text(Path("in/board.csv"), findings).splitlines() == [
        "in/board.csv is refused and nothing was written: 2 problems.",
        "  1. negative latency, line 3: it is -1.",
        "     Remedy: Remove it.",
        "  2. file name: it is wrong.",
        "     Remedy: Rename it.",
        "Also noticed:",
        "  - odd column: 'x'.",
    ]


def test_one_problem_is_singular_and_without_warnings_there_is_no_rest() -> None:
    text = refusal_text(Path("b.parquet"), [error("x", "y.", "z.", [1, 2])])
    assert text.splitlines()[0].endswith("written: 1 problem.")
    assert "x, rows 1, 2: y." in text
    assert "Also" not in text


def test_warnings_are_points_with_remedies_where_there_is_one() -> None:
    assert warning_text([warning("a", "b.", "c.", [4]), warning("d", "e.")], "row") == [
        "  - a, row 4: b.",
        "    Remedy: c.",
        "  - d: e.",
    ]


def test_rows_are_plain_integers() -> None:
    import numpy as np  # noqa: PLC0415

    finding = error("a", "b", "c", np.array([3, 4]))
    assert finding.rows == (3, 4)
    assert all(type(row) is int for row in finding.rows)

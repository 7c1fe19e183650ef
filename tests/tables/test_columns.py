from __future__ import annotations

import re
import time
from collections.abc import Sequence

import pytest

from brpnas.devices.intake.columns import COLUMNS
from brpnas.tables import CELL, Finding, columns
from brpnas.tables.columns import guess_delimiter, looks_like_data


def match_columns(header: Sequence[str]) -> tuple[dict[str, int], list[Finding]]:
    return columns.match_columns(header, COLUMNS)


def test_known_columns_are_found_in_any_order() -> None:
    places, found = match_columns(["repeats", "latency_ms", "device", "arch_id", "std_ms"])
    assert places == {"arch_id": 3, "latency_ms": 1, "std_ms": 4, "repeats": 0, "device": 2}
    assert found == []


@pytest.mark.parametrize(
    "name", ["arch", "Architecture", "arch_str", "cell", "ARCH_ID", "arch id", "arhc_id", "index"]
)
def test_the_cell_by_another_name(name: str) -> None:
    places, (finding,) = match_columns([name, "latency_ms"])
    assert places == {"latency_ms": 1}
    assert finding.severity == "error"
    assert repr(name) in finding.message
    assert finding.remedy == "Rename the column to 'arch_id'."


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("latency", "Rename .*"),
        ("Latency (ms)", "Rename .*"),
        ("latency_msec", "Rename .*"),
        ("runtime", "Rename .*"),
        ("latncy_ms", "Rename .*"),
        ("latency_s", "Multiply .* 1,000 .*"),
        ("time [sec]", "Multiply .* 1,000 .*"),
        ("latency_us", "Divide .* 1,000 .*"),
        ("latency (µs)", "Divide .* 1,000 .*"),
        ("mean_ns", "Divide .* 1,000,000 .*"),
    ],
)
def test_the_latency_by_another_name_or_in_another_unit(name: str, remedy: str) -> None:
    _, (finding,) = match_columns(["arch_id", name])
    assert re.match(f"{remedy}'latency_ms'", finding.remedy)
    assert ("milliseconds" in finding.message) == (remedy != "Rename .*")


def test_both_may_be_missing() -> None:
    places, found = match_columns(["x", "y"])
    assert places == {}
    assert [finding.kind for finding in found] == ["missing column"] * 2 + ["unknown column"]
    assert "among 'x', 'y'" in found[0].message


def test_other_columns_are_flagged_with_what_may_be_meant() -> None:
    places, (finding,) = match_columns(["", "arch_id", "latency_ms", "std", "note", "latency"])
    assert set(places) == {"arch_id", "latency_ms"}
    assert finding.severity == "warning"
    assert "'' (" in finding.message
    assert re.search(r"'std' .*'std_ms'\?", finding.message)
    assert "'note'" in finding.message
    assert "'latency'" in finding.message


def test_each_double_column_is_told() -> None:
    _, found = match_columns(["arch_id", "latency_ms", "arch_id", "x", "x"])
    assert [f.message for f in found if f.kind == "duplicate column"] == [
        "the column 'arch_id' comes 2 times.",
        "the column 'x' comes 2 times.",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["arch_id;latency_ms"], "a semicolon"),
        (["Architecture;Latency (ms);n"], "a semicolon"),
        (["arch_id\tlatency_ms"], "a tab"),
        (["arch_id|latency_ms"], "a vertical bar"),
        (["arch_id   latency_ms"], "blanks"),
        (["arch_id", "latency_ms"], ""),
        (["arch_id"], ""),
        (["arch_id;accuracy"], ""),
        (["|none~0|+|none~0|none~1|"], ""),
    ],
)
def test_the_delimiter_is_guessed_from_the_header(line: list[str], words: str) -> None:
    assert guess_delimiter(line, COLUMNS) == words


@pytest.mark.parametrize(
    ("line", "is_data"),
    [
        (["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "x"], True),
        (["a", "4.31"], True),
        (["334131;4.31"], True),
        (["a", "1e-3"], True),
        (["arch_id", "latency_ms"], False),
        (["v2", "latency"], False),
    ],
)
def test_data_is_told_from_a_header(line: list[str], is_data: bool) -> None:
    assert looks_like_data(line) == is_data


def test_one_required_column_is_told_from_its_name_in_two_words() -> None:
    assert guess_delimiter(["arch id"], [CELL]) == ""
    assert guess_delimiter(["arch_id;note"], [CELL]) == "a semicolon"


def test_many_unknown_columns_are_matched_in_linear_time_and_counted() -> None:
    started = time.process_time()
    _, found = match_columns(["arch_id", "latency_ms", *(f"c{i}" for i in range(50_000))])
    assert time.process_time() - started < 5
    assert "and 49,990 more" in found[0].message
    assert len(found[0].message) < 1000

from __future__ import annotations

import math
import time

import pytest

from brpnas.tables.numbers import REMEDIES, read_number, read_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.31", 4.31),
        ("+4.31", 4.31),
        ("5", 5.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("1.5E+2", 150.0),
        ("0", 0.0),
        ("-0", 0.0),
        ("0007", 7.0),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert read_number(text) == (value, "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "missing"),
        *(
            (text, "NaN")
            for text in ("nan", "NaN", "NA", "N/A", "#N/A", "null", "None", "-", "<NA>")
        ),
        *((text, "infinite") for text in ("inf", "-Inf", "infinity", "1e999")),
        ("-4.2", "negative"),
        ("-1e-9", "negative"),
        *((text, "decimal comma in") for text in ("4,31", "1,234.5", "1,234,567", "-4,2")),
        *((text, "unit within") for text in ("5 ms", "5ms", "0.3s", "300 µs", "7 us")),
        *(
            (text, "text as")
            for text in ("fast", "1_000", "0x1F", "４.２", "1 234", "5 km", "1e", "e5")
        ),
        *((text, "text as") for text in ("4.2.1", "−4.2", "True")),
    ],
)
def test_what_is_no_number_is_named(text: str, wrong: str) -> None:
    value, found = read_number(text)
    assert math.isnan(value)
    assert found == wrong
    assert all(REMEDIES[found])


def test_long_text_is_no_number_at_once() -> None:
    started = time.process_time()
    assert read_number("1" * 2_000_000 + "x")[1] == "text as"
    assert time.process_time() - started < 1


def test_a_column_of_numbers() -> None:
    values, found = read_numbers("x", ["1", "", "a", "b", "2,5"], [2, 3, 4, 5, 6])
    assert values[0] == 1
    assert [(f.kind, f.rows) for f in found] == [
        ("missing x", (3,)),
        ("text as x", (4, 5)),
        ("decimal comma in x", (6,)),
    ]
    assert "'a', 'b'" in found[1].message
    assert read_numbers("x", [""], [2], may_miss=("missing",))[1] == []

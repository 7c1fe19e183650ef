from __future__ import annotations

import math

import pytest

from brpnas.tables.numbers import REMEDIES, read_number


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

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.report.format import (
    MISSING,
    as_float,
    correlation,
    milliseconds,
    percent,
    plain,
    points,
    signed_percent,
)


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, np.float32("nan")])
def test_missing_is_a_dash(missing: object) -> None:
    for write in (percent, points, milliseconds, correlation, signed_percent):
        assert write(missing) == MISSING
    assert as_float(missing) is None


def test_errors_have_a_sign() -> None:
    assert (signed_percent(0.0312), signed_percent(-0.0719)) == ("+3.1 %", "-7.2 %")


@pytest.mark.parametrize(
    ("fraction", "digits", "text"),
    [
        (0.7351, 2, "73.51 %"),
        (0.97123, 1, "97.1 %"),
        (1, 2, "100.00 %"),
        (0, 1, "0.0 %"),
        (-0.00001, 2, "0.00 %"),
        (np.float64(0.5), 2, "50.00 %"),
    ],
)
def test_percent(fraction: float, digits: int, text: str) -> None:
    assert percent(fraction, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.4171, "3.42 ms"),
        (0.003, "0.00300 ms"),
        (0.98765, "0.988 ms"),
        (12.345, "12.3 ms"),
        (1234.5, "1234 ms"),
        (0.0, "0 ms"),
        (float("inf"), "inf ms"),
    ],
)
def test_latency_has_three_digits_and_its_unit(value: float, text: str) -> None:
    assert milliseconds(value) == text


def test_points_and_correlation() -> None:
    assert points(0.00655) in ("0.65", "0.66")
    assert points(-1e-9) == "0.00"
    assert correlation(0.99312) == "0.993"


def test_a_text_is_not_a_number() -> None:
    with pytest.raises(TypeError, match="'fast'"):
        percent("fast")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (15625, "15,625"),
        (0.001, "0.001"),
        ([1, "a"], "1, a"),
        (None, MISSING),
        (float("nan"), MISSING),
        ("<b>", "<b>"),
    ],
)
def test_plain(value: object, text: str) -> None:
    assert plain(value) == text

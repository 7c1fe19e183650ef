from __future__ import annotations

import logging
from pathlib import Path

import pytest

from brpnas.errors import MeasurementError
from brpnas.measure.drift import REFERENCE, Drift, warn_of_drift
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201.cost import cost


def test_drift_is_relative_to_the_median() -> None:
    drift = Drift.of([2.0, 1.9, 2.5, 2.0, 2.02])
    assert (drift.references, drift.median_ms) == (5, 2.0)
    assert drift.max_drift == pytest.approx(0.25)
    assert drift.median_drift == pytest.approx(0.01)


def test_one_warning_over_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    drift = Drift.of([1.0, 1.0, 1.2])
    with caplog.at_level(logging.WARNING):
        assert not warn_of_drift(drift, 0.21, Path("m.jsonl"))
        assert not caplog.records
        assert warn_of_drift(drift, 0.1, Path("m.jsonl"))
    assert "up to 20 % (limit 10 %) around 1.000 ms" in caplog.text
    assert "delete m.jsonl" in caplog.text


def test_no_reference() -> None:
    with pytest.raises(MeasurementError):
        Drift.of([])


def test_the_reference_is_a_cell_of_middling_cost() -> None:
    space = NasBench201()
    flops = cost(space.codes(space.enumerate()))[1]
    (own,) = cost(space.codes([REFERENCE]))[1]
    assert 0.3 < (flops < own).mean() < 0.9

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from brpnas.errors import MeasurementError
from brpnas.measure.drift import REFERENCE, Drift, reference_cell, warn_of_drift
from brpnas.spaces import NasBench201, get_space
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


def test_each_space_has_its_reference() -> None:
    assert reference_cell("nasbench201") == REFERENCE
    space = get_space("darts")
    cell = reference_cell("darts")
    assert space.canonical(cell) == cell == reference_cell("darts")
    drawn = space.sample(np.random.default_rng(0), 25)
    flops = space.cost(drawn)[1]
    assert cell in drawn
    assert space.cost([cell])[1][0] == np.median(flops)


def test_without_costs_the_reference_is_the_first_of_a_few(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from brpnas.spaces import NasBench201, SearchSpace\n\n\n"
        "class Mine(NasBench201):\n    cost = SearchSpace.cost\n"
    )
    first = NasBench201().sample(np.random.default_rng(0), 25)[0]
    assert reference_cell(str(path)) == first

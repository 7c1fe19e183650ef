"""Ceilings and comparisons of searches, on tables small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.data import valid_runs
from benchmarks.figures import one_seed
from benchmarks.queries import _lead, _p_values, _samplers, ceilings, variants


def table() -> pd.DataFrame:
    """Three cells; validation ranks the second first with one of its two seeds only."""
    valid = {"a": [0.70, 0.72], "b": [0.60, 0.80], "c": [0.50]}
    test = {"a": 0.71, "b": 0.69, "c": 0.52}
    rows = [
        (cell, "valid", seed, value)
        for cell, values in valid.items()
        for seed, value in enumerate(values)
    ]
    rows += [(cell, "test", 0, value) for cell, value in test.items()]
    columns = ["arch_id", "split", "seed", "accuracy"]
    return pd.DataFrame(rows, columns=columns).assign(dataset="d", epochs=200)


def test_only_what_trains_on_a_random_set_has_no_prior() -> None:
    found = {name: task.get("config", {}).get("flops_prior") for name, task in variants().items()}
    without = {"evolution", "random", "brp, no prior", "brp, random training set"}
    assert {name for name, prior in found.items() if not prior} == without


def test_one_seed_draws_each_known_seed_equally_often() -> None:
    drawn = np.array(list(one_seed(valid_runs(table(), "d"), 2000)))
    assert set(np.round(drawn[:, 1], 2)) == {0.60, 0.80}
    assert (drawn[:, 1] > 0.7).mean() == pytest.approx(0.5, abs=0.05)
    assert (drawn[:, 2] == 0.50).all()


def test_ceilings_are_those_counted_by_hand() -> None:
    found = ceilings(table(), "d", draws=4000, best=1)
    assert found["optimum"] == [71.0, 0.0]
    assert found["mean, all cells"] == [71.0, 0.0]
    assert found["one seed, best 1"] == [71.0, 0.0]
    mean, deviation = found["one seed, all cells"]  # b is chosen half of the time
    assert mean == pytest.approx(70.0, abs=0.1)
    assert deviation == pytest.approx(1.0, abs=0.05)


def searches(seeds: int = 8, queries: int = 100) -> pd.DataFrame:
    """brp rises from .5, the others from lower, each seed a little higher than the last."""
    starts = {"brp": 0.5, "evolution": 0.49, "random": 0.3}
    return pd.DataFrame(
        [
            {"label": label, "budget": queries, "seed": seed, "seconds": 1.0, "repeated": 0,
             "chosen": curve, "seen": curve, "single": [None] * queries}
            for label, start in starts.items()
            for seed in range(seeds)
            for curve in [[start + 0.001 * query + 0.01 * seed for query in range(queries)]]
        ]
    )  # fmt: skip


def test_figures_are_mean_and_spread_in_percent() -> None:
    found = _samplers(searches(seeds=3))
    assert found["brp"]["20"]["chosen"] == [pytest.approx(52.9), pytest.approx(1.0)]
    assert found["brp"]["20"]["single"] is None
    assert list(found) == ["brp", "evolution", "random"]


def test_lead_and_p_are_paired_by_seed() -> None:
    rows = searches()
    assert _lead(rows) == {
        "evolution": {"chosen": 1.0, "seen": 1.0},
        "random": {"chosen": 20.0, "seen": 20.0},
    }
    found = _p_values(rows)
    assert found["evolution"]["60"] == pytest.approx(1 / 2**8, rel=0.05)  # all eight seeds ahead

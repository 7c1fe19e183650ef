"""Behaviour of an adapted predictor with more and more rows, on made-up, known devices."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from brpnas.graphs import SpaceGraphs
from brpnas.metrics import spearman
from brpnas.predictors import MeasuredRows
from brpnas.predictors.transfer import fit_device, suggest_rows
from brpnas.spaces.nasbench201.cell import to_string
from tests.predictors.toys import cells, codes, rows_of
from tests.predictors.transfer.toys import (
    NEW,
    QUICK,
    both,
    device_ms,
    everywhere,
    measured,
    prior,
    without_quirks,
)
from tests.seeds import first_of
from tests.spaces.nasbench201.slow import EDGE_ORDER, live_paths

COUNTS = (10, 20, 60, 200)
SEEDS = range(4)
TEST = rows_of(1000, seed=77)
CONV_3X3, POOL = 3, 4


@cache
def sample() -> SpaceGraphs:
    return SpaceGraphs("nasbench201", tuple(cells().arch_ids[row] for row in TEST), both(TEST))


@cache
def predicted(name: str, count: int, seed: int) -> npt.NDArray[np.float64]:
    return fit_device(cells(), measured(name, count, seed), prior(), QUICK).intervals(sample())


def mean_error(name: str, count: int) -> float:
    true = device_ms(name)[TEST]
    return float(
        np.mean([np.abs(np.log(predicted(name, count, s)[:, 0] / true)).mean() for s in SEEDS])
    )


def mean_width(name: str, count: int) -> float:
    latencies = [predicted(name, count, seed) for seed in SEEDS]
    return float(np.mean([np.median(np.log(x[:, 2] / x[:, 1])) for x in latencies]))


@pytest.mark.parametrize("name", first_of(NEW))
def test_more_rows_are_never_much_worse(name: str) -> None:
    errors = [mean_error(name, count) for count in COUNTS]
    for fewer, more in pairwise(errors):
        assert more < 1.1 * fewer
    assert errors[-1] < 0.4 * errors[0]


@pytest.mark.parametrize("name", first_of(NEW))
def test_more_rows_give_narrower_intervals(name: str) -> None:
    widths = [mean_width(name, count) for count in COUNTS]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.6 * widths[0]


@pytest.mark.parametrize("name", first_of(NEW))
def test_intervals_hold_the_better_the_more_rows(name: str) -> None:
    """Four known devices teach too much confidence in few rows; the rows themselves correct it."""
    true = device_ms(name)[TEST]
    for count, least in zip(COUNTS, (0.5, 0.65, 0.75, 0.8), strict=True):
        held = [
            ((x[:, 1] <= true) & (true <= x[:, 2])).mean()
            for x in (predicted(name, count, seed) for seed in SEEDS)
        ]
        assert np.mean(held) > least, count


@pytest.mark.parametrize("name", first_of(NEW))
def test_wide_intervals_are_where_errors_are(name: str) -> None:
    """The half of the cells with the narrower intervals has the smaller errors, on average."""
    true, narrow, wide = device_ms(name)[TEST], [], []
    for seed in SEEDS:
        latency, lower, upper = predicted(name, 20, seed).T
        width, error = np.log(upper / lower), np.abs(np.log(latency / true))
        narrow.append(error[width <= np.median(width)].mean())
        wide.append(error[width > np.median(width)].mean())
    assert np.mean(narrow) < np.mean(wide)


def test_suggested_rows_are_not_worse_than_random_ones() -> None:
    rows = suggest_rows(everywhere(), 15)
    for name in NEW:
        true = device_ms(name)
        found = fit_device(cells(), MeasuredRows(rows, true[rows]), prior(), QUICK)
        error = np.abs(np.log(found.predict(sample()) / true[TEST])).mean()
        by_chance = [
            np.abs(np.log(predicted(name, 15, seed)[:, 0] / true[TEST])).mean() for seed in SEEDS
        ]
        assert error < 1.1 * np.mean(by_chance)


@pytest.mark.parametrize("view", ["raw", "pruned"])
def test_an_operation_is_charged_where_the_device_executes_it(view: str) -> None:
    """A dead convolution costs on a device that runs every operation, and on no other."""
    changed, whole = [], []
    for cell in codes()[TEST].tolist():
        alive = {EDGE_ORDER.index(edge) for path in live_paths(tuple(cell)) for edge in path}
        for edge, code in enumerate(cell):
            if code == POOL and edge not in alive:
                whole.append(to_string(cell))
                changed.append(to_string([*cell[:edge], CONV_3X3, *cell[edge + 1 :]]))
    assert len(changed) > 100
    found = fit_device(cells(), without_quirks(view, 80), prior(), QUICK)
    latency = found.predict(cells())
    ratio = latency[cells().rows(changed)] / latency[cells().rows(whole)]
    if view == "raw":
        assert (ratio > 1.05).mean() > 0.9
    else:
        assert np.median(np.abs(ratio - 1)) < 0.03


def test_ranks_devices_that_resemble_no_known_one() -> None:
    """Latency of a device with costs of its own and none of what the known ones share."""
    for view in ("raw", "pruned"):
        rows = without_quirks(view, 60)
        found = fit_device(cells(), rows, prior(), QUICK)
        truth = without_quirks(view, 2000, seed=5)
        assert spearman(found.predict(cells())[truth.rows], truth.values) > 0.97

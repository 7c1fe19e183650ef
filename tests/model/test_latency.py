"""Behaviour of a trained latency predictor on made-up devices with known latencies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from brpnas.graphs import View
from brpnas.metrics import mape, spearman
from brpnas.predictors import MetricPredictor, TrainingConfig, fit_metric
from brpnas.predictors.baselines import EdgeLinearBaseline
from brpnas.spaces.nasbench201.cell import to_string
from tests.predictors.toys import cells, codes, compiled_ms, eager_ms, split
from tests.spaces.nasbench201.slow import EDGE_ORDER, live_paths

CONFIG = TrainingConfig(
    hidden=16, layers=4, epochs=60, batch_size=16, learning_rate=5e-3, patience=60
)
NONE, SKIP, CONV_3X3, POOL = 0, 1, 3, 4
DEVICES = {"raw": eager_ms, "pruned": compiled_ms}
SWAP_INNER_NODES = [1, 0, 2, 3, 5, 4]  # of the cell, where nothing leads from one to the other


def trained_on(view: View, seed: int = 0) -> MetricPredictor:
    train, valid, _ = split(150, 50, device=DEVICES[view])
    return fit_metric(cells(), train, valid, CONFIG, view=view, members=1, seed=seed)


@pytest.fixture(scope="module")
def pruned() -> MetricPredictor:
    return trained_on("pruned")


@pytest.fixture(scope="module")
def raw() -> MetricPredictor:
    return trained_on("raw")


def rows(changed: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Rows of cells given by their codes."""
    return cells().rows([to_string(cell) for cell in changed.tolist()])


def live_edges(cell: Sequence[int]) -> list[int]:
    paths = live_paths(tuple(cell))
    return sorted({EDGE_ORDER.index(edge) for path in paths for edge in path})


def with_edge_changed(
    held_out: npt.NDArray[np.int64], before: int, after: int, *, live: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Cells with one edge of operation ``before``, and the same cells with ``after`` there."""
    old, new = [], []
    for row in held_out:
        cell = codes()[row].tolist()
        alive = live_edges(cell)
        for edge, code in enumerate(cell):
            if code == before and (edge in alive) == live:
                old.append(cell)
                new.append([*cell[:edge], after, *cell[edge + 1 :]])
    return rows(np.array(old)), rows(np.array(new))


@pytest.mark.parametrize("view", ["pruned", "raw"])
def test_ranks_cells_it_has_not_seen(view: str, request: pytest.FixtureRequest) -> None:
    predictor = request.getfixturevalue(view)
    _, _, test = split(150, 50)
    true, predicted = DEVICES[view](test), predictor.predict(cells())[test]
    assert spearman(predicted, true) > 0.9
    assert mape(predicted, true) < 0.15


@pytest.mark.parametrize("view", ["pruned", "raw"])
def test_a_convolution_takes_longer_than_the_pooling_it_replaces(
    view: str, request: pytest.FixtureRequest
) -> None:
    predicted = request.getfixturevalue(view).predict(cells())
    _, _, test = split(150, 50)
    pool, convolution = with_edge_changed(test, POOL, CONV_3X3, live=True)
    assert len(pool) > 300
    assert (predicted[convolution] > predicted[pool]).mean() > 0.95


def test_dead_operations_are_free_in_the_pruned_view(pruned: MetricPredictor) -> None:
    _, _, test = split(150, 50)
    pool, convolution = with_edge_changed(test, POOL, CONV_3X3, live=False)
    assert len(pool) > 30
    predicted = pruned.predict(cells())
    np.testing.assert_array_equal(predicted[convolution], predicted[pool])


def test_dead_operations_cost_in_the_raw_view(raw: MetricPredictor) -> None:
    _, _, test = split(150, 50)
    pool, convolution = with_edge_changed(test, POOL, CONV_3X3, live=False)
    predicted = raw.predict(cells())
    assert (predicted[convolution] > predicted[pool]).mean() > 0.95


def test_relabelled_cells_are_the_same_in_the_pruned_view(pruned: MetricPredictor) -> None:
    unordered = codes()[codes()[:, 2] == NONE]
    swapped = unordered[:, SWAP_INNER_NODES]
    assert (unordered != swapped).any(axis=1).mean() > 0.9
    predicted = pruned.predict(cells())
    np.testing.assert_allclose(predicted[rows(swapped)], predicted[rows(unordered)], rtol=1e-5)


def test_latency_is_positive_everywhere_and_near_what_was_measured(
    pruned: MetricPredictor, raw: MetricPredictor
) -> None:
    everything = np.arange(len(cells()))
    for view, predictor in (("pruned", pruned), ("raw", raw)):
        predicted, true = predictor.predict(cells()), DEVICES[view](everything)
        assert predicted.min() > true.min() / 2
        assert predicted.max() < true.max() * 2


def test_beats_the_sum_over_edges_where_dead_code_is_removed(pruned: MetricPredictor) -> None:
    train, _, test = split(150, 50, device=compiled_ms)
    batch = cells().view("raw")
    linear = EdgeLinearBaseline.fit(batch[train.rows], train.values).predict(batch)
    predicted = pruned.predict(cells())
    assert mape(predicted[test], compiled_ms(test)) < 0.8 * mape(linear[test], compiled_ms(test))


def test_a_slower_device_is_predicted_slower(raw: MetricPredictor) -> None:
    train, valid, _ = split(150, 50, device=lambda rows: 3 * eager_ms(rows))
    slower = fit_metric(cells(), train, valid, CONFIG, view="raw", members=1)
    ratio = slower.predict(cells()) / raw.predict(cells())
    assert np.median(ratio) == pytest.approx(3, rel=0.05)
    assert (ratio > 2).all()

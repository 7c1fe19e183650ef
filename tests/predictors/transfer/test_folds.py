"""Networks by folds: every row is predicted by a network trained without it."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.graphs import GraphBatch
from brpnas.predictors import TrainingConfig, training_pool
from brpnas.predictors.ensemble import GraphEnsemble
from brpnas.predictors.training import train_network
from brpnas.predictors.transfer import folds
from brpnas.predictors.transfer.folds import fit_folds
from tests.predictors.toys import TINY, cells, eager_ms, rows_of

ROWS = rows_of(30)
LOG = np.log(eager_ms(ROWS))


def graphs(view: str = "raw") -> GraphBatch:
    return cells().view(view)[ROWS]


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list:
    """Tasks of all trainings from now on."""
    found: list = []
    train = folds.train_members

    def noted(given, *args, **kwargs):
        found.extend(given)
        return train(given, *args, **kwargs)

    monkeypatch.setattr(folds, "train_members", noted)
    return found


def test_every_row_is_left_out_once_and_judged_by_that_network(tasks: list) -> None:
    found = fit_folds(graphs(), LOG, TINY, 4)
    assert len(tasks) == 4
    seen = np.zeros((4, len(ROWS)), bool)
    for f, task in enumerate(tasks):
        for ops, target in zip(task.train.graphs.ops, task.train.targets, strict=True):
            (row,) = np.flatnonzero((graphs().ops == ops).all(axis=1))
            seen[f, row] = True
            assert target * found.scale + found.location == pytest.approx(LOG[row])
    assert (seen.sum(axis=0) == 3).all()
    assert sorted(seen.sum(axis=1)) == [22, 22, 23, 23]
    for f, task in enumerate(tasks):
        alone = GraphEnsemble.of([train_network(task)], TINY, 9)
        left = np.flatnonzero(~seen[f])
        expected = alone.outputs(graphs()[left]) * found.scale + found.location
        np.testing.assert_allclose(found.left_out[left], expected, rtol=1e-6)


def test_the_first_network_is_judged_before_the_others_are_trained(tasks: list) -> None:
    every = fit_folds(graphs(), LOG, TINY, 4)
    del tasks[:]
    asked = []

    def pays(rows: np.ndarray, predicted: np.ndarray) -> bool:
        asked.append((rows, predicted, len(tasks)))
        return len(asked) > 1

    assert fit_folds(graphs(), LOG, TINY, 4, pays=pays) is None
    assert len(tasks) == 1
    rows, predicted, trained = asked[0]
    assert trained == 1
    np.testing.assert_array_equal(predicted, every.left_out[rows])
    learnt = {tuple(ops) for ops in tasks[0].train.graphs.ops}
    assert not learnt & {tuple(ops) for ops in graphs().ops[rows]}
    assert len(rows) + len(tasks[0].train.targets) == len(ROWS)
    again = fit_folds(graphs(), LOG, TINY, 4, pays=pays)
    np.testing.assert_array_equal(again.left_out, every.left_out)


def test_nothing_is_chosen_by_the_fold_left_out(tasks: list) -> None:
    fit_folds(graphs(), LOG, TINY, 3)
    assert all(task.valid is None for task in tasks)
    assert len({task.seed for task in tasks}) == 3


def test_a_label_does_not_leak_to_its_own_row() -> None:
    """One absurd latency, known only to the networks that do not judge its row."""
    odd = LOG.copy()
    odd[7] += 20
    config = TrainingConfig(hidden=16, layers=2, epochs=40, batch_size=8, learning_rate=1e-2)
    found = fit_folds(graphs(), odd, config, 3)
    assert found.left_out[7] < odd[7] - 15
    everywhere = found.ensemble.outputs(graphs()) * found.scale + found.location
    assert everywhere[7] > found.left_out[7]


def test_the_mean_of_the_networks_is_the_predictor(tasks: list) -> None:
    found = fit_folds(graphs(), LOG, TINY, 3)
    each = [GraphEnsemble.of([train_network(t)], TINY, 9).outputs(graphs()) for t in tasks]
    np.testing.assert_allclose(
        found.ensemble.outputs(graphs()), np.mean(each, axis=0), rtol=1e-5, atol=1e-6
    )
    assert found.location == pytest.approx(LOG.mean())
    assert found.scale == pytest.approx(LOG.std())


def test_learns_from_enough_rows() -> None:
    rows = rows_of(150, seed=3)
    config = TrainingConfig(hidden=16, layers=3, epochs=20, batch_size=16, learning_rate=1e-2)
    log = np.log(eager_ms(rows))
    found = fit_folds(cells().view("raw")[rows], log, config, 3)
    assert np.abs(found.left_out - log).mean() < 0.5 * np.abs(log - log.mean()).mean()


@pytest.mark.slow
def test_a_pool_changes_nothing() -> None:
    alone = fit_folds(graphs(), LOG, TINY, 3)
    with training_pool(2) as pool:
        together = fit_folds(graphs(), LOG, TINY, 3, pool=pool)
    np.testing.assert_array_equal(together.left_out, alone.left_out)
    np.testing.assert_array_equal(
        together.ensemble.outputs(graphs()), alone.ensemble.outputs(graphs())
    )


def test_the_seed_decides() -> None:
    first = fit_folds(graphs(), LOG, TINY, 3).left_out
    np.testing.assert_array_equal(fit_folds(graphs(), LOG, TINY, 3).left_out, first)
    assert (fit_folds(graphs(), LOG, TINY, 3, seed=1).left_out != first).any()


def test_latencies_that_are_all_the_same() -> None:
    found = fit_folds(graphs(), np.full(len(ROWS), 0.7), TINY, 3)
    np.testing.assert_allclose(found.left_out, 0.7, atol=1e-4)
    assert found.scale > 0


def test_more_folds_than_rows_leave_out_one_each() -> None:
    few = graphs()[np.arange(3)]
    found = fit_folds(few, LOG[:3], TINY, 5)
    assert found.left_out.shape == (3,)
    assert np.isfinite(found.left_out).all()

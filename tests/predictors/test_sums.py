"""The sum over operations, and the share of the output that it takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from brpnas.graphs import BLANK, GraphBatch
from brpnas.predictors.sums import OperationSum, best_share, fit_sum, networks_pay
from brpnas.predictors.tensors import to_tensors
from brpnas.spaces import get_space

RNG = np.random.default_rng(0)
SPACE = get_space("fbnet")
GRAPHS = SPACE.encode(SPACE.sample(RNG, 400), "pruned")
WEIGHTS = RNG.uniform(0.1, 1.0, GRAPHS.num_ops)
WEIGHTS[BLANK] = 0
EXACT = WEIGHTS[GRAPHS.ops].sum(axis=1)


def test_an_additive_latency_is_found() -> None:
    found = fit_sum(GRAPHS[:300], EXACT[:300])
    np.testing.assert_allclose(found.outputs(GRAPHS[300:]), EXACT[300:], rtol=0.01)


def test_noise_costs_little_where_rows_are_few() -> None:
    noisy = EXACT + RNG.normal(0, EXACT.std(), len(EXACT))
    few = fit_sum(GRAPHS[:60], noisy[:60]).outputs(GRAPHS[300:])
    error = np.abs(few - EXACT[300:]).mean()
    assert error < 1.1 * np.abs(noisy[:60].mean() - EXACT[300:]).mean()


def test_blank_nodes_cost_nothing() -> None:
    found = fit_sum(GRAPHS, EXACT)
    padding = np.zeros((len(GRAPHS), 3), GRAPHS.ops.dtype)
    ops = np.concatenate([GRAPHS.ops, padding], axis=1)
    adj = np.zeros((*ops.shape, ops.shape[1]), np.int8)
    padded = GraphBatch(ops, adj, GRAPHS.num_ops)
    np.testing.assert_array_equal(found.outputs(padded), found.outputs(GRAPHS))


def test_torch_and_numpy_agree() -> None:
    found = fit_sum(GRAPHS, EXACT)
    ops, _ = to_tensors(GRAPHS)
    np.testing.assert_allclose(found(ops).numpy(), found.outputs(GRAPHS), rtol=1e-5)


def test_equal_targets_are_a_constant() -> None:
    np.testing.assert_allclose(fit_sum(GRAPHS, np.full(len(GRAPHS), 2.0)).outputs(GRAPHS), 2.0)


def test_tensors_are_read_back() -> None:
    found = fit_sum(GRAPHS, EXACT)
    same = OperationSum.of_tensors(found.state_dict(), GRAPHS.num_ops)
    np.testing.assert_array_equal(same.outputs(GRAPHS), found.outputs(GRAPHS))


@pytest.mark.parametrize(
    "tensors",
    [{}, {"weights": torch.zeros(3)}, {"weights": torch.zeros(4), "constant": torch.zeros(())}],
)
def test_wrong_tensors_are_refused(tensors: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="shapes"):
        OperationSum.of_tensors(tensors, 3)


def test_the_better_model_has_the_greater_share() -> None:
    targets = RNG.normal(size=200)
    good, bad = (targets + RNG.normal(0, noise, 200) for noise in (0.1, 1.0))
    assert best_share(good, bad, targets) == 0
    assert best_share(bad, good, targets) >= 0.8
    assert 0.2 <= best_share(good, targets + RNG.normal(0, 0.1, 200), targets) <= 0.8


def test_networks_pay_if_they_lower_the_error_of_the_sum() -> None:
    targets = RNG.normal(size=200)
    good, bad = (targets + RNG.normal(0, noise, 200) for noise in (0.1, 1.0))
    assert networks_pay(good, bad, targets)
    assert not networks_pay(bad, good, targets)

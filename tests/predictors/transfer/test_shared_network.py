"""The network of all devices: its training rows, its results, and unchanged inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from brpnas.errors import ConfigurationError
from brpnas.metrics import spearman
from brpnas.predictors.transfer import SharedNetworkConfig
from brpnas.predictors.transfer.features import both_views
from brpnas.predictors.transfer.shared_network import SharedNetwork, train_shared_network
from tests.predictors.toys import compiled_ms, eager_ms, rows_of
from tests.predictors.transfer.toys import both

CONFIG = SharedNetworkConfig(hidden=16, layers=2, epochs=15, batch_size=64, learning_rate=1e-2)
TINY = SharedNetworkConfig(hidden=4, layers=1, epochs=2, batch_size=16)
ROWS = rows_of(1500)
TRAIN, TEST = np.arange(1000), np.arange(1000, 1500)


def standard(latency: np.ndarray) -> np.ndarray:
    log = np.log(latency)
    return np.asarray((log - log.mean()) / log.std())


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """An eager device and a compiled one."""
    return np.column_stack([standard(eager_ms(ROWS)), standard(compiled_ms(ROWS))])


@pytest.fixture(scope="module")
def inputs() -> tuple[Tensor, ...]:
    return both_views(both(ROWS))


def small(inputs: tuple[Tensor, ...], count: int = 40) -> list[Tensor]:
    return [x[:count] for x in inputs]


def targets(count: int = 40, devices: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, devices))


def said(network: SharedNetwork, inputs: tuple[Tensor, ...] | list[Tensor]) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(network(*inputs).numpy())


@pytest.fixture(scope="module")
def learnt(inputs: tuple[Tensor, ...], truth: np.ndarray) -> tuple[SharedNetwork, list[float]]:
    """Learnt from 1,000 cells: the eager device measured all, the other every second one."""
    known = truth[TRAIN].copy()
    known[::2, 1] = np.nan
    return train_shared_network([x[TRAIN] for x in inputs], known, 9, CONFIG)


@pytest.mark.parametrize("device", [0, 1])
def test_learns_every_device_in_its_own_view(
    learnt: tuple[SharedNetwork, list[float]],
    inputs: tuple[Tensor, ...],
    truth: np.ndarray,
    device: int,
) -> None:
    network, _ = learnt
    predicted = said(network, inputs)[TEST, device]
    assert spearman(predicted, truth[TEST, device]) > 0.95
    assert np.abs(predicted - truth[TEST, device]).mean() < 0.25
    assert spearman(predicted, truth[TEST, 1 - device]) < 0.9


def test_loss_falls(learnt: tuple[SharedNetwork, list[float]]) -> None:
    network, losses = learnt
    assert len(losses) == CONFIG.epochs
    assert losses[-1] < 0.3 * losses[0]
    assert not network.training


def test_answers_are_one_number_a_device(inputs: tuple[Tensor, ...]) -> None:
    network, losses = train_shared_network(small(inputs), targets(devices=3), 9, TINY)
    assert said(network, small(inputs, 7)).shape == (7, 3)
    assert len(losses) == 2
    np.testing.assert_allclose(
        said(network, small(inputs, 1)), said(network, small(inputs))[:1], rtol=1e-4, atol=1e-6
    )


def test_the_first_loss_is_the_mean_error_of_measured_latencies(inputs: tuple[Tensor, ...]) -> None:
    """With one step an epoch, the first loss is that of the network before any step."""
    known = targets()
    known[5:, 1] = np.nan
    config = replace(TINY, batch_size=64, epochs=1)
    _, losses = train_shared_network(small(inputs), known, 9, config, seed=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        fresh = SharedNetwork(9, 2, config)
    error = np.abs(said(fresh, small(inputs)) - known)
    assert losses == pytest.approx([np.nanmean(error)], rel=1e-5)


def test_values_that_are_missing_are_not_looked_at(inputs: tuple[Tensor, ...]) -> None:
    known, others = targets(), targets()
    known[10:20, 0], others[10:20, 0] = np.nan, np.inf
    first, losses = train_shared_network(small(inputs), known, 9, TINY)
    second, same = train_shared_network(small(inputs), others, 9, TINY)
    assert losses == same
    np.testing.assert_array_equal(said(first, small(inputs)), said(second, small(inputs)))
    third, _ = train_shared_network(small(inputs), targets(), 9, TINY)
    assert (said(first, small(inputs)) != said(third, small(inputs))).any()


def test_cells_without_a_measurement_are_never_drawn(
    inputs: tuple[Tensor, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each measured one is, equally often up to one."""
    known = np.full((40, 2), np.nan)
    known[[3, 8, 20], 0], known[[8, 31], 1] = 1.0, 2.0
    seen: list[int] = []
    forward = SharedNetwork.forward

    def noted(self: SharedNetwork, ops: Tensor, *others: Tensor) -> Tensor:
        seen.extend(ops[:, 0].tolist())
        return forward(self, torch.ones_like(ops), *others)

    monkeypatch.setattr(SharedNetwork, "forward", noted)
    marked = small(inputs)
    marked[0] = torch.arange(40)[:, None].expand(marked[0].shape)
    _, losses = train_shared_network(marked, known, 9, TINY)
    assert len(losses) == TINY.epochs
    assert set(seen) == {3, 8, 20, 31}
    counts = np.unique(seen, return_counts=True)[1]
    assert counts.sum() == TINY.epochs * 40
    assert counts.max() - counts.min() <= TINY.epochs


def test_nothing_measured_is_refused(inputs: tuple[Tensor, ...]) -> None:
    with pytest.raises(ConfigurationError, match="measured"):
        train_shared_network(small(inputs), np.full((40, 2), np.nan), 9, TINY)


def test_both_views_count(inputs: tuple[Tensor, ...]) -> None:
    network, _ = train_shared_network(small(inputs), targets(), 9, TINY)
    other = small(inputs)[::1]
    mixed_pruned = [other[0].roll(1, 0), other[1].roll(1, 0), *other[2:]]
    mixed_raw = [*other[:2], other[2].roll(1, 0), other[3].roll(1, 0)]
    expected = said(network, other)
    assert (said(network, mixed_pruned) != expected).any()
    assert (said(network, mixed_raw) != expected).any()
    # The views add up: the change by both is the sum of the changes by each.
    mixed = said(network, [x.roll(1, 0) for x in other])
    apart = said(network, mixed_pruned) + said(network, mixed_raw) - expected
    np.testing.assert_allclose(mixed, apart, rtol=1e-4, atol=1e-5)


def test_the_seed_decides(inputs: tuple[Tensor, ...]) -> None:
    def answers(seed: int) -> np.ndarray:
        network, _ = train_shared_network(small(inputs), targets(), 9, TINY, seed=seed)
        return said(network, small(inputs))

    first = answers(0)
    torch.manual_seed(123)
    np.testing.assert_array_equal(answers(0), first)
    assert (answers(1) != first).any()


def test_the_random_state_of_the_process_is_left_alone(inputs: tuple[Tensor, ...]) -> None:
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    threads = torch.get_num_threads()
    train_shared_network(small(inputs), targets(), 9, TINY)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("epochs", [1, 2, 3, 10, 20])
def test_any_number_of_steps_is_allowed(inputs: tuple[Tensor, ...], epochs: int) -> None:
    """Ten steps once divided by zero in the schedule of the learning rate."""
    config = replace(TINY, epochs=epochs, batch_size=64)
    _, losses = train_shared_network(small(inputs, 8), targets(8), 9, config)
    assert len(losses) == epochs
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("name", ["hidden", "layers", "epochs", "batch_size", "learning_rate"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_setting_that_is_not_positive_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} .* {value}\."):
        replace(TINY, **{name: value})

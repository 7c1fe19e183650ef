from __future__ import annotations

import contextlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.predictors.backbones import build_network
from brpnas.predictors.tensors import to_tensors
from brpnas.predictors.training import (
    Labelled,
    Loss,
    TrainedNetwork,
    TrainingConfig,
    TrainingTask,
    absolute_error,
    pairwise_logistic,
    single_thread,
    train_network,
)
from tests.predictors.test_optimiser import torch_pair
from tests.predictors.toys import TINY, eager_ms, random_labels, rows_of, some
from tests.seeds import first_of


def labelled(count: int = 48, seed: int = 0) -> Labelled:
    """Random raw cells and their standardised eager latency, learnable by a network."""
    latency = eager_ms(rows_of(count, seed))
    return Labelled(some("raw", count, seed), (latency - latency.mean()) / latency.std())


def noise(count: int = 48, seed: int = 5) -> Labelled:
    return Labelled(some("raw", count, seed), random_labels(count, seed))


def loss_of(trained: TrainedNetwork, config: TrainingConfig, rows: Labelled) -> float:
    """Loss of returned weights, recomputed from nothing."""
    network = build_network(config.backbone, 9, config.hidden, config.layers, config.dropout)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in trained.weights.items()})
    ops, adj = to_tensors(rows.graphs)
    target = torch.tensor(rows.targets, dtype=torch.float32)
    with torch.no_grad():
        return float((network.eval()(ops, adj) - target).abs().mean())


def same_weights(a: TrainedNetwork, b: TrainedNetwork) -> bool:
    assert list(a.weights) == list(b.weights)
    return all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)


def test_absolute_error() -> None:
    output, target = torch.tensor([1.0, -2.0, 3.0]), torch.tensor([1.5, 2.0, 3.0])
    assert float(absolute_error(output, target)[0]) == pytest.approx(1.5)


@pytest.mark.parametrize("ties", [False, True])
def test_pairwise_logistic_is_the_double_loop(ties: bool) -> None:
    scores = torch.tensor(random_labels(12, 1), requires_grad=True)
    target = torch.tensor(random_labels(12, 2))
    if ties:
        target = target.round()
        assert len(target.unique()) < 12
    losses = [
        -torch.log(1 / (1 + torch.exp(-(scores[a] - scores[b]))))
        for a in range(12)
        for b in range(12)
        if target[a] > target[b]
    ]
    slow = torch.stack(losses).mean()
    loss, slope = pairwise_logistic(scores.detach(), target)
    torch.testing.assert_close(loss, slow.detach())
    torch.testing.assert_close(slope, torch.autograd.grad(slow, scores)[0])


@pytest.mark.parametrize("loss", [absolute_error, pairwise_logistic])
def test_the_slope_of_a_loss_is_its_derivative(loss: Loss) -> None:
    output, target = torch.tensor(random_labels(9, 1)), torch.tensor(random_labels(9, 2))
    output.requires_grad_()
    value, slope = loss(output, target)
    torch.testing.assert_close(slope, torch.autograd.grad(value, output)[0])


def test_pairwise_logistic_sees_differences_only() -> None:
    scores, target = torch.tensor(random_labels(9, 1)), torch.tensor(random_labels(9, 2))
    torch.testing.assert_close(
        pairwise_logistic(scores + 3, target), pairwise_logistic(scores, target)
    )
    near, far = pairwise_logistic(10 * target, target)[0], pairwise_logistic(-target, target)[0]
    assert near < 0.3 < far


@pytest.mark.parametrize("target", [[1.0], [2.0, 2.0, 2.0]])
def test_pairwise_logistic_without_a_pair_is_zero_and_flat(target: list[float]) -> None:
    loss, slope = pairwise_logistic(torch.tensor(target), torch.tensor(target))
    assert loss == 0
    assert slope.shape == (len(target),)
    assert not slope.any()


def test_pairwise_logistic_of_far_scores_is_finite() -> None:
    scores, target = torch.tensor([1e4, -1e4]), torch.tensor([0.0, 1.0])
    loss, slope = pairwise_logistic(scores, target)
    assert float(loss) == pytest.approx(2e4)
    assert slope.tolist() == [1, -1]
    assert float(pairwise_logistic(-scores, target)[0]) == 0


def plain_training(task: TrainingTask) -> tuple[dict[str, torch.Tensor], list[float]]:
    """The same training by autograd on the module, with the optimiser and schedule of torch."""
    config, total = task.config, 0.0
    torch.manual_seed(task.seed)
    ops, adj, target = task.train.tensors()
    net = build_network(config.backbone, 9, config.hidden, config.layers, config.dropout)
    steps = config.epochs * math.ceil(len(target) / config.batch_size)
    optimiser, schedule = torch_pair(net, config.learning_rate, config.weight_decay, steps)
    losses = []
    for _ in range(config.epochs):
        total = 0.0
        for rows in torch.split(torch.randperm(len(target)), config.batch_size):
            loss = (net(ops[rows], adj[rows]) - target[rows]).abs().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
        losses.append(total / len(target))
    return net.state_dict(), losses


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("backbone", ["gcn", "gin", "gat"])
def test_training_is_that_of_plain_torch(backbone: str, dropout: float) -> None:
    config = replace(TINY, backbone=backbone, dropout=dropout, epochs=5)
    task = TrainingTask(labelled(40), config, absolute_error, 3)
    trained = train_network(task)
    weights, losses = plain_training(task)
    np.testing.assert_allclose(trained.train_loss, losses, rtol=1e-4)
    found = {name: torch.from_numpy(value) for name, value in trained.weights.items()}
    torch.testing.assert_close(found, dict(weights), rtol=1e-3, atol=1e-4)


def test_it_learns() -> None:
    config, rows = replace(TINY, hidden=16, epochs=20, learning_rate=5e-3), labelled(80)
    trained = train_network(TrainingTask(rows, config, absolute_error, 0))
    assert trained.train_loss[-1] < trained.train_loss[0] / 2
    assert loss_of(trained, config, rows) < 0.4  # the mean alone gives about 0.8


def test_it_can_learn_a_ranking() -> None:
    config = replace(TINY, hidden=16, epochs=20, learning_rate=5e-3)
    trained = train_network(TrainingTask(labelled(80), config, pairwise_logistic, 0))
    assert trained.train_loss[-1] < 0.35 < math.log(2) * 0.8 < trained.train_loss[0]


@pytest.mark.parametrize("seed", first_of(range(3)))
def test_the_weights_are_those_of_the_best_epoch(seed: int) -> None:
    config = replace(TINY, epochs=15, patience=15, learning_rate=0.05)
    valid = noise()
    trained = train_network(TrainingTask(labelled(), config, absolute_error, seed, valid))
    assert len(trained.train_loss) == len(trained.valid_loss) == 15
    assert trained.best_epoch == int(np.argmin(trained.valid_loss)) < 14
    assert trained.valid_loss[-1] > min(trained.valid_loss)
    assert loss_of(trained, config, valid) == min(trained.valid_loss)


def test_the_weights_are_those_of_the_best_epoch_after_early_stopping_too() -> None:
    config = replace(TINY, epochs=30, patience=2, learning_rate=0.05)
    valid = noise()
    trained = train_network(TrainingTask(labelled(), config, absolute_error, 0, valid))
    assert len(trained.valid_loss) == trained.best_epoch + 1 + 2 < 30
    assert loss_of(trained, config, valid) == min(trained.valid_loss)


@pytest.mark.parametrize("patience", [1, 3, 6])
def test_it_stops_when_patience_is_over(patience: int) -> None:
    rows = some("raw", 32)
    up, down = Labelled(rows, np.full(32, 5.0)), Labelled(rows, np.full(32, -5.0))
    config = replace(TINY, epochs=12, patience=patience)
    trained = train_network(TrainingTask(up, config, absolute_error, 0, down))
    assert trained.valid_loss == sorted(trained.valid_loss)  # worse with every epoch
    assert trained.best_epoch == 0
    assert len(trained.valid_loss) == len(trained.train_loss) == 1 + patience


def test_it_does_not_stop_while_it_gets_better() -> None:
    config = replace(TINY, epochs=12, patience=1)
    rows = Labelled(some("raw", 32), np.full(32, 5.0))
    trained = train_network(TrainingTask(rows, config, absolute_error, 0, rows))
    assert len(trained.valid_loss) == 12
    assert trained.best_epoch == 11


def test_without_validation_rows_it_runs_to_the_end() -> None:
    config = replace(TINY, epochs=6, patience=1)
    trained = train_network(TrainingTask(labelled(), config, absolute_error, 0))
    assert len(trained.train_loss) == 6
    assert trained.valid_loss == []
    assert trained.best_epoch == 5


def test_validation_rows_do_not_change_what_is_learnt() -> None:
    config, rows = replace(TINY, epochs=6, dropout=0.2), Labelled(some("raw", 32), np.full(32, 5.0))
    alone = train_network(TrainingTask(rows, config, absolute_error, 0))
    watched = train_network(TrainingTask(rows, config, absolute_error, 0, rows))
    assert watched.train_loss == alone.train_loss
    assert watched.best_epoch == 5
    assert same_weights(watched, alone)


@pytest.mark.parametrize("backbone", ["gcn", "gin", "gat"])
def test_the_seed_decides_everything(backbone: str) -> None:
    config = replace(TINY, backbone=backbone, epochs=2, dropout=0.1)
    task = TrainingTask(labelled(), config, absolute_error, 3)
    torch.manual_seed(1)
    first = train_network(task)
    torch.manual_seed(2)
    second = train_network(task)
    assert same_weights(first, second)
    assert first.train_loss == second.train_loss
    other = train_network(replace(task, seed=4))
    assert not same_weights(first, other)


def test_the_state_of_the_process_is_left_alone() -> None:
    torch.manual_seed(7)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train_network(TrainingTask(labelled(), TINY, absolute_error, 0, noise()))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_the_arrays_are_left_alone() -> None:
    rows = labelled()
    before = rows.graphs.ops.copy(), rows.targets.copy()
    train_network(TrainingTask(rows, TINY, absolute_error, 0))
    np.testing.assert_array_equal(rows.graphs.ops, before[0])
    np.testing.assert_array_equal(rows.targets, before[1])


def test_single_thread_restores_the_threads_after_an_error() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        inside = 0
        with contextlib.suppress(ZeroDivisionError), single_thread():
            inside = torch.get_num_threads()
            raise ZeroDivisionError
        assert inside == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("epochs", [1, 2, 3, 9, 10, 11])
def test_any_number_of_steps_can_be_scheduled(epochs: int) -> None:
    task = TrainingTask(labelled(16), replace(TINY, epochs=epochs), absolute_error, 0)
    assert len(train_network(task).train_loss) == epochs


@pytest.mark.parametrize("count", [1, 15, 16, 17])
def test_any_number_of_rows_can_be_learnt_from(count: int) -> None:
    for loss in (absolute_error, pairwise_logistic):
        task = TrainingTask(labelled(count) if count > 1 else noise(1), TINY, loss, 0)
        assert np.isfinite(train_network(task).train_loss).all()


def test_a_training_that_diverges_says_so() -> None:
    config = replace(TINY, learning_rate=1e30)
    with pytest.raises(ConfigurationError, match="learning_rate"):
        train_network(TrainingTask(labelled(), config, absolute_error, 0, labelled()))


def test_unknown_backbone_suggests_one() -> None:
    config = replace(TINY, backbone="gcm")
    with pytest.raises(UnknownNameError, match=r"'gcm'.* 'gcn'\?"):
        train_network(TrainingTask(labelled(), config, absolute_error, 0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": 0},
        {"layers": 0},
        {"epochs": -1},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"patience": 0},
        {"dropout": 1.0},
        {"dropout": -0.1},
    ],
)
def test_settings_that_cannot_be_name_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        TrainingConfig(**wrong)  # type: ignore[arg-type]


def test_targets_must_be_as_many_as_graphs() -> None:
    with pytest.raises(ConfigurationError, match=r"24 graphs .* 23 targets"):
        Labelled(some("raw"), np.zeros(23))


@pytest.mark.parametrize("seed", [-1, 2**63, 10**30])
def test_a_seed_that_torch_does_not_take_is_refused(seed: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"seed .* 0 .* 2\^63, not {seed}\b"):
        TrainingTask(labelled(4), TINY, absolute_error, seed)

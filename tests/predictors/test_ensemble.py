from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.graphs import GraphBatch, SpaceGraphs
from brpnas.predictors import ensemble as module
from brpnas.predictors.ensemble import GraphEnsemble, train_members, training_pool
from brpnas.predictors.tensors import GraphTensors, to_tensors
from brpnas.predictors.training import Labelled, TrainingTask, absolute_error, pairwise_logistic
from tests.predictors.toys import TINY, cells, random_labels, some


def tasks(count: int, **settings: object) -> list[TrainingTask]:
    config = replace(TINY, epochs=2, **settings)  # type: ignore[arg-type]
    rows = Labelled(some("pruned", 32), random_labels(32))
    losses = absolute_error, pairwise_logistic
    return [TrainingTask(rows, config, losses[i % 2], seed=i, valid=rows) for i in range(count)]


@pytest.fixture(scope="module")
def three() -> GraphEnsemble:
    made = tasks(3)
    return GraphEnsemble.of(train_members(made), made[0].config, 9)


def test_members_come_in_the_order_of_their_tasks() -> None:
    made = tasks(3)
    together = train_members(made)
    for task, trained in zip(made, together, strict=True):
        (alone,) = train_members([task])
        assert alone.train_loss == trained.train_loss
        for name, value in alone.weights.items():
            np.testing.assert_array_equal(trained.weights[name], value)
    assert len({tuple(trained.train_loss) for trained in together}) == 3


def test_two_processes_give_what_one_gives_and_pass_on_errors() -> None:
    made = tasks(3, dropout=0.1)
    here = train_members(made)
    before = torch.get_rng_state()
    with training_pool(2) as pool:
        assert pool is not None
        there = train_members(made, pool)
        with pytest.raises(UnknownNameError, match=r"'gatt'.* 'gat'\?"):
            train_members(tasks(2, backbone="gatt"), pool)
    assert torch.equal(torch.get_rng_state(), before)
    for ours, theirs in zip(here, there, strict=True):
        assert (ours.train_loss, ours.valid_loss) == (theirs.train_loss, theirs.valid_loss)
        assert ours.best_epoch == theirs.best_epoch
        for name, value in ours.weights.items():
            np.testing.assert_array_equal(theirs.weights[name], value)


def test_one_worker_needs_no_process() -> None:
    with training_pool(1) as pool:
        assert pool is None


@pytest.mark.parametrize("workers", [0, -1])
def test_workers_must_be_positive(workers: int) -> None:
    with pytest.raises(ConfigurationError, match=f"not {workers}"), training_pool(workers):
        pytest.fail("should not be entered")


def test_no_tasks_no_networks() -> None:
    assert train_members([]) == []


def test_progress_is_shown_only_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    train_members(tasks(1))
    assert capsys.readouterr() == ("", "")
    train_members(tasks(1), progress=True)
    shown = capsys.readouterr()
    assert "network" in shown.err
    assert not shown.out


def test_the_ensemble_is_the_mean_of_its_members(three: GraphEnsemble) -> None:
    ops, adj = to_tensors(some("pruned"))
    with torch.no_grad():
        outputs = [member(ops, adj) for member in three.members]
        assert (outputs[0] - outputs[1]).abs().max() > 1e-3
        torch.testing.assert_close(three(ops, adj), sum(outputs) / 3)
        np.testing.assert_allclose(three.outputs(some("pruned")), sum(outputs) / 3, rtol=1e-6)


def test_the_ensemble_holds_the_trained_weights_and_its_own_copies() -> None:
    made = tasks(2)
    trained = train_members(made)
    ensemble = GraphEnsemble.of(trained, made[0].config, 9)
    before = ensemble.outputs(some("pruned"))
    for network, member in zip(trained, ensemble.members, strict=True):
        for name, value in member.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), network.weights[name])
            network.weights[name][...] = 0
    np.testing.assert_array_equal(ensemble.outputs(some("pruned")), before)


def test_outputs_of_more_graphs_than_a_chunk(
    three: GraphEnsemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = some("pruned", 30)
    whole = three.outputs(batch)
    assert (whole.shape, whole.dtype) == ((30,), np.float64)
    for chunk in (1, 7, 15, 29):
        monkeypatch.setattr(module, "_CHUNK", chunk)
        np.testing.assert_allclose(three.outputs(batch), whole, rtol=1e-5, atol=1e-6)


def test_outputs_of_mapped_graphs_take_no_more_than_a_chunk(
    three: GraphEnsemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[int] = []

    def watched(batch: GraphBatch) -> GraphTensors:
        converted.append(len(batch))
        return to_tensors(batch)

    monkeypatch.setattr(module, "to_tensors", watched)
    monkeypatch.setattr(module, "_CHUNK", 300)
    monkeypatch.setattr("brpnas.graphs._LARGE", 1)
    cells().save(tmp_path / "graphs.npz")
    mapped = SpaceGraphs.load(tmp_path / "graphs.npz").view("raw")[:1000]
    np.testing.assert_array_equal(three.outputs(mapped), three.outputs(cells().view("raw")[:1000]))
    assert converted == [300, 300, 300, 100] * 2
    assert three.outputs(mapped[:0]).shape == (0,)


def test_outputs_need_no_gradient_and_leave_modules_usable(three: GraphEnsemble) -> None:
    three.outputs(some("pruned"))
    ops, adj = to_tensors(some("pruned"))
    three(ops, adj).sum().backward()
    assert three.members[0].head.weight.grad is not None


def test_an_ensemble_of_trained_networks_is_ready_to_predict(three: GraphEnsemble) -> None:
    assert not three.training
    assert not any(part.training for part in three.modules())

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch

from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.graphs import GraphBatch
from brpnas.predictors import (
    MeasuredRows,
    MetricPredictor,
    PairwiseRanker,
    TrainingConfig,
    fit_metric,
)
from brpnas.predictors.metric import _best_shift, choose_view
from brpnas.predictors.tensors import to_tensors
from brpnas.predictors.training import train_network
from brpnas.spaces import get_space
from brpnas.testing import PredictorContract
from tests.predictors.toys import TINY, cells, compiled_ms, eager_ms, rows_of, some, split

TRAIN, VALID, REST = split(60, 20)


def fit(**settings: Any) -> MetricPredictor:
    given: dict[str, Any] = {"view": "raw", "members": 1, **settings}
    config = given.pop("config", TINY)
    return fit_metric(
        cells(), given.pop("train", TRAIN), given.pop("valid", VALID), config, **given
    )


class TestLatencyPredictor(PredictorContract):
    kind: ClassVar[type[Any]] = MetricPredictor
    other_kind: ClassVar[type[Any]] = PairwiseRanker

    def make(self, seed: int = 0, config: TrainingConfig = TINY, members: int = 2) -> Any:
        return fit(view="pruned", seed=seed, config=config, members=members)

    def answers(self, predictor: Any, batch: GraphBatch) -> npt.NDArray[np.float64]:
        answers: npt.NDArray[np.float64] = predictor.predict_batch(batch)
        return answers


@pytest.mark.parametrize("bound", [None, 0.1])
def test_predictions_are_ms(bound: float | None) -> None:
    predictor = fit(members=3, bound=bound)
    batch = cells().view("raw")[REST]
    ops, adj = to_tensors(batch)
    with torch.no_grad():
        outputs = sum(m(ops, adj).double().numpy() for m in predictor.ensemble.members) / 3
    assert predictor.sum is not None
    outputs = (1 - predictor.share) * outputs + predictor.share * predictor.sum.outputs(batch)
    expected = np.exp(outputs * predictor.scale + predictor.location)
    np.testing.assert_allclose(predictor.predict_batch(batch), expected, rtol=1e-5)
    np.testing.assert_allclose(predictor.predict(cells())[REST], expected, rtol=1e-5)
    assert abs(np.median(expected) / np.median(eager_ms(REST)) - 1) < 0.3


def test_scale_is_that_of_the_training_rows_alone() -> None:
    predictor = fit(bound=None)
    logs = np.log(TRAIN.values)
    assert predictor.location == pytest.approx(logs.mean())
    assert predictor.scale == pytest.approx(logs.std())
    other = replace(VALID, values=VALID.values * 9)
    assert fit(bound=None, valid=other).location == predictor.location


def test_the_unit_of_the_table_is_the_unit_of_the_prediction() -> None:
    in_us = [replace(part, values=part.values * 1000) for part in (TRAIN, VALID)]
    thousandfold = fit(train=in_us[0], valid=in_us[1]).predict(cells())
    np.testing.assert_allclose(thousandfold, 1000 * fit().predict(cells()), rtol=1e-3)


def test_the_bound_scales_all_predictions_by_one_factor() -> None:
    plain, scaled = fit(bound=None).predict(cells()), fit(bound=0.2).predict(cells())
    factors = scaled / plain
    np.testing.assert_allclose(factors, factors[0], rtol=1e-9)
    assert abs(np.log(factors[0])) <= 0.1 + 1e-12


def test_the_factor_follows_the_known_rows() -> None:
    predictor = fit(bound=None)
    predicted = predictor.predict(cells())
    known = np.concatenate([TRAIN.rows, VALID.rows])
    true = np.concatenate([TRAIN.values, VALID.values])
    shift = _best_shift(np.log(predicted[known] / true), 0.1)
    assert fit(bound=0.1).location == pytest.approx(predictor.location + shift)


def hits(log_ratio: npt.NDArray[np.float64], shift: float, bound: float = 0.1) -> float:
    return float((np.abs(np.expm1(log_ratio + shift)) <= bound).mean())


@pytest.mark.parametrize("sign", [-1, 1])
def test_shift_brings_a_skewed_majority_inside(sign: int) -> None:
    rng = np.random.default_rng(0)
    ratio = np.concatenate([rng.normal(0.12, 0.01, 70), rng.normal(0.0, 0.01, 30)])
    ratio *= sign
    shift = _best_shift(ratio, 0.1)
    assert np.sign(shift) == -sign
    assert hits(ratio, 0.0) < 0.5
    assert hits(ratio, shift) > 0.95


def test_shift_of_a_long_tail_is_near_the_best_there_is() -> None:
    rng = np.random.default_rng(1)
    ratio = rng.normal(0, 0.02, 2000) - rng.exponential(0.08, 2000)  # slow outliers
    ratio -= np.median(ratio)
    shift = _best_shift(ratio, 0.1)
    best = max(hits(ratio, s) for s in np.linspace(-0.05, 0.05, 101))
    assert hits(ratio, shift) >= best - 0.01
    assert hits(ratio, shift) > max(hits(ratio, 0.0), hits(ratio, -float(ratio.mean())))


def test_shift_of_symmetric_errors_is_none() -> None:
    noise = np.random.default_rng(2).normal(0, 0.05, 500)
    assert abs(_best_shift(np.concatenate([noise, -noise]), 0.1)) <= 0.01
    assert abs(_best_shift(np.zeros(20), 0.1)) <= 0.01


def test_shift_ignores_the_hopeless() -> None:
    ratio = np.concatenate([np.full(50, 0.11), np.full(30, 1.5), np.full(30, -1.5)])
    assert hits(ratio, _best_shift(ratio, 0.1)) == pytest.approx(50 / 110)


@pytest.mark.parametrize("bound", [0.01, 0.1, 0.5])
def test_shift_is_at_most_half_the_bound(bound: float) -> None:
    for centre in (-0.3, 0.3):
        ratio = np.random.default_rng(3).normal(centre, 0.05, 100)
        assert abs(_best_shift(ratio, bound)) <= bound / 2 + 1e-12


def test_shift_of_predictions_far_off_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _best_shift(np.full(10, 3.0), 0.1)


@pytest.mark.parametrize("view", ["raw", "pruned"])
def test_auto_finds_the_view_of_the_device(view: str) -> None:
    device = {"raw": eager_ms, "pruned": compiled_ms}[view]
    train, valid, _ = split(150, 50, device=device)
    config = replace(TINY, hidden=16, epochs=30, learning_rate=5e-3, patience=30)
    assert fit(view="auto", train=train, valid=valid, config=config).view == view


def test_auto_is_the_chosen_view() -> None:
    auto = fit(view="auto")
    again = fit(view=auto.view)
    np.testing.assert_array_equal(auto.predict(cells()), again.predict(cells()))


def test_choose_view_takes_the_smaller_loss_and_pruned_on_a_tie() -> None:
    assert choose_view({"pruned": 0.2, "raw": 0.1}) == "raw"
    assert choose_view({"pruned": 0.1, "raw": 0.2}) == "pruned"
    assert choose_view({"raw": 0.1, "pruned": 0.1}) == "pruned"


def test_views_give_different_predictors() -> None:
    assert fit(view="raw").view == "raw"
    pruned = fit(view="pruned")
    assert pruned.view == "pruned"
    np.testing.assert_array_equal(
        pruned.predict(cells()), pruned.predict_batch(cells().view("pruned"))
    )


def test_weights_are_chosen_on_the_validation_rows() -> None:
    config = replace(TINY, epochs=12, patience=12, learning_rate=0.05)
    predictor = replace(fit(config=config, bound=None), sum=None)
    predicted = predictor.predict(cells())[VALID.rows]
    loss = np.abs(np.log(predicted / VALID.values)).mean() / predictor.scale
    assert loss == pytest.approx(predictor.history["valid_loss"].min(), rel=1e-4)


def test_history_has_a_row_for_every_member_and_epoch() -> None:
    history = fit(members=2).history
    assert history.columns.tolist() == ["member", "epoch", "train_loss", "valid_loss"]
    assert history["member"].tolist() == [0] * 4 + [1] * 4
    assert history["epoch"].tolist() == [0, 1, 2, 3] * 2
    first, second = (part["train_loss"].tolist() for _, part in history.groupby("member"))
    assert first != second


def test_seeds_of_members_never_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def spy(task: Any) -> Any:
        seeds.append(task.seed)
        return train_network(task)

    monkeypatch.setattr("brpnas.predictors.ensemble.train_network", spy)
    for seed in range(3):
        fit(members=3, seed=seed, config=replace(TINY, epochs=1))
    assert len(set(seeds)) == len(seeds) == 9


def test_equal_latencies_are_predicted_as_such() -> None:
    train, valid = (replace(part, values=np.full(len(part.rows), 2.0)) for part in (TRAIN, VALID))
    predicted = fit(train=train, valid=valid, bound=None).predict(cells())
    np.testing.assert_allclose(predicted, 2.0, rtol=1e-4)


def test_rows_must_not_overlap() -> None:
    rows = np.concatenate([VALID.rows[:-1], TRAIN.rows[:1]])
    with pytest.raises(ConfigurationError, match="overlap"):
        fit(valid=replace(VALID, rows=rows))


@pytest.mark.parametrize("part", ["train", "valid"])
def test_rows_must_be_there(part: str) -> None:
    nothing = MeasuredRows(np.empty(0, np.int64), np.empty(0))
    with pytest.raises(
        ConfigurationError, match=f"not {0 if part == 'train' else len(TRAIN.rows)} and "
    ):
        fit(**{part: nothing})


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_latencies_must_be_positive_and_finite(wrong: float) -> None:
    with pytest.raises(SchemaError, match=rf" {wrong:g} .*row 1\b"):
        MeasuredRows(rows_of(3), np.array([1.0, wrong, 2.0]))


def test_every_row_needs_a_value() -> None:
    with pytest.raises(ConfigurationError, match="3 rows but 2 measured values"):
        MeasuredRows(rows_of(3), np.ones(2))


def test_unknown_view_suggests_one() -> None:
    with pytest.raises(UnknownNameError, match=r"'prune'.* 'pruned'\?"):
        fit(view="prune")


@pytest.mark.parametrize(
    "wrong",
    [{"members": 0}, {"bound": 0.0}, {"bound": -0.1}],
    ids=str,
)
def test_settings_that_cannot_be_name_themselves(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        fit(**wrong)


def test_predictions_are_the_same_for_part_of_the_space() -> None:
    predictor = fit()
    batch = some("raw", 40)
    np.testing.assert_allclose(
        predictor.predict_batch(batch), predictor.predict(cells())[rows_of(40)], rtol=1e-5
    )


def test_a_gain_that_may_be_chance_does_not_shift() -> None:
    steady = np.full(95, 0.02)
    assert _best_shift(np.concatenate([steady, np.full(2, 0.11)]), 0.1) == 0.0
    assert _best_shift(np.concatenate([steady, np.full(5, 0.11)]), 0.1) < 0.0


@pytest.mark.parametrize("share", [0.35, 1.0])
def test_the_sum_takes_its_share_of_the_output(share: float, tmp_path: Path) -> None:
    predictor = replace(fit(bound=None), share=share)
    assert predictor.sum is not None
    batch = cells().view(predictor.view)[REST]
    networks, sums = predictor.ensemble.outputs(batch), predictor.sum.outputs(batch)
    expected = (1 - share) * networks + share * sums
    np.testing.assert_allclose(predictor.outputs(batch), expected)
    with torch.no_grad():
        answered = predictor.module()(*to_tensors(batch)).numpy()
    np.testing.assert_allclose(answered, predictor.predict_batch(batch), rtol=1e-4)
    predictor.save(tmp_path / "predictor.safetensors")
    read = MetricPredictor.load(tmp_path / "predictor.safetensors")
    np.testing.assert_allclose(read.predict_batch(batch), predictor.predict_batch(batch))
    assert read.digest() == predictor.digest() != replace(predictor, sum=None).digest()


def test_an_additive_latency_needs_no_more_networks() -> None:
    space, rng = get_space("fbnet"), np.random.default_rng(0)
    graphs = space.graphs(space.sample(rng, 400))
    ops = graphs.view("pruned").ops
    values = rng.uniform(0.1, 1.0, ops.max() + 1)[ops].sum(axis=1)
    rows = np.split(np.arange(400), [250, 300])
    parts = [MeasuredRows(part, values[part]) for part in rows]
    found = fit_metric(graphs, *parts[:2], TINY, members=2, bound=None)
    assert (found.share, len(found.ensemble.members)) == (1.0, 1)
    wrong = np.abs(found.predict(graphs)[rows[2]] / values[rows[2]] - 1)
    assert np.median(wrong) < 0.02

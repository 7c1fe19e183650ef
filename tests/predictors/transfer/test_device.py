"""A new device from few rows: its error, view, method and intervals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import torch

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.graphs import DEVICE_VIEWS, SpaceGraphs, View
from brpnas.metrics import spearman
from brpnas.predictors import MeasuredRows, TrainingConfig, training_pool
from brpnas.predictors.transfer import (
    AdaptConfig,
    DevicePredictor,
    device,
    fit_device,
    folds,
)
from brpnas.predictors.transfer import (
    predictor as device_predictor,
)
from brpnas.predictors.transfer.calibration import calibrate
from brpnas.predictors.transfer.features import both_views
from brpnas.predictors.transfer.kernel import (
    DeviceRows,
    Hyperparameters,
    adapt_hyperparameters,
    condition,
)
from brpnas.predictors.transfer.known import KnownLatency
from brpnas.predictors.transfer.prior import PriorFeatures
from tests.predictors.toys import cells, rows_of
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

TEST = rows_of(1500, seed=77)
NETWORKS = replace(QUICK, network_rows=60)
METHODS = ["adapted", "graph alone", "network", "adapted + network"]


@cache
def sample() -> SpaceGraphs:
    """The cells of `TEST`, a space of its own."""
    return SpaceGraphs("nasbench201", tuple(cells().arch_ids[row] for row in TEST), both(TEST))


@cache
def adapted(name: str, count: int = 20, seed: int = 0) -> DevicePredictor:
    return fit_device(cells(), measured(name, count, seed), prior(), QUICK)


def errors(predictor: DevicePredictor, name: str) -> npt.NDArray[np.float64]:
    """Errors of the logarithm of latency; only a handful of the rows are training rows."""
    return np.asarray(np.log(predictor.intervals(sample())[:, 0] / device_ms(name)[TEST]))


def log_predictions(predictor: DevicePredictor) -> npt.NDArray[np.float64]:
    return np.log(predictor.intervals(sample()))


def own_device(view: View, count: int, seed: int = 0, noise: float = 0.01) -> MeasuredRows:
    """Rows of a device unlike all known ones: pooling costs more than convolutions."""
    costs = np.array([0.3, 1.5, 0.1, 0.05, 1.2])
    rows = rows_of(count, seed)
    ops = cells().view(view).ops[rows]
    sums = 1 + sum(costs[k] * (ops == 4 + k).sum(axis=1) for k in range(5))
    return MeasuredRows(rows, sums * np.exp(noise * np.random.default_rng(seed).normal(size=count)))


class TestAccuracy:
    @pytest.mark.parametrize("name", first_of(NEW))
    @pytest.mark.parametrize("seed", first_of(range(2)))
    def test_twenty_rows_rank_a_device(self, name: str, seed: int) -> None:
        predictor = adapted(name, seed=seed)
        predicted = predictor.intervals(sample())[:, 0]
        assert spearman(predicted, device_ms(name)[TEST]) > 0.96
        assert np.abs(errors(predictor, name)).mean() < 0.08

    @pytest.mark.parametrize("name", first_of(NEW))
    @pytest.mark.parametrize("seed", first_of(range(2)))
    def test_known_devices_are_worth_much(self, name: str, seed: int) -> None:
        alone = prior().without(prior().devices)
        scratch = fit_device(cells(), measured(name, 20, seed), alone, QUICK)
        with_them = np.abs(errors(adapted(name, seed=seed), name)).mean()
        assert with_them < 0.7 * np.abs(errors(scratch, name)).mean()

    def test_a_slower_device_is_predicted_slower_by_as_much(self) -> None:
        rows = measured("eager-new", 20)
        slow = fit_device(cells(), MeasuredRows(rows.rows, 10 * rows.values), prior(), QUICK)
        np.testing.assert_allclose(
            slow.intervals(sample()), 10 * adapted("eager-new").intervals(sample()), rtol=1e-4
        )

    def test_of_a_device_that_does_not_vary(self) -> None:
        rows = rows_of(20)
        flat = fit_device(cells(), MeasuredRows(rows, np.full(20, 2.5)), prior(), QUICK)
        np.testing.assert_allclose(flat.intervals(sample()), 2.5, rtol=0.03)


class TestView:
    @pytest.mark.parametrize("view", DEVICE_VIEWS)
    @pytest.mark.parametrize("seed", first_of(range(3)))
    @pytest.mark.parametrize("count", [60, 150])
    def test_is_what_the_device_executes(self, view: View, count: int, seed: int) -> None:
        rows = without_quirks(view, count, seed)
        assert fit_device(cells(), rows, prior(), QUICK).view == view

    @pytest.mark.parametrize(
        ("view", "seed", "share"),
        [("pruned", 1, 0.06), ("pruned", 1, 0.12), ("raw", 4, 0.03), ("raw", 4, 0.06)],
    )
    def test_outliers_do_not_decide(self, view: View, seed: int, share: float) -> None:
        """A left-out error is decided by them, and evidence without more noise prefers raw."""
        rows, rng = without_quirks(view, 60, seed), np.random.default_rng(seed)
        slow = rng.choice([0.0, 2.0], p=[1 - share, share], size=60)
        values = rows.values * np.exp(slow + 0.05 * rng.normal(size=60))
        found = fit_device(cells(), MeasuredRows(rows.rows, values), prior(), QUICK, seed=seed)
        assert found.view == view

    @pytest.mark.parametrize("name", NEW)
    def test_is_seen_through_what_no_graph_shows(self, name: str) -> None:
        assert adapted(name, 60).view == NEW[name][0]


class TestIntervals:
    @pytest.mark.parametrize("name", NEW)
    def test_hold_the_prediction_and_are_positive(self, name: str) -> None:
        latency, lower, upper = adapted(name).intervals(sample()).T
        assert (lower > 0).all()
        assert (lower < latency).all()
        assert (latency < upper).all()

    @pytest.mark.parametrize("name", first_of(NEW))
    @pytest.mark.parametrize(("count", "least"), [(20, 0.65), (60, 0.78), (120, 0.8)])
    def test_cover_about_what_they_promise(self, name: str, count: int, least: float) -> None:
        """Here less than 0.9, as four known devices teach too much confidence in few rows."""
        covered = []
        for seed in range(3):
            _, lower, upper = adapted(name, count, seed).intervals(sample()).T
            true = device_ms(name)[TEST]
            covered.append(((lower <= true) & (true <= upper)).mean())
        assert least < np.mean(covered) < 0.98

    def test_more_coverage_is_wider(self) -> None:
        rows, widths = measured("eager-new", 40), []
        for coverage in (0.5, 0.9, 0.99):
            config = replace(QUICK, coverage=coverage)
            found = fit_device(cells(), rows, prior(), config)
            assert found.coverage == coverage
            _, lower, upper = log_predictions(found).T
            widths.append((upper - lower).mean())
        assert widths == sorted(widths)
        assert widths[2] > 1.5 * widths[0]

    def test_are_wider_where_less_is_known(self) -> None:
        _, lower, upper = np.log(adapted("eager-new", 60).intervals(cells())).T
        seen = measured("eager-new", 60).rows
        assert (upper - lower)[seen].mean() < 0.8 * (upper - lower).mean()


class TestInside:
    """The whole fit again, of its parts."""

    def test_an_adapted_predictor_is_the_process_over_the_features(self) -> None:
        rows = own_device("raw", 20)
        target = torch.from_numpy(np.log(rows.values))
        task = DeviceRows([x[rows.rows] for x in everywhere()], target)
        hyperparameters = adapt_hyperparameters(
            prior().hyperparameters,
            task,
            hyperparameter_deviation=QUICK.hyperparameter_deviation,
            steps=QUICK.steps,
        )
        process = condition(hyperparameters, task)
        mean, variance = process.predict([x[TEST] for x in everywhere()])
        error = (process.left_out - target).numpy()
        deviation = process.left_out_variance.sqrt().numpy()
        width = calibrate(error, deviation, 0.9) * variance.sqrt()
        expected = torch.stack([mean, mean - width, mean + width], dim=1).numpy()
        found = fit_device(cells(), rows, prior(), QUICK)
        assert (found.method, found.features.like) == ("adapted", None)
        assert found.errors["adapted"] == pytest.approx(np.abs(error).mean(), rel=1e-3)
        np.testing.assert_allclose(log_predictions(found), expected, atol=2e-3)

    def test_module_says_the_same_as_predict(self) -> None:
        predictor = adapted("eager-new")
        module, inputs = predictor.module(), both_views(sample().views)
        assert not module.training
        with torch.inference_mode():
            outputs = module(*(x[:50] for x in inputs))
            alone = [module(*(x[i : i + 1] for x in inputs)) for i in range(5)]
        assert [(x.shape, x.dtype) for x in outputs] == [((50,), torch.float32)] * 3
        expected = predictor.intervals(sample())
        assert expected.dtype == np.float64
        np.testing.assert_allclose(torch.stack(outputs, 1).numpy(), expected[:50], rtol=1e-5)
        singles = np.array([[float(x) for x in row] for row in alone])
        np.testing.assert_allclose(singles, expected[:5], rtol=1e-5)

    def test_chunks_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = adapted("eager-new").intervals(sample())
        monkeypatch.setattr(device_predictor, "_CHUNK", 700)
        np.testing.assert_allclose(adapted("eager-new").intervals(sample()), found, rtol=1e-5)

    def test_no_cells_no_answers(self) -> None:
        empty = SpaceGraphs("nasbench201", (), both(rows_of(0)))
        assert adapted("eager-new").intervals(empty).shape == (0, 3)

    def test_rows_kept_and_tuned_on_are_limited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tuned = []

        def noted(hyperparameters, task, **options):
            tuned.append((len(task.target), options))
            return adapt_hyperparameters(hyperparameters, task, **options)

        monkeypatch.setattr(device, "adapt_hyperparameters", noted)
        config = replace(
            QUICK, process_rows=30, tuning_rows=12, steps=3, hyperparameter_deviation=0.5
        )
        found = fit_device(cells(), measured("eager-new", 50), prior(), config)
        assert tuned == [(12, {"hyperparameter_deviation": 0.5, "steps": 3})]
        assert {len(x) for x in found.posterior.features} == {30}
        assert found.rows == 50


class TestDeterminism:
    def test_same_seed_same_predictor(self) -> None:
        config = replace(NETWORKS, process_rows=40, tuning_rows=30)

        def answers(seed: int) -> npt.NDArray[np.float64]:
            rows = measured("eager-new", 70)
            return fit_device(cells(), rows, prior(), config, seed=seed).intervals(sample())

        first = answers(0)
        torch.manual_seed(5)
        state, threads = torch.get_rng_state(), torch.get_num_threads()
        np.testing.assert_array_equal(answers(0), first)
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_num_threads() == threads
        assert (answers(1) != first).any()

    def test_the_order_of_rows_hardly_matters(self) -> None:
        rows = measured("eager-new", 20)
        turned = MeasuredRows(rows.rows[::-1].copy(), rows.values[::-1].copy())
        found = fit_device(cells(), turned, prior(), QUICK)
        np.testing.assert_allclose(
            found.intervals(sample()), adapted("eager-new").intervals(sample()), rtol=1e-3
        )

    @pytest.mark.slow
    def test_a_pool_changes_nothing(self) -> None:
        rows = measured("eager-new", 70)
        alone = fit_device(cells(), rows, prior(), NETWORKS)
        with training_pool(2) as pool:
            together = fit_device(cells(), rows, prior(), NETWORKS, pool=pool)
        assert together.errors == alone.errors

    def test_the_prior_is_left_alone(self) -> None:
        before = {name: x.clone() for name, x in prior().hyperparameters.tensors().items()}
        fit_device(cells(), measured("eager-new", 10), prior(), QUICK)
        assert all(
            torch.equal(before[name], x) for name, x in prior().hyperparameters.tensors().items()
        )


def twin_ms(name: str, noise: float = 0.005) -> npt.NDArray[np.float64]:
    """A device three times as slow as a known one, otherwise equal, with some noise."""
    apart = np.random.default_rng(0).normal(size=len(cells()))
    return np.asarray(3 * device_ms(name) * np.exp(noise * apart))


class TestTwins:
    @pytest.mark.parametrize("column", [0, 2])
    @pytest.mark.parametrize(("count", "seed"), [(10, 0), (20, 1), (60, 2)])
    def test_a_device_that_resembles_a_known_one_follows_it(
        self, column: int, count: int, seed: int
    ) -> None:
        name = prior().devices[column]
        latency, rows = twin_ms(name), rows_of(count, seed=5)
        found = fit_device(cells(), MeasuredRows(rows, latency[rows]), prior(), QUICK, seed=seed)
        assert found.features.like == column
        assert found.method == "adapted"
        assert np.abs(np.log(found.intervals(sample())[:, 0] / latency[TEST])).mean() < 0.02

    def test_it_is_named_among_the_devices_that_are_left(self) -> None:
        latency, rows = twin_ms("compiled-a"), rows_of(20, seed=5)
        fewer = prior().without({"eager-b"})
        found = fit_device(cells(), MeasuredRows(rows, latency[rows]), fewer, QUICK)
        assert found.features.like == 1
        assert found.features.columns == [0, 2, 3]
        assert found.known == ("eager-a", "compiled-a", "compiled-b")
        without = fewer.without({"compiled-a"})
        alone = fit_device(cells(), MeasuredRows(rows, latency[rows]), without, QUICK)
        assert alone.known == ("eager-a", "compiled-b")
        errors = [
            np.abs(np.log(x.intervals(sample())[:, 0] / latency[TEST])).mean()
            for x in (found, alone)
        ]
        assert errors[0] < 0.5 * errors[1]

    @pytest.mark.parametrize("noise", [0.01, 0.2])
    @pytest.mark.parametrize("view", DEVICE_VIEWS)
    def test_a_device_of_its_own_follows_none(self, view: View, noise: float) -> None:
        """With more noise all weights grow instead."""
        for seed in range(3):
            own = own_device(view, 60, seed, noise)
            assert fit_device(cells(), own, prior(), QUICK).features.like is None

    def test_rows_that_tune_are_a_part_of_all(self) -> None:
        """Only 15 of the rows say whom the device resembles, drawn in an order of their own."""
        latency, rows = twin_ms("eager-a"), rows_of(40, seed=6)
        config = replace(QUICK, tuning_rows=15)
        for seed in range(3):
            found = fit_device(
                cells(), MeasuredRows(rows, latency[rows]), prior(), config, seed=seed
            )
            assert found.features.like == 0


def honest(monkeypatch: pytest.MonkeyPatch, left_out: npt.NDArray[np.float64]) -> None:
    """Replace the networks' predictions for left-out rows; all networks are trained."""
    fit_folds = device.fit_folds

    def pretend(*args, pays, **kwargs):
        return replace(fit_folds(*args, **kwargs), left_out=left_out)

    monkeypatch.setattr(device, "fit_folds", pretend)


class TestSelection:
    ROWS = measured("compiled-new", 70)
    LOG = np.log(ROWS.values)

    def fit(self, config: AdaptConfig = NETWORKS) -> DevicePredictor:
        return fit_device(cells(), self.ROWS, prior(), config)

    def test_networks_take_part_from_enough_rows_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(device, "_pays", lambda *_: True)
        assert list(self.fit(replace(NETWORKS, network_rows=70)).errors) == METHODS
        assert list(self.fit(replace(NETWORKS, network_rows=71)).errors) == METHODS[:2]

    @pytest.mark.parametrize("count", [5, 20, 70])
    def test_the_way_with_the_least_error_is_taken(self, count: int) -> None:
        for name in NEW:
            found = fit_device(cells(), measured(name, count), prior(), NETWORKS)
            assert found.errors[found.method] == min(found.errors.values())

    def test_the_networks_where_they_are_right(self, monkeypatch: pytest.MonkeyPatch) -> None:
        honest(monkeypatch, self.LOG)
        found = self.fit()
        assert (found.method, found.errors["network"]) == ("network", 0)
        assert found.weight == 1
        assert found.networks is not None
        own = found.networks.ensemble.outputs(sample().view(found.view))
        expected = own * found.networks.scale + found.networks.location
        latency, lower, upper = log_predictions(found).T
        np.testing.assert_allclose(latency, expected, atol=1e-5)
        np.testing.assert_allclose(upper - latency, latency - lower, atol=1e-5)

    @pytest.mark.parametrize("weight", [0.2, 0.5, 0.8])
    def test_a_weighted_mean_where_errors_cancel(
        self, monkeypatch: pytest.MonkeyPatch, weight: float
    ) -> None:
        order = np.random.default_rng(0).permutation(len(self.LOG))
        alone = self.fit(QUICK)
        process = alone.posterior
        said = np.empty(len(self.LOG))
        said[order] = process.left_out.numpy()
        honest(monkeypatch, said + (self.LOG - said) / weight)
        found = self.fit()
        assert (found.method, found.weight) == ("adapted + network", weight)
        assert found.errors["adapted + network"] == pytest.approx(0, abs=1e-9)
        assert found.errors["network"] == pytest.approx((1 / weight - 1) * found.errors["adapted"])
        assert found.networks is not None
        own = found.networks.ensemble.outputs(sample().view(found.view))
        networks = own * found.networks.scale + found.networks.location
        mean, _ = process.predict(alone.features.of(both(TEST)))
        np.testing.assert_allclose(
            log_predictions(found)[:, 0],
            weight * networks + (1 - weight) * mean.numpy(),
            atol=1e-4,
        )

    def test_the_process_where_networks_are_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        honest(monkeypatch, self.LOG + 100)
        found = self.fit()
        assert found.method in METHODS[:2]
        assert found.networks is None
        assert found.errors["network"] == pytest.approx(100)
        np.testing.assert_array_equal(
            found.intervals(sample()), self.fit(QUICK).intervals(sample())
        )

    @pytest.mark.parametrize(("share", "trained"), [(0.5, 5), (1.0, 1)])
    def test_one_network_tells_whether_the_others_pay(
        self, monkeypatch: pytest.MonkeyPatch, share: float, trained: int
    ) -> None:
        """The first network has this share of the error of the process, with the same sign."""
        order = np.random.default_rng(0).permutation(len(self.LOG))
        said = np.empty(len(self.LOG))
        said[order] = self.fit(QUICK).posterior.left_out.numpy()
        asked = []
        ask = device._pays

        def pretend(process, seen, config, rows, _):
            asked.append(rows)
            return ask(process, seen, config, rows, (seen + share * (said - seen))[rows])

        monkeypatch.setattr(device, "_pays", pretend)
        count = 0
        train = folds.train_members

        def noted(tasks, *args, **kwargs):
            nonlocal count
            count += len(tasks)
            return train(tasks, *args, **kwargs)

        monkeypatch.setattr(folds, "train_members", noted)
        found = self.fit()
        assert [len(rows) for rows in asked] == [14]
        assert count == trained
        assert ("network" in found.errors) == (trained == 5)

    def test_more_steps_must_gain_more(self) -> None:
        seen, rows = np.zeros(100), np.arange(20)
        process, networks = np.ones(100), np.full(20, 0.99)  # one per cent
        long = replace(NETWORKS, network=TrainingConfig(epochs=1000, batch_size=16))
        short = replace(NETWORKS, network=TrainingConfig(epochs=100, batch_size=16))
        assert device._pays(process, seen, short, rows, networks)  # of 2,000 steps
        assert not device._pays(process, seen, long, rows, networks)  # of 20,000

    def test_the_graph_alone_where_known_devices_mislead(self) -> None:
        """A prior that trusts tables which are noise, and must not learn better."""
        features = prior().features
        assert features.known is not None
        noise = torch.randn(features.known.table.shape, generator=torch.Generator().manual_seed(0))
        mislead = PriorFeatures(
            features.graph,
            features.network,
            KnownLatency(features.known.numbers, 5 * noise),
            features.columns,
        )
        trusting = {name: x.clone() for name, x in prior().hyperparameters.tensors().items()}
        group = prior().features.groups.index("known_latency")
        trusting["gaussian"][group], trusting["nearness"][group] = 4.0, 3.0
        wrong = replace(
            prior(), features=mislead.eval(), hyperparameters=Hyperparameters(**trusting)
        )
        config, rows = replace(QUICK, hyperparameter_deviation=0.01), without_quirks("raw", 40)
        found = fit_device(cells(), rows, wrong, config)
        assert found.method == "graph alone"
        assert (found.posterior.hyperparameters.linear[-3:] == -40).all()
        assert fit_device(cells(), measured("eager-new", 40), prior(), config).method == "adapted"

    def test_all_networks_read_the_view_that_was_chosen(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = []
        fit_folds = device.fit_folds

        def noted(graphs, *args, **kwargs):
            given.append(graphs.ops)
            return fit_folds(graphs, *args, **kwargs)

        monkeypatch.setattr(device, "fit_folds", noted)
        found = self.fit()
        (ops,) = given
        np.testing.assert_array_equal(ops, cells().view(found.view).ops[self.ROWS.rows])


class TestRefusals:
    @pytest.mark.parametrize("count", [0, 1, 4])
    def test_fewer_rows_than_five(self, count: int) -> None:
        with pytest.raises(ConfigurationError, match=f" 5 .* {count}"):
            fit_device(cells(), measured("eager-new", count), prior(), QUICK)

    def test_five_are_enough(self) -> None:
        found = adapted("eager-new", 5)
        assert np.isfinite(found.intervals(sample())).all()
        assert found.rows == 5

    def test_another_space(self) -> None:
        other = SpaceGraphs("elsewhere", cells().arch_ids, cells().views)
        with pytest.raises(ConfigurationError, match=r"nasbench201, .*elsewhere"):
            fit_device(other, measured("eager-new", 10), prior(), QUICK)

    def test_a_cell_that_comes_twice(self) -> None:
        """A copy of a row is no test of what was learnt from the other."""
        rows = measured("eager-new", 10)
        twice = MeasuredRows(np.tile(rows.rows, 2), np.tile(rows.values, 2))
        with pytest.raises(ConfigurationError, match="repeated"):
            fit_device(cells(), twice, prior(), QUICK)

    def test_latencies_that_are_none(self) -> None:
        for value in (0, -1, np.nan, np.inf):
            with pytest.raises(SchemaError, match=rf" {value:g} .*row 5\b"):
                MeasuredRows(rows_of(6), np.array([1, 1, 1, 1, 1, value]))

    @pytest.mark.parametrize(
        "name", ["hyperparameter_deviation", "steps", "tuning_rows", "network_rows"]
    )
    def test_settings_that_are_not_positive(self, name: str) -> None:
        with pytest.raises(ConfigurationError, match=f"{name} .* 0"):
            replace(QUICK, **{name: 0})

    @pytest.mark.parametrize("coverage", [0, 1, 90, float("nan")])
    def test_a_coverage_out_of_range(self, coverage: float) -> None:
        with pytest.raises(ConfigurationError, match="coverage"):
            AdaptConfig(coverage=coverage)

    def test_a_single_fold(self) -> None:
        with pytest.raises(ConfigurationError, match=r"folds .* 2 .* 1\b"):
            AdaptConfig(folds=1)

    def test_defaults_are_settings_of_the_library(self) -> None:
        assert AdaptConfig().network == TrainingConfig()

"""The Gaussian process against loops, scikit-learn, scipy, and refits without a row."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct
from torch import Tensor

from brpnas.errors import TrainingError
from brpnas.predictors.transfer.kernel import (
    DeviceRows,
    Hyperparameters,
    adapt_hyperparameters,
    condition,
    covariance,
    learn_hyperparameters,
    log_evidence,
    log_evidence_following,
    prior_variance,
)
from tests.predictors.transfer.toys import random_features, random_hyperparameters

GROUPS = 3
JITTER = 1e-8


def device_rows(count: int = 30, seed: int = 0, noise: float = 0.05) -> DeviceRows:
    """Rows of a device, linear in the first group and curved in the second."""
    features = random_features(count, seed)
    generator = torch.Generator().manual_seed(seed + 1000)
    target = 0.5 * features[0][:, 0] - 0.3 * features[0][:, 1] + torch.sin(2 * features[1][:, 0])
    target = target + noise * torch.randn(count, generator=generator, dtype=torch.float64)
    return DeviceRows(features, target + 3)


def slow_covariance(
    hyperparameters: Hyperparameters, a: list[Tensor], b: list[Tensor]
) -> np.ndarray:
    """The formula, cell by cell and group by group."""
    found = np.zeros((len(a[0]), len(b[0])))
    for i in range(len(a[0])):
        for j in range(len(b[0])):
            total, apart = math.exp(hyperparameters.constant), 0.0
            for g, (x, y) in enumerate(zip(a, b, strict=True)):
                pairs = list(zip(x[i].tolist(), y[j].tolist(), strict=True))
                distance = sum((p - q) ** 2 for p, q in pairs)
                total += math.exp(hyperparameters.linear[g]) * sum(p * q for p, q in pairs)
                total += math.exp(hyperparameters.gaussian[g]) * math.exp(
                    -0.5 * math.exp(hyperparameters.nearness[g]) * distance
                )
                apart += math.exp(hyperparameters.joint_nearness[g]) * distance
            found[i, j] = total + math.exp(hyperparameters.joint) * math.exp(-0.5 * apart)
    return found


def noisy_covariance(hyperparameters: Hyperparameters, features: list[Tensor]) -> np.ndarray:
    noise = math.exp(hyperparameters.noise) + JITTER
    return slow_covariance(hyperparameters, features, features) + noise * np.eye(len(features[0]))


def log_likelihood(hyperparameters: Hyperparameters, rows: DeviceRows) -> float:
    """By scipy, of the latencies less their mean."""
    between = noisy_covariance(hyperparameters, list(rows.features))
    target = (rows.target - rows.target.mean()).numpy()
    return float(scipy.stats.multivariate_normal(cov=between).logpdf(target))


class TestCovariance:
    def test_is_the_formula(self) -> None:
        hyperparameters, a, b = (
            random_hyperparameters(GROUPS),
            random_features(7),
            random_features(5, seed=1),
        )
        found = covariance(hyperparameters, a, b)
        assert found.shape == (7, 5)
        np.testing.assert_allclose(
            found.numpy(), slow_covariance(hyperparameters, a, b), rtol=1e-10
        )

    def test_is_symmetric_and_positive_definite(self) -> None:
        hyperparameters, a = random_hyperparameters(GROUPS), random_features(60)
        found = covariance(hyperparameters, a, a).numpy()
        np.testing.assert_allclose(found, found.T, rtol=1e-12)
        assert np.linalg.eigvalsh(found + JITTER * np.eye(60)).min() > 0

    def test_is_scikit_learns(self) -> None:
        hyperparameters, a, b = (
            random_hyperparameters(1),
            random_features(9)[:1],
            random_features(4, 1)[:1],
        )
        np.testing.assert_allclose(
            covariance(hyperparameters, a, b).numpy(),
            sklearn_kernel(hyperparameters)(a[0].numpy(), b[0].numpy()),
            rtol=1e-10,
        )

    def test_diagonal_is_the_variance_before_any_row(self) -> None:
        hyperparameters, a = random_hyperparameters(GROUPS), random_features(12)
        torch.testing.assert_close(
            prior_variance(hyperparameters, a), covariance(hyperparameters, a, a).diagonal()
        )

    def test_empty_groups_are_allowed(self) -> None:
        hyperparameters, a = random_hyperparameters(GROUPS), random_features(6)
        a[1] = a[1][:, :0]
        found = covariance(hyperparameters, a, a)
        assert found.isfinite().all()
        np.testing.assert_allclose(
            found.numpy(), slow_covariance(hyperparameters, a, a), rtol=1e-10
        )


def sklearn_kernel(hyperparameters: Hyperparameters) -> object:
    """The kernel of one group, built from scikit-learn's kernels."""

    def constant(value: Tensor) -> ConstantKernel:
        return ConstantKernel(float(value.exp()), "fixed")

    def near(value: Tensor) -> RBF:
        return RBF(float((-0.5 * value).exp()), "fixed")

    return (
        constant(hyperparameters.constant)
        + constant(hyperparameters.linear[0]) * DotProduct(0.0, "fixed")
        + constant(hyperparameters.gaussian[0]) * near(hyperparameters.nearness[0])
        + constant(hyperparameters.joint) * near(hyperparameters.joint_nearness[0])
    )


class TestWithout:
    def test_a_group_has_no_influence(self) -> None:
        hyperparameters = random_hyperparameters(GROUPS).without([1])
        a, b = random_features(8), random_features(8)
        b[1] = 5 * torch.randn(8, 2, dtype=torch.float64, generator=torch.Generator())
        torch.testing.assert_close(
            covariance(hyperparameters, a, a), covariance(hyperparameters, b, b)
        )

    def test_all_others_keep_theirs(self) -> None:
        hyperparameters = random_hyperparameters(GROUPS)
        a = random_features(8)
        absent = [x if g != 1 else torch.zeros_like(x) for g, x in enumerate(a)]
        expected = covariance(hyperparameters, absent, absent) - hyperparameters.gaussian[1].exp()
        torch.testing.assert_close(covariance(hyperparameters.without([1]), a, a), expected)

    def test_no_group_is_no_change_and_all_leave_a_constant(self) -> None:
        hyperparameters, a = random_hyperparameters(GROUPS), random_features(8)
        torch.testing.assert_close(
            covariance(hyperparameters.without([]), a, a), covariance(hyperparameters, a, a)
        )
        constant = (hyperparameters.constant.exp() + hyperparameters.joint.exp()).expand(8, 8)
        torch.testing.assert_close(
            covariance(hyperparameters.without(range(GROUPS)), a, a), constant
        )

    def test_the_hyperparameters_themselves_stay(self) -> None:
        hyperparameters = random_hyperparameters(GROUPS)
        before = {name: value.clone() for name, value in hyperparameters.tensors().items()}
        hyperparameters.without([0, 2])
        assert all(torch.equal(before[name], x) for name, x in hyperparameters.tensors().items())


class TestOnly:
    def test_the_covariance_is_that_without_the_others(self) -> None:
        hyperparameters, a = random_hyperparameters(GROUPS), random_features(8)
        torch.testing.assert_close(
            covariance(hyperparameters.only([2, 0]), [a[2], a[0]], [a[2], a[0]]),
            covariance(hyperparameters.without([1]), a, a),
        )

    def test_the_hyperparameters_themselves_stay(self) -> None:
        hyperparameters = random_hyperparameters(GROUPS)
        hyperparameters.only([0])
        assert all(len(x) == GROUPS for x in (hyperparameters.linear, hyperparameters.nearness))


class TestResembling:
    def test_one_more_group_is_linear_and_the_others_weigh_less(self) -> None:
        hyperparameters, a = random_hyperparameters(GROUPS), random_features(8)
        last = torch.linspace(-1, 2, 8, dtype=torch.float64)[:, None]
        found = covariance(hyperparameters.scaled(-1.5).resembling(0.5), [*a, last], [*a, last])
        constant = hyperparameters.constant.exp()
        others = (covariance(hyperparameters, a, a) - constant) * math.exp(-1.5)
        expected = constant + others + math.exp(0.5) * last @ last.T
        torch.testing.assert_close(found, expected)
        noise = hyperparameters.scaled(-1.5).noise - hyperparameters.noise
        assert float(noise) == pytest.approx(-1.5)
        assert len(hyperparameters.linear) == GROUPS

    def test_evidence_is_the_likelihood_but_for_a_constant(self) -> None:
        rows = device_rows(20)
        found, expected = [], []
        for seed in range(5):
            hyperparameters = random_hyperparameters(GROUPS, seed)
            found.append(log_evidence(hyperparameters, rows))
            expected.append(log_likelihood(hyperparameters, rows))
        constant = 10 * math.log(2 * math.pi)
        np.testing.assert_allclose(found, np.array(expected) + constant, rtol=1e-6)
        assert np.std(found) > 1

    def test_evidence_of_following_each_device_is_that_of_one_more_group(self) -> None:
        rows, weight = device_rows(20), -1.3
        generator = torch.Generator().manual_seed(3)
        known = torch.randn(20, 4, generator=generator, dtype=torch.float64)
        hyperparameters = random_hyperparameters(GROUPS)
        expected = [
            log_evidence(
                hyperparameters.resembling(weight),
                DeviceRows([*rows.features, known[:, [column]]], rows.target),
            )
            for column in range(4)
        ]
        found = log_evidence_following(hyperparameters, rows, known, weight)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)
        assert np.std(expected) > 0.1

    def test_following_nothing_has_the_evidence_of_the_rows(self) -> None:
        rows, hyperparameters = device_rows(20), random_hyperparameters(GROUPS)
        nothing = torch.zeros(20, 1, dtype=torch.float64)
        found = log_evidence_following(hyperparameters, rows, nothing, 0.5)
        assert float(found) == pytest.approx(log_evidence(hyperparameters, rows))


class TestPosterior:
    @pytest.fixture
    def hyperparameters(self) -> Hyperparameters:
        return random_hyperparameters(GROUPS)

    def test_is_the_formula(self, hyperparameters: Hyperparameters) -> None:
        rows, new = device_rows(20), random_features(11, seed=5)
        mean, variance = condition(hyperparameters, rows).predict(new)
        inverse = np.linalg.inv(noisy_covariance(hyperparameters, list(rows.features)))
        cross = slow_covariance(hyperparameters, new, list(rows.features))
        centre = float(rows.target.mean())
        np.testing.assert_allclose(
            mean.numpy(), centre + cross @ inverse @ (rows.target.numpy() - centre), rtol=1e-6
        )
        before = slow_covariance(hyperparameters, new, new)
        after = np.diag(before - cross @ inverse @ cross.T) + math.exp(hyperparameters.noise)
        np.testing.assert_allclose(variance.numpy(), after, rtol=1e-6)

    def test_is_scikit_learns_with_a_single_group(self) -> None:
        hyperparameters = random_hyperparameters(1)
        rows, new = device_rows(25), random_features(40, seed=6)[:1]
        seen = DeviceRows(rows.features[:1], rows.target)
        mean, variance = condition(hyperparameters, seen).predict(new)
        noise = math.exp(hyperparameters.noise)
        theirs = GaussianProcessRegressor(
            sklearn_kernel(hyperparameters), alpha=noise + JITTER, optimizer=None
        )
        centre = rows.target.mean()
        theirs.fit(seen.features[0].numpy(), (rows.target - centre).numpy())
        expected, deviation = theirs.predict(new[0].numpy(), return_std=True)
        np.testing.assert_allclose(mean.numpy() - float(centre), expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(variance.numpy(), deviation**2 + noise, rtol=1e-5)

    def test_leave_one_out_is_a_refit_without_the_row(
        self, hyperparameters: Hyperparameters
    ) -> None:
        rows = device_rows(15)
        posterior = condition(hyperparameters, rows)
        between = noisy_covariance(hyperparameters, list(rows.features))
        centre = float(rows.target.mean())
        for out in range(15):
            kept = [i for i in range(15) if i != out]
            inverse = np.linalg.inv(between[np.ix_(kept, kept)])
            cross = between[out, kept]
            mean = centre + cross @ inverse @ (rows.target.numpy()[kept] - centre)
            variance = between[out, out] - cross @ inverse @ cross
            assert float(posterior.left_out[out]) == pytest.approx(mean, rel=1e-6)
            assert float(posterior.left_out_variance[out]) == pytest.approx(variance, rel=1e-5)

    def test_variance_falls_to_the_noise_where_it_was_measured(
        self, hyperparameters: Hyperparameters
    ) -> None:
        rows, far = device_rows(40), [100 * x for x in random_features(5, seed=9)]
        posterior = condition(hyperparameters, rows)
        noise = float(hyperparameters.noise.exp())
        _, near = posterior.predict(rows.features)
        assert (near > noise).all()
        assert (near < 2 * noise + 1e-6).all()
        _, variance = posterior.predict(far)
        assert (variance > 100 * noise).all()

    def test_more_rows_leave_less_doubt_everywhere(self, hyperparameters: Hyperparameters) -> None:
        rows, new = device_rows(40), random_features(50, seed=3)
        some = DeviceRows([x[:10] for x in rows.features], rows.target[:10])
        _, few = condition(hyperparameters, some).predict(new)
        _, many = condition(hyperparameters, rows).predict(new)
        assert (many <= few + 1e-9).all()
        assert many.mean() < few.mean()

    def test_a_shift_of_the_latency_shifts_the_answer(
        self, hyperparameters: Hyperparameters
    ) -> None:
        rows, new = device_rows(20), random_features(9, seed=3)
        shifted = DeviceRows(rows.features, rows.target + 7)
        mean, variance = condition(hyperparameters, rows).predict(new)
        moved, same = condition(hyperparameters, shifted).predict(new)
        torch.testing.assert_close(moved, mean + 7)
        torch.testing.assert_close(same, variance)

    def test_a_row_measured_twice_counts_as_half_the_noise(
        self, hyperparameters: Hyperparameters
    ) -> None:
        rows, new = device_rows(10), random_features(9, seed=3)
        twice = DeviceRows([torch.cat([x, x]) for x in rows.features], torch.cat([rows.target] * 2))
        quiet = Hyperparameters(
            **{**hyperparameters.tensors(), "noise": hyperparameters.noise - math.log(2)}
        )
        mean, variance = condition(hyperparameters, twice).predict(new)
        expected, less = condition(quiet, rows).predict(new)
        torch.testing.assert_close(mean, expected, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(
            variance - hyperparameters.noise.exp(), less - quiet.noise.exp(), rtol=1e-4, atol=1e-7
        )

    def test_one_row_is_enough(self, hyperparameters: Hyperparameters) -> None:
        one = DeviceRows(random_features(1), torch.tensor([2.0], dtype=torch.float64))
        mean, variance = condition(hyperparameters, one).predict(random_features(4, seed=2))
        torch.testing.assert_close(mean, torch.full_like(mean, 2.0))
        assert (variance > 0).all()

    def test_features_that_are_no_numbers_are_an_error(
        self, hyperparameters: Hyperparameters
    ) -> None:
        rows = device_rows(10)
        rows.features[0][3, 0] = float("nan")
        with pytest.raises(TrainingError, match="factorised"):
            condition(hyperparameters, rows)


class TestLearning:
    def test_raises_the_likelihood_of_all_devices_together(self) -> None:
        devices = [device_rows(30, seed) for seed in range(3)]
        start, learnt = Hyperparameters.start(GROUPS), learn_hyperparameters(devices)
        before = [log_likelihood(start, rows) for rows in devices]
        after = [log_likelihood(learnt, rows) for rows in devices]
        assert sum(after) > sum(before) + 5

    def test_is_the_mean_of_the_start_and_of_a_fit_of_each_device(self) -> None:
        devices = [device_rows(30, seed) for seed in range(3)]
        start = Hyperparameters.start(GROUPS)
        fits = [
            adapt_hyperparameters(
                start, rows, hyperparameter_deviation=0.7, together=False, steps=15
            ).tensors()
            for rows in devices
        ]
        learnt = learn_hyperparameters(devices, hyperparameter_deviation=0.7, steps=15).tensors()
        for name, value in start.tensors().items():
            expected = (value + sum(fit[name] for fit in fits)) / 4
            torch.testing.assert_close(learnt[name], expected)
        assert float((learnt["linear"] - start.linear).abs().max()) > 0.1

    def test_devices_of_one_kind_leave_the_other_groups_in_reach(self) -> None:
        """However many devices depend on the first group alone, the third keeps some weight."""
        devices = []
        for seed in range(12):
            features = random_features(60, seed)
            devices.append(DeviceRows(features, features[0][:, 0] * 2))
        learnt = learn_hyperparameters(devices, steps=200)
        start = Hyperparameters.start(GROUPS)
        assert learnt.linear[0] > learnt.linear[1:].max() + 1
        assert (learnt.linear[1:] > start.linear[1:] - 4).all()

    def test_finds_which_group_matters(self) -> None:
        features = random_features(120)
        rows = DeviceRows(features, features[2][:, 0] * 2)
        learnt = learn_hyperparameters([rows] * 4, steps=200)
        assert learnt.linear[2] > learnt.linear[:2].max() + 1

    def test_same_rows_same_hyperparameters_and_no_gradients(self) -> None:
        first, second = (
            learn_hyperparameters([device_rows()], steps=5),
            learn_hyperparameters([device_rows()], steps=5),
        )
        for name, value in first.tensors().items():
            assert torch.equal(value, second.tensors()[name])
            assert not value.requires_grad

    def test_threads_are_left_as_they_were(self) -> None:
        before = torch.get_num_threads()
        learn_hyperparameters([device_rows(5)], steps=1)
        assert torch.get_num_threads() == before


class TestAdapting:
    def test_steps_follow_the_gradient_of_the_likelihood(self) -> None:
        """A first step of Adam has the size of the learning rate and the sign of the gradient."""
        rows, size = device_rows(20), 1e-4
        start = Hyperparameters.start(GROUPS)
        moved = adapt_hyperparameters(start, rows, steps=1, learning_rate=size)
        for name, value in start.tensors().items():
            for index in np.ndindex(*value.shape):
                up = {k: v.clone() for k, v in start.tensors().items()}
                down = {k: v.clone() for k, v in start.tensors().items()}
                up[name][index] += 1e-3
                down[name][index] -= 1e-3
                slope = log_likelihood(Hyperparameters(**up), rows) - log_likelihood(
                    Hyperparameters(**down), rows
                )
                step = float((moved.tensors()[name] - value)[index])
                assert step == pytest.approx(math.copysign(size, slope), rel=1e-2), (name, index)

    def apart(self, a: Hyperparameters, b: Hyperparameters) -> float:
        moved = [(x - b.tensors()[name]).abs().max() for name, x in a.tensors().items()]
        return float(torch.stack(moved).max())

    def test_without_deviation_hyperparameters_stay(self) -> None:
        centre = random_hyperparameters(GROUPS)
        adapted = adapt_hyperparameters(
            centre, device_rows(30), hyperparameter_deviation=1e-3, steps=100
        )
        assert self.apart(adapted, centre) < 0.02
        assert (
            self.apart(
                adapt_hyperparameters(centre, device_rows(30), hyperparameter_deviation=1), centre
            )
            > 0.3
        )

    def test_rows_that_scatter_more_move_all_weights_together(self) -> None:
        centre, rows = Hyperparameters.start(GROUPS), device_rows(60)
        wider = DeviceRows(rows.features, 10 * rows.target)
        names = ("noise", "linear", "gaussian", "joint")
        moves = {}
        for key, some in {"same": rows, "wider": wider}.items():
            found = adapt_hyperparameters(
                centre, some, hyperparameter_deviation=0.5, steps=200
            ).tensors()
            moved = [(found[n] - centre.tensors()[n]).reshape(-1) for n in names]
            moves[key] = torch.cat(moved)
        further = moves["wider"] - moves["same"]
        assert float(further.median()) > 3  # 2.3 if each moved by itself

    def test_more_deviation_leads_further_and_fits_better(self) -> None:
        centre, rows = random_hyperparameters(GROUPS), device_rows(40)
        adapted = [
            adapt_hyperparameters(centre, rows, hyperparameter_deviation=f, steps=100)
            for f in (0.1, 0.5, 2)
        ]
        distances = [self.apart(hyperparameters, centre) for hyperparameters in adapted]
        likelihoods = [
            log_likelihood(hyperparameters, rows) for hyperparameters in (centre, *adapted)
        ]
        assert distances == sorted(distances)
        assert likelihoods == sorted(likelihoods)

    @pytest.mark.parametrize("noise", [0.02, 0.2])
    def test_many_rows_tell_the_noise(self, noise: float) -> None:
        features = random_features(200, widths=(1, 1))
        bent = torch.sin(2 * features[1][:, 0]) + 0.5 * features[0][:, 0]
        generator = torch.Generator().manual_seed(1)
        apart = noise * torch.randn(200, generator=generator, dtype=torch.float64)
        rows = DeviceRows(features, bent + apart)
        adapted = adapt_hyperparameters(
            Hyperparameters.start(2), rows, hyperparameter_deviation=3, steps=100
        )
        assert math.exp(0.5 * adapted.noise) == pytest.approx(noise, rel=0.2)
        stuck = adapt_hyperparameters(
            Hyperparameters.start(2), rows, hyperparameter_deviation=1e-2, steps=100
        )
        assert abs(math.exp(0.5 * stuck.noise) - noise) > 0.3 * noise

    def test_few_rows_change_less_than_many(self) -> None:
        centre, rows = random_hyperparameters(GROUPS), device_rows(200)
        few = DeviceRows([x[:5] for x in rows.features], rows.target[:5])
        assert self.apart(
            adapt_hyperparameters(centre, few, hyperparameter_deviation=0.5), centre
        ) < self.apart(adapt_hyperparameters(centre, rows, hyperparameter_deviation=0.5), centre)

    def test_the_centre_itself_is_left_alone(self) -> None:
        centre = random_hyperparameters(GROUPS)
        before = {name: value.clone() for name, value in centre.tensors().items()}
        adapt_hyperparameters(centre, device_rows())
        assert all(torch.equal(before[name], x) for name, x in centre.tensors().items())


class TestOddRows:
    def test_constant_latencies_are_predicted_as_such(self) -> None:
        rows = DeviceRows(random_features(20), torch.full((20,), 1.5, dtype=torch.float64))
        hyperparameters = adapt_hyperparameters(Hyperparameters.start(GROUPS), rows)
        assert hyperparameters.noise < Hyperparameters.start(GROUPS).noise
        mean, variance = condition(hyperparameters, rows).predict(random_features(6, seed=1))
        torch.testing.assert_close(mean, torch.full_like(mean, 1.5))
        assert (variance > 0).all()

    def test_the_same_cell_again_and_again(self) -> None:
        features = [x[:1].expand(12, -1).clone() for x in random_features(1)]
        rows = DeviceRows(features, torch.linspace(0, 1, 12, dtype=torch.float64))
        posterior = condition(adapt_hyperparameters(Hyperparameters.start(GROUPS), rows), rows)
        mean, _ = posterior.predict(features)
        torch.testing.assert_close(mean, torch.full_like(mean, 0.5), rtol=0, atol=1e-6)
        assert posterior.left_out.isfinite().all()

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_a_latency_that_is_no_number(self, value: float) -> None:
        rows = device_rows(10)
        rows.target[4] = value
        with pytest.raises(TrainingError, match="finite"):
            adapt_hyperparameters(Hyperparameters.start(GROUPS), rows)
        with pytest.raises(TrainingError, match="finite"):
            learn_hyperparameters([rows])

    @pytest.mark.parametrize("value", [float("nan"), 1e200])
    def test_a_feature_that_is_no_number(self, value: float) -> None:
        rows = device_rows(10)
        rows.features[0][3, 0] = value
        with pytest.raises(TrainingError, match="factorised"):
            learn_hyperparameters([rows])

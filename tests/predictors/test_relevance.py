from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from brpnas.errors import TrainingError
from brpnas.predictors.relevance import RelevanceProcess, _kernel, _likelihood, fit_relevance
from brpnas.predictors.transfer.kernel import Hyperparameters, covariance

FloatArray = npt.NDArray[np.float64]
RNG = np.random.default_rng(0)
GROUPS = [RNG.normal(size=(120, 6)) / np.sqrt(6), RNG.normal(size=(120, 3)) / np.sqrt(3)]
TARGET = np.sin(3 * GROUPS[0][:, 0]) + GROUPS[1][:, 1] + 0.05 * RNG.normal(size=120)
TARGET = (TARGET - TARGET.mean()) / TARGET.std()


def part(rows: slice) -> list[FloatArray]:
    return [group[rows] for group in GROUPS]


@pytest.fixture(scope="module")
def process() -> RelevanceProcess:
    return fit_relevance(part(slice(80)), TARGET[:80])


def literal_kernel(
    process: RelevanceProcess, a: list[FloatArray], b: list[FloatArray]
) -> FloatArray:
    """The covariance by its formula, one pair at a time."""
    s = {name: x.numpy() for name, x in process.hyperparameters.tensors().items()}
    result = np.empty((len(a[0]), len(b[0])))
    for i in range(len(a[0])):
        for j in range(len(b[0])):
            total, apart = np.exp(s["constant"]), 0.0
            for g, factor in enumerate(process.relevance):
                x, y = a[g][i] * factor.numpy(), b[g][j] * factor.numpy()
                distance = ((x - y) ** 2).sum()
                total += np.exp(s["linear"][g]) * (x @ y)
                total += np.exp(s["gaussian"][g] - 0.5 * np.exp(s["nearness"][g]) * distance)
                apart += np.exp(s["joint_nearness"][g]) * distance
            result[i, j] = total + np.exp(s["joint"] - 0.5 * apart)
    return result


def test_prediction_is_that_of_the_formula(process: RelevanceProcess) -> None:
    seen, others = part(slice(80)), part(slice(80, 120))
    noise = float(process.hyperparameters.noise.exp())
    among = literal_kernel(process, seen, seen) + noise * np.eye(80)
    centred = TARGET[:80] - TARGET[:80].mean()
    expected = literal_kernel(process, others, seen) @ np.linalg.solve(among, centred)
    np.testing.assert_allclose(
        process.predict(others), expected + TARGET[:80].mean(), rtol=1e-5, atol=1e-6
    )


def test_deviations_are_those_of_the_formula(process: RelevanceProcess) -> None:
    seen, others = part(slice(80)), part(slice(80, 120))
    noise = float(process.hyperparameters.noise.exp())
    among = literal_kernel(process, seen, seen) + noise * np.eye(80)
    cross = literal_kernel(process, others, seen)
    expected = literal_kernel(process, others, others) - cross @ np.linalg.solve(among, cross.T)
    found = process.deviations(others)
    np.testing.assert_allclose(found, np.sqrt(np.diag(expected)), rtol=1e-4, atol=1e-5)
    assert process.deviations(seen).mean() < found.mean()
    assert process.deviations([group[:0] for group in GROUPS]).shape == (0,)


def test_rows_of_padded_groups_have_the_covariance_of_the_groups(
    process: RelevanceProcess,
) -> None:
    rows = [torch.from_numpy(group) for group in GROUPS]
    padded = torch.stack([rows[0], torch.nn.functional.pad(rows[1], (0, 3))])
    expected = covariance(process.hyperparameters, rows, rows)
    np.testing.assert_allclose(
        _kernel(process.hyperparameters, padded).total, expected, rtol=1e-12, atol=1e-12
    )


def plain_likelihood(
    values: dict[str, torch.Tensor], logs: torch.Tensor, mean: float = 0.0
) -> torch.Tensor:
    """Negative log likelihood of the first 40 rows, for autograd."""
    rows = [
        torch.from_numpy(group[:40]) * (log[0, : group.shape[1]] / 2).exp()
        for group, log in zip(GROUPS, logs, strict=True)
    ]
    noise = (values["noise"].exp() + 1e-8) * torch.eye(40, dtype=torch.float64)
    noisy = covariance(Hyperparameters(**values), rows, rows) + noise
    target = torch.from_numpy(TARGET[:40]) - mean
    return 0.5 * target @ torch.linalg.solve(noisy, target) + 0.5 * torch.logdet(noisy)


def variables() -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Hyperparameters and log weights of columns that are all different."""
    random = torch.Generator().manual_seed(0)
    start = Hyperparameters.start(2).tensors()
    values = {
        name: (0.3 * x + torch.randn(x.shape, generator=random)).double()
        for name, x in start.items()
    }
    return values, torch.randn((2, 1, 6), generator=random).double()


def test_the_derivative_of_the_likelihood_is_that_of_autograd() -> None:
    values, logs = variables()
    padded = torch.stack(
        [
            torch.from_numpy(GROUPS[0][:40]),
            torch.from_numpy(np.pad(GROUPS[1], ((0, 0), (0, 3))))[:40],
        ]
    )
    value, slopes, slope = _likelihood(
        Hyperparameters(**values), logs, padded, torch.from_numpy(TARGET[:40])
    )
    leaves = {name: x.clone().requires_grad_() for name, x in values.items()}
    leaf = logs.clone().requires_grad_()
    expected = plain_likelihood(leaves, leaf)
    assert value == pytest.approx(float(expected.detach()), rel=1e-9)
    *by_values, by_logs = torch.autograd.grad(expected, [*leaves.values(), leaf])
    assert min(float(x.abs().min()) for x in by_values) > 1e-6
    torch.testing.assert_close([slopes[n] for n in leaves], by_values, rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(slope, by_logs, rtol=1e-7, atol=1e-8)


def test_hyperparameters_are_those_of_adam_with_autograd() -> None:
    start = Hyperparameters.start(2).tensors() | {"noise": torch.tensor(-3.0).double()}
    leaves = {name: x.clone().requires_grad_() for name, x in start.items()}
    leaf = torch.zeros(2, 1, 6, dtype=torch.float64, requires_grad=True)
    few = fit_relevance(part(slice(40)), TARGET[:40] - TARGET[:40].mean() + 5.0, steps=60)
    optimiser = torch.optim.Adam([*leaves.values(), leaf], lr=0.1)
    for _ in range(60):
        loss = plain_likelihood(leaves, leaf, TARGET[:40].mean()) + (leaf**2).sum() / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for name, x in few.hyperparameters.tensors().items():
        torch.testing.assert_close(x, leaves[name].detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(few.relevance[1], (leaf.detach()[1, 0, :3] / 2).exp())


def test_it_learns_and_finds_the_columns_that_matter(process: RelevanceProcess) -> None:
    said = process.predict(part(slice(80, 120)))
    assert np.corrcoef(said, TARGET[80:])[0, 1] > 0.9
    first, second = (factor.numpy() for factor in process.relevance)
    assert first.argmax() == 0
    assert second.argmax() == 1


def test_many_rows_move_relevances_further_than_few() -> None:
    few = fit_relevance(part(slice(12)), TARGET[:12])
    many = fit_relevance(part(slice(120)), TARGET)
    moved = [float(torch.cat([f.log() for f in p.relevance]).abs().mean()) for p in (few, many)]
    assert moved[0] < moved[1]


def test_a_small_deviation_leaves_all_columns_alike() -> None:
    process = fit_relevance(part(slice(80)), TARGET[:80], hyperparameter_deviation=1e-3)
    for factor in process.relevance:
        np.testing.assert_allclose(factor.numpy(), 1, atol=1e-3)


def test_hyperparameters_from_some_rows_still_condition_on_all() -> None:
    process = fit_relevance(part(slice(None)), TARGET, learn_from=40, seed=1)
    assert len(process.weights) == 120
    assert np.corrcoef(process.predict(GROUPS), TARGET)[0, 1] > 0.9


def test_same_seed_same_answers_and_another_seed_others() -> None:
    def answers(seed: int) -> FloatArray:
        return fit_relevance(GROUPS, TARGET, learn_from=40, seed=seed).predict(GROUPS)

    np.testing.assert_array_equal(answers(1), answers(1))
    assert (answers(1) != answers(2)).any()


def test_equal_targets_are_predicted_for_all() -> None:
    process = fit_relevance(part(slice(10)), np.full(10, 0.7))
    np.testing.assert_allclose(process.predict(part(slice(10, 20))), 0.7, atol=1e-9)


def test_threads_of_the_caller_are_left_alone() -> None:
    before = torch.get_num_threads()
    fit_relevance(part(slice(10)), TARGET[:10])
    assert torch.get_num_threads() == before


def test_targets_that_are_no_numbers_are_refused() -> None:
    target = TARGET[:20].copy()
    target[3] = np.nan
    with pytest.raises(TrainingError, match="finite"):
        fit_relevance(part(slice(20)), target)


def test_features_that_are_no_numbers_are_refused() -> None:
    broken = [group.copy() for group in part(slice(20))]
    broken[0][2, 1] = np.nan
    with pytest.raises(TrainingError, match="finite"):
        fit_relevance(broken, TARGET[:20])

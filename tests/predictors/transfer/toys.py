"""Made-up devices with a common property invisible in graphs, and the prior learnt from them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from torch import Tensor

from brpnas.graphs import GraphBatch, View
from brpnas.predictors import MeasuredRows, TrainingConfig
from brpnas.predictors.transfer import AdaptConfig, DevicePrior, SharedNetworkConfig, fit_prior
from brpnas.predictors.transfer.kernel import Hyperparameters, learn_hyperparameters
from tests.predictors.toys import cells, compiled_ms, eager_ms, rows_of

SMALL = SharedNetworkConfig(hidden=12, layers=2, epochs=8, batch_size=512, learning_rate=1e-2)
QUICK = AdaptConfig(
    network=TrainingConfig(hidden=8, layers=2, epochs=4, batch_size=16),
    network_rows=10_000,
    steps=20,
)
"""Adapts without networks; set ``network_rows`` lower to train them."""

KNOWN: dict[str, tuple[View, int]] = {
    "eager-a": ("raw", 1),
    "eager-b": ("raw", 2),
    "compiled-a": ("pruned", 3),
    "compiled-b": ("pruned", 4),
}
NEW: dict[str, tuple[View, int]] = {"eager-new": ("raw", 5), "compiled-new": ("pruned", 6)}


@cache
def quirks() -> npt.NDArray[np.float64]:
    """A number for each cell, common to all made-up devices and invisible in graphs."""
    return np.random.default_rng(7).normal(size=len(cells()))


@cache
def device_ms(name: str, quirk: float = 0.08) -> npt.NDArray[np.float64]:
    """Latency of every cell on a made-up device."""
    view, seed = (KNOWN | NEW)[name]
    rng = np.random.default_rng(seed)
    costs = np.array([0.05, 0.1, 0.5, 1.2, 0.3]) * np.exp(0.4 * rng.normal(size=5))
    if view == "pruned":
        costs[:2] = 0
    ops = cells().view(view).ops
    sums = 1 + sum(costs[k] * (ops == 4 + k).sum(axis=1) for k in range(5))
    noise = 0.01 * rng.normal(size=len(sums))
    return np.asarray(sums * np.exp(quirk * quirks() + noise))


def table(name: str, rows: npt.NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Latency table of a made-up device, of all cells or some."""
    chosen = np.arange(len(cells())) if rows is None else rows
    ids = [cells().arch_ids[row] for row in chosen]
    return pd.DataFrame({"arch_id": ids, "latency_ms": device_ms(name)[chosen]})


@cache
def tables() -> dict[str, pd.DataFrame]:
    """Tables of the known devices: two of all cells, two of 3,000."""
    some = {"eager-b": rows_of(3000, seed=102), "compiled-b": rows_of(3000, seed=103)}
    return {name: table(name, some.get(name)) for name in KNOWN}


@cache
def prior() -> DevicePrior:
    """The prior of the known devices; made once for all tests."""
    return fit_prior(cells(), tables(), SMALL)


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    """For modules that fit other priors: learn hyperparameters in 20 steps, not in 80."""
    prior()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(learn_hyperparameters.__kwdefaults__, "steps", 20)
        yield


@cache
def everywhere() -> list[Tensor]:
    """Features of `prior` of every cell."""
    return prior().features.of(cells().views)


def measured(name: str, count: int, seed: int = 0) -> MeasuredRows:
    """Random rows of a made-up device."""
    rows = rows_of(count, seed)
    return MeasuredRows(rows, device_ms(name)[rows])


def without_quirks(view: View, count: int, seed: int = 0) -> MeasuredRows:
    """Rows of a device: a plain sum over operations of one view."""
    rows = rows_of(count, seed)
    return MeasuredRows(rows, {"raw": eager_ms, "pruned": compiled_ms}[view](rows))


def both(rows: npt.NDArray[np.int64]) -> dict[View, GraphBatch]:
    """Some cells in both views."""
    return {name: batch[rows] for name, batch in cells().views.items()}


def random_features(count: int, seed: int = 0, widths: tuple[int, ...] = (3, 2, 4)) -> list[Tensor]:
    """Meaningless features, in groups of the given widths."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(count, width, generator=generator, dtype=torch.float64) / width**0.5
        for width in widths
    ]


def random_hyperparameters(groups: int, seed: int = 0) -> Hyperparameters:
    """Settings; no two are equal."""
    generator = torch.Generator().manual_seed(seed)
    return Hyperparameters(
        **{
            name: value - 1 + torch.rand(value.shape, generator=generator, dtype=torch.float64)
            for name, value in Hyperparameters.start(groups).tensors().items()
        }
    )

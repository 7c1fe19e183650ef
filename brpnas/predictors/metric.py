"""A metric of every architecture of a space, learnt from a few measurements on a device.

`fit_metric` trains a `MetricPredictor`, of latency or of another metric of
`brpnas.datasets.MEASURED`; `choose_view` decides which view of a cell the device
executes. `brpnas.predictors.baselines` holds the baselines.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.special
import torch
from pydantic import Field
from torch import Tensor, nn

from brpnas.datasets.metrics import LATENCY_MS, MEASURED, MEASURED_PATTERN
from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.graphs import DEVICE_VIEWS, GraphBatch, SpaceGraphs, View
from brpnas.predictors.deviations import Deviations, fit_deviations
from brpnas.predictors.ensemble import GraphEnsemble, SavedEnsemble, train_members
from brpnas.predictors.files import refuse_file
from brpnas.predictors.sums import OperationSum, best_share, fit_sum, networks_pay
from brpnas.predictors.training import (
    FloatArray,
    Labelled,
    TrainedNetwork,
    TrainingConfig,
    TrainingTask,
    absolute_error,
)
from brpnas.spaces.network import SIZE_PATTERN
from brpnas.typed import Fraction

__all__ = ["MeasuredRows", "MetricPredictor", "check_positive", "choose_view", "fit_metric"]

_KIND = "latency"  # of every metric: earlier versions wrote latencies only
_SPREAD = "deviations"
"""Prefix of the tensors of `Deviations` in a file."""
_SUM = "sum"
"""Prefix of the tensors of `OperationSum` in a file."""
_PILOT_SHARE = 0.4


def check_positive(values: npt.NDArray[np.floating], of: str = "") -> None:
    """Check that measured values are positive and finite.

    Args:
        values: Values of a metric, shape ``[N]``.
        of: Owner of the values in the message, with a space after it.

    Raises:
        SchemaError: Names the first other value and its row.
    """
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        raise SchemaError(
            f"Measured values {of}must be positive and finite, not {values[wrong[0]]:g} as in row "
            f"{wrong[0]}; check the table of the device."
        )


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """Measured architectures: rows of a `SpaceGraphs`, and values of a metric, both ``[N]``."""

    rows: npt.NDArray[np.int64]
    values: FloatArray

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if len(self.rows) != len(values):
            raise ConfigurationError(f"{len(self.rows)} rows but {len(values)} measured values.")
        check_positive(values)


class _MetricModule(nn.Module):
    """The models with their scale undone: the metric in its unit."""

    def __init__(self, predictor: MetricPredictor) -> None:
        super().__init__()
        self.ensemble, self.sum, self.share = predictor.ensemble, predictor.sum, predictor.share
        self.location, self.scale = predictor.location, predictor.scale

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        """The metric in its unit, shape ``[B]``."""
        output: Tensor = self.ensemble(ops, adj)
        if self.sum is not None:
            output = (1 - self.share) * output + self.share * self.sum(ops)
        return torch.exp(output * self.scale + self.location)


@dataclass(frozen=True, eq=False)
class MetricPredictor:
    """Predicts a metric of architectures on one device.

    Networks regress the standardised logarithm, since the bounds of interest are relative. A sum
    over operations stands beside them where it clearly lowers the error on validation rows.

    Args:
        ensemble: Trained networks.
        view: View of the cells.
        location: Offset in ``log(value / unit) = output * scale + location``.
        scale: Factor in the same formula.
        metric: Name of the metric, one of `brpnas.datasets.MEASURED`.
        network_size: Size of the measured networks (`NetworkConfig.size`); None if unknown.
        history: Losses by member and epoch (``member, epoch, train_loss, valid_loss``).
        spread: Deviations of the predictions; None in files of earlier versions.
        sum: The sum over operations, of the same standardised output; None if it does not help.
        share: Share of the sum in the output, the rest is that of the networks.
    """

    ensemble: GraphEnsemble
    view: View
    location: float
    scale: float
    metric: str = LATENCY_MS
    network_size: str | None = None
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    spread: Deviations | None = field(default=None, repr=False)
    sum: OperationSum | None = field(default=None, repr=False)
    share: float = 0.0

    @property
    def views(self) -> tuple[View, ...]:
        """Views of a cell to read."""
        return (self.view,)

    def predict(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
        """The metric of every architecture of the space, in its unit, shape ``[N]``."""
        return self.predict_batch(graphs.view(self.view))

    def predict_batch(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """The metric of graphs in this predictor's view, in its unit, shape ``[N]``."""
        return np.asarray(np.exp(self.outputs(graphs) * self.scale + self.location))

    def outputs(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Standardised log of the metric of graphs in this predictor's view, shape ``[N]``."""
        output = self.ensemble.outputs(graphs)
        if self.sum is None:
            return output
        return (1 - self.share) * output + self.share * self.sum.outputs(graphs)

    def deviations(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64] | None:
        """Standard deviation of the log error of each prediction, ``[N]``; None if unknown."""
        if self.spread is None:
            return None
        batch = graphs.view(self.view)
        return self.spread(batch, self.outputs(batch))

    def digest(self) -> str:
        """Short hash of the predictions; the bytes of a file also depend on its metadata."""
        found = hashlib.sha256(repr((self.view, self.location, self.scale)).encode())
        tensors = {**self.ensemble.state_dict(), **self._sum_tensors()}
        if self.sum is not None:
            found.update(repr(self.share).encode())
        for name, values in sorted(tensors.items()):
            found.update(name.encode() + values.cpu().numpy().tobytes())
        return found.hexdigest()[:16]

    def module(self) -> nn.Module:
        """Torch module ``(ops, adj) -> value of the metric``, for export."""
        return _MetricModule(self).eval()

    def save(self, path: Path) -> None:
        """Write to a safetensors file, without the history."""
        extra: dict[str, object] = {
            "view": self.view,
            "location": self.location,
            "scale": self.scale,
            "metric": self.metric,
        }
        if self.network_size is not None:
            extra["network_size"] = self.network_size
        spread = {} if self.spread is None else self.spread.tensors()
        tensors = {f"{_SPREAD}.{name}": tensor for name, tensor in spread.items()}
        if self.sum is not None:
            extra["share"] = self.share
        self.ensemble.save(path, _KIND, extra, tensors | self._sum_tensors())

    def _sum_tensors(self) -> dict[str, Tensor]:
        own = {} if self.sum is None else self.sum.state_dict()
        return {f"{_SUM}.{name}": tensor for name, tensor in own.items()}

    @classmethod
    def load(cls, path: Path) -> MetricPredictor:
        """Read the file of `save`.

        Raises:
            SchemaError: If the file is not a predictor of a metric.
        """
        ensemble, saved, others = GraphEnsemble.load(path, _KIND, _Saved, besides=(_SPREAD, _SUM))
        tensors, own = others[_SPREAD], others[_SUM]
        try:
            spread = Deviations.of_tensors(tensors) if tensors else None
            operation_sum = OperationSum.of_tensors(own, saved.num_ops) if own else None
        except ValueError as error:
            refuse_file(path, str(error), error)
        return cls(
            ensemble,
            saved.view,
            saved.location,
            saved.scale,
            saved.metric,
            saved.network_size,
            spread=spread,
            sum=operation_sum,
            share=saved.share,
        )


class _Saved(SavedEnsemble):
    """Metadata of the file; the scale refers to standardised logarithms of the metric."""

    view: View
    metric: str = Field(LATENCY_MS, pattern=MEASURED_PATTERN)  # earlier versions wrote none
    location: float = Field(ge=-50, le=50)
    scale: float = Field(gt=0, le=50)
    network_size: str | None = Field(None, pattern=SIZE_PATTERN)
    share: Fraction = 0.0


def fit_metric(  # noqa: PLR0913 - one argument per choice, all but four with defaults
    graphs: SpaceGraphs,
    train: MeasuredRows,
    valid: MeasuredRows,
    config: TrainingConfig,
    *,
    view: View | Literal["auto"] = "auto",
    members: int = 2,
    bound: float | None = 0.1,
    metric: str = LATENCY_MS,
    seed: int = 0,
    pool: Executor | None = None,
    progress: bool = False,
) -> MetricPredictor:
    """Train a predictor of a metric; weights and view are chosen on the validation rows.

    A sum over operations is fitted too, and takes a share of the output that the validation rows
    decide, often none (`brpnas.predictors.sums`). If the networks that chose the view hardly lower
    the error of the sum, no other networks are trained and the sum alone predicts.

    Args:
        graphs: The space.
        train: Training rows.
        valid: Validation rows, disjoint from ``train``.
        config: Size and schedule of the networks.
        view: View of the cells, or ``auto`` to try `DEVICE_VIEWS` on the validation rows.
        members: Networks to average.
        bound: Relative error of a hit. The prediction is scaled by one factor if this makes
            significantly more training and validation rows hits: for skewed measurements the median
            is not the best guess under a bound. Smaller bounds pay for it. None always predicts the
            median.
        metric: Name of the metric of the rows, one of `brpnas.datasets.MEASURED`.
        seed: Seeds the networks.
        pool: Processes to train in, see `brpnas.predictors.training_pool`.
        progress: Show a progress bar.

    Raises:
        UnknownNameError: If no such metric is measured.
        ConfigurationError: If rows are missing, or training and validation rows overlap.
    """
    if metric not in MEASURED:
        raise UnknownNameError("measured metric", metric, MEASURED)
    if not len(train.rows) or not len(valid.rows):
        raise ConfigurationError(
            f"A predictor needs training and validation rows, not {len(train.rows)} and "
            f"{len(valid.rows)}."
        )
    if members < 1:
        raise ConfigurationError(f"members must be 1 or more, not {members}.")
    if bound is not None and not bound > 0:
        raise ConfigurationError(f"bound must be positive or null, not {bound}.")
    if np.intersect1d(train.rows, valid.rows).size:
        raise ConfigurationError("Training and validation rows overlap.")
    logs = np.log(train.values)
    location, scale = float(logs.mean()), max(float(logs.std()), 1e-6)

    def labelled(name: View, part: MeasuredRows) -> Labelled:
        return Labelled(graphs.view(name)[part.rows], (np.log(part.values) - location) / scale)

    def task(name: View, member: int, settings: TrainingConfig) -> TrainingTask:
        own, tested = labelled(name, train), labelled(name, valid)
        return TrainingTask(own, settings, absolute_error, 1000 * seed + member, tested)

    def ensemble_of(networks: Sequence[TrainedNetwork], name: View) -> GraphEnsemble:
        return GraphEnsemble.of(networks, config, graphs.view(name).num_ops)

    trained: list[TrainedNetwork] = []
    if view == "auto":
        pilot = replace(config, epochs=max(1, round(config.epochs * _PILOT_SHARE)))
        pilots = train_members(
            [task(name, 0, pilot) for name in DEVICE_VIEWS], pool, progress=progress
        )
        view = choose_view(
            {name: min(p.valid_loss) for name, p in zip(DEVICE_VIEWS, pilots, strict=True)}
        )
        trained = [pilots[DEVICE_VIEWS.index(view)]]
    learnt, tested = labelled(view, train), labelled(view, valid)
    sums = fit_sum(learnt.graphs, learnt.targets).outputs(tested.graphs)
    if trained and not networks_pay(
        ensemble_of(trained, view).outputs(tested.graphs), sums, tested.targets
    ):
        ensemble, share = ensemble_of(trained, view), 1.0
    else:
        tasks = [task(view, member, config) for member in range(members)]
        trained = train_members(tasks, pool, progress=progress)
        ensemble = ensemble_of(trained, view)
        share = best_share(ensemble.outputs(tested.graphs), sums, tested.targets)
    known = MeasuredRows(
        np.concatenate([train.rows, valid.rows]),
        np.concatenate([train.values, valid.values]),
    )
    every = labelled(view, known)
    predictor = MetricPredictor(
        ensemble,
        view,
        location,
        scale,
        metric,
        history=_history(trained),
        sum=fit_sum(every.graphs, every.targets) if share else None,
        share=share,
    )
    batch = every.graphs
    log_ratio = np.log(predictor.predict_batch(batch) / known.values)
    is_training = np.arange(len(known.rows)) < len(train.rows)
    spread = fit_deviations(batch, predictor.outputs(batch), -log_ratio, is_training)
    shift = 0.0 if bound is None else _best_shift(log_ratio, bound)
    return replace(predictor, location=location + shift, spread=spread)


def choose_view(valid_loss: dict[View, float]) -> View:
    """View with the smallest validation loss; the pruned one on a tie."""
    return min(DEVICE_VIEWS, key=lambda name: valid_loss[name])


def _best_shift(log_ratio: FloatArray, bound: float) -> float:
    """Shift of log predictions for the most hits within the bound; 0 unless it helps significantly.

    Hits are counted softly, over a tenth of the bound, because rows are few. The shift must win
    significantly more rows than it loses (McNemar's test, one-sided, at 5 %).
    """
    shifts = np.linspace(-bound / 2, bound / 2, 101)
    error = np.abs(np.expm1(log_ratio[None, :] + shifts[:, None]))
    best = scipy.special.expit((bound - error) / (bound / 10)).mean(axis=1).argmax()
    before, after = np.abs(np.expm1(log_ratio)) <= bound, error[best] <= bound
    won, lost = int((after & ~before).sum()), int((before & ~after).sum())
    return float(shifts[best]) if won - lost > 1.645 * math.sqrt(won + lost) else 0.0


def _history(trained: Sequence[TrainedNetwork]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "member": member,
                    "epoch": np.arange(len(network.train_loss)),
                    "train_loss": network.train_loss,
                    "valid_loss": network.valid_loss,
                }
            )
            for member, network in enumerate(trained)
        ],
        ignore_index=True,
    )

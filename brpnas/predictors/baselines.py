"""Latency baselines: from one count, or from a sum over operations.

`ProxyBaseline` takes latency as a power of FLOPs (or parameters). `EdgeLinearBaseline` adds a cost
for each operation and place, blind to dead operations, overlap and fusion. `baseline_predictions`
fits all of them on the training rows of a predictor. They have no tuned settings, so they need no
validation rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.graphs import GraphBatch, SpaceGraphs
from brpnas.predictors.metric import MeasuredRows, check_positive

__all__ = ["EdgeLinearBaseline", "ProxyBaseline", "baseline_predictions"]

Float64Array = npt.NDArray[np.float64]

_PROXIES = {"flops": "flops_m", "params": "params_m"}
_REACH, _SAME = 10.0, 1e-9


@dataclass(frozen=True)
class ProxyBaseline:
    """Straight line of log latency in the logarithm of one count: ``latency = a * count ** b``.

    A zero counts as the smallest positive fitted count. For an unknown count, and if all fitted
    counts are equal, the prediction is the geometric mean of the fitted latencies.

    Args:
        slope: Exponent ``b``.
        smallest: Smallest positive fitted count.
        centre: Mean logarithm of the fitted counts.
        location: Mean logarithm of the fitted latencies in ms.
        limits: Smallest and greatest predicted latency in ms.
    """

    slope: float
    smallest: float
    centre: float
    location: float
    limits: tuple[float, float]

    @classmethod
    def fit(cls, counts: npt.ArrayLike, latency_ms: npt.ArrayLike) -> ProxyBaseline:
        """Least squares on logarithms.

        Args:
            counts: FLOPs or parameters in any unit, NaN where unknown, shape ``[N]``.
            latency_ms: Latency of each, positive, shape ``[N]``.

        Raises:
            ConfigurationError: Without rows, or without one latency per count.
            SchemaError: If a latency is not positive and finite.
        """
        x = np.asarray(counts, np.float64)
        latency = _latencies(latency_ms, len(x))
        limits, log_latency = _limits(latency), np.log(latency)
        known, smallest = ~np.isnan(x), float(np.min(x[x > 0], initial=np.inf))
        if not np.isfinite(smallest):
            return cls(0.0, 1.0, 0.0, float(log_latency.mean()), limits)
        log_counts = np.log(np.where(x[known] > 0, x[known], smallest))
        log_latency = log_latency[known]
        centre, location = float(log_counts.mean()), float(log_latency.mean())
        slope = 0.0
        if np.ptp(log_counts) > _SAME:
            offset = log_counts - centre
            slope = float(offset @ log_latency) / float(offset @ offset)
        return cls(slope, smallest, centre, location, limits)

    def predict(self, counts: npt.ArrayLike) -> Float64Array:
        """Latency in ms for each count, shape ``[N]``."""
        x = np.asarray(counts, np.float64)
        offset = np.log(np.where(x <= 0, self.smallest, x)) - self.centre
        log_latency = self.location + self.slope * np.nan_to_num(offset, nan=0.0)
        bounds = np.log(self.limits)
        return np.asarray(np.exp(np.clip(log_latency, *bounds)))


@dataclass(frozen=True, eq=False)
class EdgeLinearBaseline:
    """Sum of one latency per node and operation, fitted by ridge regression.

    The target is latency in ms, not its logarithm: the times of sequential operations add up, so
    this model is exact for a device without overlap or fusion. Negative sums are clipped. Reads the
    raw view of any space.

    Args:
        weights: Latency in ms of each operation at each node, shape ``[V, num_ops]``.
        intercept: Latency in ms of an empty cell.
        limits: Smallest and greatest predicted latency in ms.
    """

    weights: Float64Array
    intercept: float
    limits: tuple[float, float]

    @classmethod
    def fit(
        cls, graphs: GraphBatch, latency_ms: npt.ArrayLike, ridge: float = 1e-4
    ) -> EdgeLinearBaseline:
        """Ridge regression on the one-hot operation of each node; the mean is not shrunk.

        Args:
            graphs: Architectures in the raw view, ``N`` of them.
            latency_ms: Latency of each, positive, shape ``[N]``.
            ridge: Penalty per row. One-hot columns of a node sum to one, so it must be positive;
                the default barely shrinks.

        Raises:
            ConfigurationError: Without rows or one latency per graph, or with a penalty of 0
                or less.
            SchemaError: If a latency is not positive and finite.
        """
        if not ridge > 0:
            raise ConfigurationError(f"ridge must be positive, not {ridge!r}.")
        latency = _latencies(latency_ms, len(graphs))
        features = _one_hot(graphs)
        mean, intercept = features.mean(axis=0), float(latency.mean())
        centred = features - mean
        gram = centred.T @ centred + ridge * len(latency) * np.eye(features.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (latency - intercept))
        shape = graphs.num_nodes, graphs.num_ops
        return cls(weights.reshape(shape), intercept - float(mean @ weights), _limits(latency))

    def predict(self, graphs: GraphBatch) -> Float64Array:
        """Latency in ms of each graph, shape ``[N]``.

        Raises:
            ConfigurationError: If the graphs have other nodes or operations than the fitted ones.
        """
        if (graphs.num_nodes, graphs.num_ops) != self.weights.shape:
            raise ConfigurationError(
                f"Fitted on graphs of (nodes, operations) {self.weights.shape}, not "
                f"{(graphs.num_nodes, graphs.num_ops)}: predict graphs of the same space."
            )
        terms = self.weights[np.arange(graphs.num_nodes), graphs.ops]
        return np.asarray(np.clip(terms.sum(axis=1) + self.intercept, *self.limits))


def baseline_predictions(
    graphs: SpaceGraphs, architectures: pd.DataFrame, train: MeasuredRows
) -> dict[str, Float64Array]:
    """Fit every baseline on the same rows and predict the whole space.

    Args:
        graphs: The space, with its raw view.
        architectures: Columns ``arch_id, flops_m, params_m`` in any order; counts may be null.
        train: Rows to learn from.

    Returns:
        Latency in ms of every architecture, in the order of ``graphs``, each of shape ``[N]``:
        ``flops`` and ``params`` (`ProxyBaseline`), ``edge_linear`` (`EdgeLinearBaseline`).

    Raises:
        ConfigurationError: Without rows.
        SchemaError: If the table lacks a column, lacks an architecture, or has one twice.
    """
    counts = _counts(graphs, architectures)
    predictions = {}
    for name, column in _PROXIES.items():
        values = counts[column].to_numpy(np.float64)
        proxy = ProxyBaseline.fit(values[train.rows], train.values)
        predictions[name] = proxy.predict(values)
    raw = graphs.view("raw")
    linear = EdgeLinearBaseline.fit(raw[train.rows], train.values)
    return {**predictions, "edge_linear": linear.predict(raw)}


def _counts(graphs: SpaceGraphs, architectures: pd.DataFrame) -> pd.DataFrame:
    """The counts of the architectures in the order of the graphs."""
    absent = {"arch_id", *_PROXIES.values()} - set(architectures.columns)
    if absent:
        raise SchemaError(
            f"The architectures table lacks {', '.join(sorted(absent))}: run ingest again."
        )
    table = architectures.set_index("arch_id")[list(_PROXIES.values())]
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise SchemaError(f"The architectures table holds {twice!r} more than once.")
    missing = pd.Index(graphs.arch_ids).difference(table.index)
    if len(missing):
        raise SchemaError(
            f"The architectures table lacks {len(missing)} of {len(graphs)} architectures of "
            f"{graphs.space}, {missing[0]!r} among them: run ingest again."
        )
    return table.loc[list(graphs.arch_ids)]


def _one_hot(graphs: GraphBatch) -> Float64Array:
    """Operation of each node as a unit vector, shape ``[N, V * num_ops]``."""
    return np.eye(graphs.num_ops)[graphs.ops].reshape(len(graphs), -1)


def _latencies(latency_ms: npt.ArrayLike, rows: int) -> Float64Array:
    latency = np.asarray(latency_ms, np.float64)
    if not rows or latency.shape != (rows,):
        raise ConfigurationError(
            f"A baseline needs measured rows, one latency each, not {latency.size} latencies for "
            f"{rows} row(s)."
        )
    check_positive(latency)
    return latency


def _limits(latency: Float64Array) -> tuple[float, float]:
    """Latencies ten times beyond the fitted ones, the range of predictions."""
    return float(latency.min()) / _REACH, float(latency.max()) * _REACH

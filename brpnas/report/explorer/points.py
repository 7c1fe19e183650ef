"""Points of the explorer: every architecture with its known metrics, thinned if there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.metrics import COMPUTED, LATENCY_MS
from brpnas.report.constraints import upper_limits
from brpnas.report.data import ReportData
from brpnas.report.explorer.axes import TEST, VALID, Axis, axis_of, predicted
from brpnas.search.fronts import pareto_front

__all__ = ["LEADERS", "Explored", "explored"]

LEADERS = 10
"""Number of architectures in the list of the best within the limit."""
_MOST = 20_000
_MEASURED_SHARE = 0.9


@dataclass(frozen=True)
class Explored:
    """Content of the explorer.

    Attributes:
        points: ``arch_id``, ``round`` (NaN if not queried), ``member`` and ``knee`` (bool, of the
            front that the search found), and a column for each axis.
        axes: Metrics with at least one known value; the accuracies come first.
        x: Name of the horizontal axis at the start.
        y: Name of the vertical axis at the start.
        limits: Upper limit of the task by name of the axis.
        left_out: Number of architectures in no list and on no front that were left out.
    """

    points: pd.DataFrame
    axes: tuple[Axis, ...]
    x: str
    y: str
    limits: dict[str, float]
    left_out: int


def explored(data: ReportData, most: int = _MOST) -> Explored | None:
    """Collect points and axes of a report.

    The vertical axis starts with the test accuracy; without any, with the validation accuracy. The
    horizontal one starts with the first cost of the objectives, or the metric of the first limit,
    or the latency; measured if the winner and nine tenths of the points are measured, otherwise
    predicted.

    Args:
        data: Content of the report.
        most: Largest number of points. Further ones are sampled at random, except the queried,
            those on a front of two axes, and those among the best within some limit.

    Returns:
        None if no architecture has both an accuracy and another metric.
    """
    table = _merged(data)
    found = [axis_of(str(column), data.metric) for column in table.columns]
    axes = [axis for axis in found if axis is not None and table[axis.name].notna().any()]
    axes.sort(key=lambda axis: axis.cost)
    accuracies = [axis for axis in axes if not axis.cost]
    y = next((axis for axis in accuracies if axis.name == TEST), None) or next(
        iter(accuracies), None
    )
    if y is None:
        return None
    x = _horizontal(table[table[y.name].notna()], axes, data)
    if x is None:
        return None
    kept = _thinned(table, axes, most)
    limits = upper_limits(data.constraints, data.device)
    return Explored(
        points=table[kept].reset_index(drop=True),
        axes=tuple(axes),
        x=x,
        y=y.name,
        limits={axis.name: limits[axis.metric] for axis in axes if axis.metric in limits},
        left_out=int((~kept).sum()),
    )


def _merged(data: ReportData) -> pd.DataFrame:
    """Space and history by architecture; where both know a value, that of the space counts."""
    answered = data.history[data.history["status"] == "ok"].groupby("arch_id", sort=False)
    queries = answered.first().assign(round=answered["round"].min())
    queries[VALID] = answered["accuracy"].mean()
    parts = [queries]
    if data.space is not None:
        parts.insert(0, data.space.drop_duplicates("arch_id").set_index("arch_id"))
    order = pd.Index(np.concatenate([part.index for part in parts]), name="arch_id").unique()
    table = pd.DataFrame(index=order)
    for part in parts:
        for column in part.columns:
            name = _name(str(column))
            if axis_of(name) is not None or name == "round":
                values = part[column].astype(np.float64).reindex(order)
                table[name] = table[name].fillna(values) if name in table else values
    front = {} if data.front is None else data.front.set_index("arch_id")["knee"].to_dict()
    return table.assign(
        member=order.isin(list(front)),
        knee=order.isin([name for name, knee in front.items() if knee]),
    ).reset_index()


def _name(column: str) -> str:
    """The column without ``predicted_`` if its metric is computed and not predicted."""
    return next((metric for metric in COMPUTED if column == predicted(metric)), column)


def _horizontal(table: pd.DataFrame, axes: Sequence[Axis], data: ReportData) -> str | None:
    """Name of the horizontal axis at the start."""
    costs = [axis for axis in axes if axis.cost and table[axis.name].notna().any()]
    for metric in (
        *(text.removeprefix("-") for text in data.task.get("objectives", ())),
        *upper_limits(data.constraints, data.device),
        LATENCY_MS,
        *(axis.metric for axis in costs),
    ):
        names = [axis.name for axis in costs if axis.metric == metric]
        if metric in names:
            known = table[metric].notna()
            winner = known[table["arch_id"] == data.chosen["arch_id"]]
            if names == [metric] or (known.mean() >= _MEASURED_SHARE and winner.all()):
                return metric
        if predicted(metric) in names:
            return predicted(metric)
    return None


def _thinned(table: pd.DataFrame, axes: Sequence[Axis], most: int) -> npt.NDArray[np.bool_]:
    """Mask of the points that are kept."""
    if len(table) <= most:
        return np.ones(len(table), np.bool_)
    kept = np.array(table["round"].notna() | table["member"])
    costs = {a.name: table[a.name].to_numpy() * (1 if a.cost else -1) for a in axes}
    for one, other in combinations(costs.values(), 2):
        kept |= _leading(one, other)
    rest = np.flatnonzero(~kept)
    chosen = np.random.default_rng(0).permutation(rest)[: max(most - int(kept.sum()), 0)]
    kept[chosen] = True
    return kept


def _leading(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Mask of a superset of the best `LEADERS` within any limit: that many successive fronts."""
    found = np.zeros(len(one), np.bool_)
    left = np.flatnonzero(~np.isnan(one) & ~np.isnan(other))
    for _ in range(LEADERS):
        front = pareto_front(-np.column_stack([one[left], other[left]]))
        found[left[front]] = True
        left = left[~front]
    return found

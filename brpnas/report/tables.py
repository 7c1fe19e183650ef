"""Tables of the page, formatted as text.

Each function returns a `Table` of a part of `ReportData`; the template does no arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brpnas.datasets.metrics import METRICS
from brpnas.report.explorer.axes import axis_of
from brpnas.report.format import (
    MISSING,
    as_float,
    correlation,
    milliseconds,
    percent,
    points,
)
from brpnas.report.plots.traces import HYPERVOLUME, known_curves, sampler_order, spread
from brpnas.search.fronts import pareto_front

__all__ = [
    "Table",
    "TableCell",
    "checkpoint_table",
    "front_table",
    "history_table",
    "members_table",
    "metrics_table",
    "search_table",
]


@dataclass(frozen=True)
class TableCell:
    """One cell: its text, a number for sorting, and whether it is highlighted."""

    text: str
    value: float | None = None
    best: bool = False
    code: bool = False

    @property
    def number(self) -> bool:
        """Whether it is aligned as a number, a missing number included."""
        return self.value is not None or self.text == MISSING

    @property
    def classes(self) -> str:
        """CSS classes of the cell."""
        marks = (("number", self.number), ("best", self.best), ("code", self.code))
        return " ".join(name for name, holds in marks if holds)


@dataclass(frozen=True)
class Table:
    """Heads and rows; the first cell of a row names it."""

    heads: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]


_METRICS = (
    ("within_1", "±1 %", 1),
    ("within_5", "±5 %", 1),
    ("within_10", "±10 %", 1),
    ("spearman", "ρ", 0),
    ("kendall", "τ", 0),
    ("mape", "MAPE", 1),
)
_MODELS = {
    "gcn": "GCN",
    "gin": "GIN",
    "gat": "GAT",
    "flops": "FLOPs",
    "params": "parameters",
    "edge_linear": "linear per edge",
    "layerwise": "layer-wise sum",
}


def metrics_table(metrics: Mapping[str, Mapping[str, float]]) -> Table:
    """Figures on test rows, one row per model; the best of each column is highlighted."""
    columns = []
    for key, _, digits in _METRICS:
        values = [as_float(figures[key]) for figures in metrics.values()]
        known = [value for value in values if value is not None]
        best = (min if key == "mape" else max)(known, default=None)
        columns.append(
            [
                TableCell(
                    percent(v, digits) if digits else correlation(v), v, v is not None and v == best
                )
                for v in values
            ]
        )
    names = [_MODELS.get(name, name) for name in metrics]
    rows = tuple((TableCell(name), *cells) for name, *cells in zip(names, *columns, strict=True))
    return Table(("model", *(head for _, head, _ in _METRICS)), rows)


def history_table(history: pd.DataFrame, metric: str = "accuracy") -> Table:
    """Every query of the main search in order."""
    broken = ~_choosable(history)
    rows = tuple(
        (
            TableCell(str(row.query), as_float(row.query)),
            TableCell(str(row.round), as_float(row.round)),
            TableCell(str(row.arch_id), code=True),
            TableCell(percent(row.accuracy), as_float(row.accuracy)),
            TableCell(milliseconds(row.predicted_latency_ms), as_float(row.predicted_latency_ms)),
            TableCell(f"{row.status}, infeasible" if infeasible else str(row.status)),
        )
        for row, infeasible in zip(history.itertuples(), broken, strict=True)
    )
    answer = f"validation {metric}"
    heads = ("query", "round", "architecture", answer, "predicted latency", "status")
    return Table(heads, rows)


def _choosable(history: pd.DataFrame) -> pd.Series[bool]:
    """Whether the architecture of each query satisfies the constraints."""
    if "feasible" not in history:
        return pd.Series(True, history.index)
    return history["feasible"].astype(bool)


def front_table(history: pd.DataFrame, metric: str = "accuracy") -> Table:
    """Pareto front of the feasible answers, without a test set."""
    counts = (history["status"] == "ok") & _choosable(history)
    answers = history[counts].groupby("arch_id", as_index=False)
    asked = answers[["accuracy", "predicted_latency_ms"]].mean()
    mask = pareto_front(np.column_stack([asked["accuracy"], -asked["predicted_latency_ms"]]))
    front = asked[mask].sort_values(["predicted_latency_ms", "arch_id"])
    rows = tuple(
        (
            TableCell(str(row.arch_id), code=True),
            TableCell(milliseconds(row.predicted_latency_ms), as_float(row.predicted_latency_ms)),
            TableCell(percent(row.accuracy), as_float(row.accuracy)),
        )
        for row in front.itertuples()
    )
    return Table(("architecture", "predicted latency", f"validation {metric}"), rows)


def members_table(front: pd.DataFrame, metric: str = "accuracy") -> Table:
    """Members of the front of a search with several objectives; the knee is highlighted.

    They are numbered from 1, as `brpnas front` numbers them.

    Args:
        front: As `brpnas.report.ReportData.front`.
        metric: Metric of the search in words.
    """
    axes = [axis for axis in map(axis_of, map(str, front.columns)) if axis is not None]
    rows = tuple(
        (
            TableCell(str(number), float(number)),
            TableCell(str(row["arch_id"]), best=bool(row["knee"]), code=True),
            TableCell(percent(row["accuracy"]), as_float(row["accuracy"])),
            *(TableCell(f"{row[a.name]:.4g}", as_float(row[a.name])) for a in axes),
        )
        for number, (_, row) in enumerate(front.iterrows(), 1)
    )
    about = [METRICS[axis.metric.partition("@")[0]] for axis in axes]
    devices = [axis.metric.partition("@")[2] for axis in axes]
    labels = [
        f"{known.title.lower()}{device and f' on {device}'} ({known.unit})"
        for known, device in zip(about, devices, strict=True)
    ]
    return Table(("member", "architecture", metric, *labels), rows)


def search_table(traces: pd.DataFrame, metric: str = "accuracy") -> Table:
    """Result of each sampler at the shortest budget, mean and spread over seeds."""
    end = int(traces.groupby(["sampler", "seed"])["query"].max().min())
    final = traces[traces["query"] == end]
    columns = known_curves(final)
    if columns != [HYPERVOLUME] and "regret" in final and final["regret"].notna().any():
        columns.append("regret")
    groups = final.groupby("sampler")
    mean, deviation, seeds = groups[columns].mean(), groups[columns].std(), groups["seed"].nunique()
    best = {c: mean[c].min() if c == "regret" else mean[c].max() for c in columns}

    def cell(sampler: str, column: str) -> TableCell:
        value, sd = mean.loc[sampler, column], as_float(deviation.loc[sampler, column])
        text = points(value) if column == "regret" else _of_curve(column, as_float(value))
        if sd is not None:
            text += f" ± {_of_curve(column, sd) if column == HYPERVOLUME else points(sd)}"
        return TableCell(text, as_float(value), bool(value == best[column]))

    names = {
        "chosen_test": f"chosen: test {metric}",
        "best_test_seen": f"best mean test {metric} seen",
        "best_single_seed_test_seen": f"best single-seed test {metric} seen",
        "best_valid": f"best validation {metric} seen",
        "regret": "regret (points)",
        HYPERVOLUME: "hypervolume",
    }
    rows = tuple(
        (
            TableCell(sampler),
            TableCell(str(seeds[sampler]), float(seeds[sampler])),
            *(cell(sampler, c) for c in columns),
        )
        for sampler in sampler_order([str(name) for name in mean.index])
    )
    return Table((f"after {end + 1} queries", "seeds", *(names[c] for c in columns)), rows)


def checkpoint_table(traces: pd.DataFrame) -> Table:
    """Mean of the first known curve at evenly spaced budgets, one row per sampler.

    This is the test accuracy of the chosen, or without any the validation accuracy; of searches for
    a front the hypervolume.
    """
    names = known_curves(traces)
    if not names:
        return Table(("queries spent",), ())
    curve = spread(traces, names[0]).pivot(index="sampler", columns="queries", values="mean")
    last = int(curve.dropna(axis=1).columns.max())
    budgets = sorted({int(b) for b in np.ceil(np.linspace(0, last, 6)[1:])})
    rows = []
    for sampler in sampler_order(list(curve.index)):
        cells = [TableCell(sampler)]
        for budget in budgets:
            value = as_float(curve.loc[sampler, budget])
            top = value is not None and value == curve[budget].max()
            cells.append(TableCell(_of_curve(names[0], value), value, top))
        rows.append(tuple(cells))
    return Table(("queries spent", *(str(b) for b in budgets)), tuple(rows))


def _of_curve(column: str, value: float | None) -> str:
    """A value of a curve: percent, or a hypervolume."""
    if value is None:
        return MISSING
    return f"{value:.4f}" if column == HYPERVOLUME else percent(value)

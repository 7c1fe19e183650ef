"""Search curves: quality of the answer by number of queries, over several seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brpnas.report.palette import INK, OKABE_ITO, SAMPLER_COLOURS
from brpnas.report.svg import drawing, figure, to_svg

__all__ = ["CURVES", "HYPERVOLUME", "known_curves", "sampler_order", "search_curve", "spread"]

CURVES: dict[str, str] = {
    "chosen_test": "test accuracy of the chosen (%)",
    "best_test_seen": "best mean test accuracy seen (%)",
    "best_single_seed_test_seen": "best single-seed test accuracy seen (%)",
    "best_valid": "best validation accuracy seen (%)",
}
"""Drawn columns of a trace, with the label of their axis; see `known_curves`."""

HYPERVOLUME = "hypervolume"
"""Drawn column of a search for a front, in place of `CURVES`."""

_DASHES: tuple[tuple[float, ...], ...] = ((), (5, 1.5), (1.5, 1.2), (6, 1.5, 1.5, 1.5))


def known_curves(traces: pd.DataFrame) -> list[str]:
    """Columns of a trace with values: test accuracies, or without any the validation accuracy.

    Validation accuracy is optimistic for the architecture chosen by it. Searches for a front are
    compared by their hypervolume alone: each trades accuracy for costs in its own way.
    """
    if HYPERVOLUME in traces and traces[HYPERVOLUME].notna().any():
        return [HYPERVOLUME]
    known = [name for name in CURVES if name in traces and traces[name].notna().any()]
    return [name for name in known if name != "best_valid"] or known


def sampler_order(samplers: Sequence[str]) -> list[str]:
    """Order of samplers on the page: ``brp`` first, then by name."""
    return sorted(set(samplers), key=lambda name: (name != "brp", name))


def spread(traces: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean and quartiles of a curve over seeds.

    Args:
        traces: ``sampler``, ``seed``, ``query`` (from 0) and the column.
        column: The curve, a fraction.

    Returns:
        ``sampler``, ``queries`` (spent, from 1), ``mean``, ``q25``, ``q75``, ``seeds``.
    """
    groups = traces.groupby(["sampler", "query"])[column]
    table = groups.agg(["mean", "count"]).rename(columns={"count": "seeds"})
    table["q25"], table["q75"] = groups.quantile(0.25), groups.quantile(0.75)
    table = table[table["seeds"] > 0].reset_index()
    table["queries"] = table["query"] + 1
    return table[["sampler", "queries", "mean", "q25", "q75", "seeds"]]


def search_curve(
    traces: pd.DataFrame, column: str, optimum: float | None = None, metric: str = "accuracy"
) -> str:
    """Draw one curve per sampler: mean over seeds, with the interquartile range as a band.

    The axis starts at a tenth of the budget: the first random queries would squeeze the rest.

    Args:
        traces: ``sampler``, ``seed``, ``query`` (from 0) and the column, a fraction.
        column: A key of `CURVES`, or `HYPERVOLUME`.
        optimum: Best possible value, a fraction; drawn as a line.
        metric: Metric for the labels: ``accuracy`` or ``balanced accuracy``.
    """
    label = CURVES.get(column, column).replace("accuracy", metric)
    factor, unit = (1, "") if column == HYPERVOLUME else (100, " percent")
    table = spread(traces, column)
    last = int(table["queries"].max())
    first = max(1, last // 10)
    shown = table[table["queries"] >= first]
    with drawing():
        drawn, axes = figure(5.6, 4.1)
        for i, sampler in enumerate(sampler_order(table["sampler"].tolist())):
            rows = shown[shown["sampler"] == sampler]
            colour = OKABE_ITO[SAMPLER_COLOURS[i % len(SAMPLER_COLOURS)]]
            x = rows["queries"].to_numpy(np.float64)
            low, high = (factor * rows[q].to_numpy(np.float64) for q in ("q25", "q75"))
            if rows["seeds"].max() > 1:
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            dashes = _DASHES[i % len(_DASHES)]
            axes.plot(
                x,
                factor * rows["mean"].to_numpy(np.float64),
                color=colour,
                dashes=dashes or (None, None),
                label=sampler,
            )
        if optimum is not None:
            axes.axhline(
                factor * optimum, color=INK, linewidth=1, dashes=(2, 2), label="optimum (mean)"
            )
        axes.set_xlim(first, last) if last > first else None
        axes.set_xlabel("queries spent")
        axes.set_ylabel(label)
        axes.legend(loc="lower right")
        ends = table[table["queries"] == table.groupby("sampler")["queries"].transform("max")]
        results = ", ".join(
            f"{sampler} {factor * mean:.4g}{unit}"
            for sampler, mean in zip(ends["sampler"], ends["mean"], strict=True)
        )
        mean = ", mean over seeds" if table["seeds"].max() > 1 else ""
        alt = f"{label} against queries spent{mean}; at the end {results}."
        return to_svg(drawn, column.replace("_", "-"), alt)

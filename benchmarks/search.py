"""What a search of NAS-Bench-201 finds on CIFAR-100 within a budget of queries.

A query reveals the validation accuracy of one random training seed of a cell (200 epochs). The
answer is the queried cell with the best mean validation answer, scored by its test accuracy
averaged over training seeds (``chosen``); ``seen`` is the best such test accuracy among all queried
cells. Cells that compute the same function are queried once. No latency constraint. The published
curves plot the best *single-seed* test accuracy seen, which can exceed the optimum of the means; it
is printed as ``single`` to compare with them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import Benchmark, settings, stopwatch, training_config
from brpnas.predictors import BinaryRelationPredictor
from brpnas.search import HeldOutScores, Sampler, SearchContext, TableOracle, compare, get_sampler
from brpnas.spaces import get_space

__all__ = ["brp_sampler", "context_of", "run"]

DATASET, FROM = "cifar100", 40


def context_of(bench: Benchmark, view: str) -> SearchContext:
    """The unconstrained task in the view that the ranker reads."""
    return SearchContext.create(get_space(bench.space_name), bench.graphs, seed=0, view=view)


def brp_sampler(values: dict[str, Any], rounds: int) -> Sampler:
    """The BRP sampler by the settings of the stage `search`."""
    ranker = values["ranker"]
    make = functools.partial(
        BinaryRelationPredictor, training_config(ranker), ranker["members"], ranker["view"]
    )
    return get_sampler("brp", {"rounds": rounds}, make_ranker=make)


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Print the table and return its figures."""
    values = settings("search")
    seeds = seeds or (3 if quick else 20)
    budget = values["budget"]
    print(__doc__)
    print(f"{seeds} seeds, {budget} queries, {workers} processes, settings: {values}\n")
    samplers = {
        f"brp, {values['rounds']} rounds": brp_sampler(values, values["rounds"]),
        "brp, 5 rounds": brp_sampler(values, 5),
        "evolution": get_sampler("evolution", {}),
        "random": get_sampler("random", {}),
    }
    scores = HeldOutScores.from_table(bench.accuracy, DATASET)
    context = context_of(bench, values["ranker"]["view"])
    oracle = TableOracle(bench.accuracy, DATASET, 0)
    with stopwatch() as seconds:
        traces = compare(
            context, samplers, oracle.reseeded, scores,
            budget=budget, seeds=range(seeds), workers=workers,
        )  # fmt: skip
    columns = {
        "chosen": "chosen_test", "seen": "best_test_seen", "single": "best_single_seed_test_seen"
    }  # fmt: skip
    figures = {name: _figures(traces[traces["sampler"] == name], columns) for name in samplers}
    marks = [b for b in (20, 40, 60, 80, 100) if b <= budget]
    print(f"Test accuracy in percent, mean over {seeds} seeds ± standard deviation between them; "
          f"optimum {100 * scores.optimum:.2f}.\n")  # fmt: skip
    for key in columns:
        print(key)
        for name in samplers:
            mean, spread = (100 * part for part in figures[name][key])
            cells = [f"{b}: {mean[b - 1]:.2f} ± {spread[b - 1]:.2f}" for b in marks]
            print(f"  {name:16}" + "   ".join(cells))
    lead = _lead(figures, budget)
    print(f"\nSmallest lead of the default BRP at any budget from {FROM} on, points: {lead}")
    print(f"All {seeds * len(samplers)} searches took {seconds[0]:.0f} s.")
    return {
        "seeds": seeds,
        "dataset": DATASET,
        "optimum": round(100 * scores.optimum, 3),
        "lead": lead,
        "test_accuracy": {
            name: {
                str(b): {
                    key: [round(100 * float(part[b - 1]), 3) for part in figures[name][key]]
                    for key in columns
                }
                for b in marks
            }
            for name in samplers
        },
    }


def _figures(
    traces: pd.DataFrame, columns: dict[str, str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    by_query = traces.groupby("query")
    return {
        key: (by_query[column].mean().to_numpy(), by_query[column].std(ddof=1).to_numpy())
        for key, column in columns.items()
    }


def _lead(figures: dict[str, Any], budget: int) -> dict[str, dict[str, float]]:
    """Smallest difference of the mean curves from `FROM` queries on, in points of accuracy."""
    default = next(iter(figures))
    return {
        other: {
            key: round(
                100
                * float(
                    (figures[default][key][0] - figures[other][key][0])[FROM - 1 : budget].min()
                ),
                3,
            )
            for key in ("chosen", "seen")
        }
        for other in ("evolution", "random")
    }

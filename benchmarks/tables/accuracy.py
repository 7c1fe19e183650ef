"""Accuracy: rankers by training cells, searches by queries."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Result, markdown, spread

__all__ = ["darts", "darts_leads", "kendall", "nb101", "protocol", "queries", "training"]

_RANKERS = {
    "brp": "ranker of the search",
    "pairwise": "pairwise ranker",
    "process": "Gaussian process",
    "brp, test": "ranker, against test accuracy",
    "isomorphic": "isomorphic cells",
    "valid, test": "validation against test",
    "two runs": "one run against another",
    "seconds": "seconds",
}


def kendall(by_cells: Result) -> str:
    """Tau of each ranker by number of training cells, of one space."""
    kinds = [kind for kind in _RANKERS if kind in next(iter(by_cells.values()))]
    rows = [
        [
            f"{int(cells):,}",
            *(spread(values.get(kind), 1 if kind == "seconds" else 3) for kind in kinds),
            f"{values['ceiling']:.3f}",
        ]
        for cells, values in by_cells.items()
    ]
    return markdown(["training cells", *(_RANKERS[kind] for kind in kinds), "ceiling"], rows)


def training(result: Result) -> str:
    """Pairwise ranker against unary regression by number of training cells."""
    by_size: dict[int, dict[str, Any]] = {}
    for row in result["training"]:
        by_size.setdefault(row["size"], {})[row["ranker"]] = row
    rows = [
        [f"{size:,}", *(
            f"{found[ranker]['tau']:.3f} / {found[ranker]['seconds']:.1f}"
            for ranker in ("pairwise", "unary")
        )]
        for size, found in by_size.items()
    ]  # fmt: skip
    return markdown(["training cells", "pairwise ranker", "unary"], rows)


def queries(found: Result) -> str:
    """Accuracy of all samplers on one data set by queries."""
    marks = _marks(found)
    rows = [
        [
            name,
            *(
                f"{spread(values[m]['chosen'])} / {values[m]['seen'][0]:.2f} / "
                f"{values[m]['answers'][0]:.2f}"
                for m in marks
            ),
            ", ".join(f"{p:g}" for p in found["p"].get(name, {}).values()),
        ]
        for name, values in found["samplers"].items()
    ]
    return markdown(["sampler", *marks, f"p at {', '.join(marks)}"], rows)


def nb101(result: Result) -> str:
    """Ranks of the found cell."""
    marks = list(next(iter(result["median_rank"].values())))
    rows = [
        [
            name,
            *(f"{result['median_rank'][name][mark]:g}" for mark in marks),
            f"{100 * sum(rank <= 5 for rank in ranks) / len(ranks):.0f}",
            ", ".join(f"{rank:g}" for rank in sorted(ranks)),
        ]
        for name, ranks in result["ranks"].items()
    ]
    header = ["sampler", *(f"{mark} queries" for mark in marks), "in the best 5, %", "all ranks"]
    return markdown(header, rows)


def darts(found: Result) -> str:
    """Best accuracy of all samplers by one surrogate."""
    marks = _marks(found)
    rows = [
        [name, *(spread(values[m], 3) for m in marks)] for name, values in found["samplers"].items()
    ]
    return markdown(["sampler", *marks], rows)


def darts_leads(found: Result) -> str:
    """Lead of each sampler over the others by one surrogate."""
    rows = [
        [
            f"{name} against {other}",
            f"{values['smallest_lead']:.3f}",
            f"{values['largest_p']:g}",
            str(values["significant_from"] or "never"),
            ", ".join(f"{p:g}" for p in values["p"].values()),
        ]
        for name, others in found["against"].items()
        for other, values in others.items()
    ]
    header = ["", "smallest lead from query 21", "largest p from query 21",
              "significant (5 %) from query", f"p at {', '.join(_marks(found))}"]  # fmt: skip
    return markdown(header, rows)


def protocol(result: Result) -> str:
    """Agreement of two seeds by size of the network and training."""
    rows = []
    for row in result["settings"]:
        said = row["settings"]
        network = f"{said['stages']} x {said['cells_per_stage']} cells, {said['channels']} channels"
        training = (
            f"{said['epochs']} epochs, batches of {said['batch_size']}, rate "
            f"{said['learning_rate']:g}"
        )
        figures = [f"{row[key]:.2f}" for key in ("spearman", "spearman_better_half")]
        rows.append([network, training, *figures, spread(row["sd"], 1, 100), f"{row['seconds']}"])
    header = ["stages x cells, channels", "training", "Spearman of two seeds", "of the better half"]
    return markdown([*header, "± between seeds, points", "s"], rows)


def _marks(found: Result) -> list[str]:
    return [mark for mark in next(iter(found["samplers"].values())) if mark.isdigit()]

"""Targets of the project, and where the results contain their figures.

`ANCHORS` holds one entry per figure: the target, published figures, and a reader of our figure from
the JSON objects of `benchmarks/results`. A missing result reads as None.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ANCHORS", "ANY_DEVICE", "Anchor", "Results", "get"]

Results = Mapping[str, Mapping[str, Any]]
"""JSON object of each benchmark by name."""
ANY_DEVICE = "Any device"
"""Heading of the targets of the benchmark `devices`."""


@dataclass(frozen=True)
class Anchor:
    """A figure with a target.

    Attributes:
        group: Heading.
        what: Description of the figure.
        target: The target.
        ours: Reads our figure; None without a result.
        at_most: Whether smaller is better.
        published: Published figures.
        limit: Reads a ceiling to print beside it.
        digits: Decimals to print.
    """

    group: str
    what: str
    target: float
    ours: Callable[[Results], float | None]
    at_most: bool = False
    published: str = ""
    limit: Callable[[Results], float | None] = lambda _: None
    digits: int = 2

    def reached(self, results: Results) -> bool | None:
        """Whether ours is as good as the target; None if it was not run."""
        value = self.ours(results)
        if value is None:
            return None
        return value <= self.target if self.at_most else value >= self.target


def get(results: Any, *keys: str | int) -> Any:
    """Value under nested keys or places, None where one is missing."""
    for key in keys:
        try:
            results = results[key]
        except (KeyError, IndexError, TypeError):
            return None
    return results


def _constrained(dataset: str, by: str, *keys: str | int) -> Callable[[Results], float | None]:
    """A mean over devices and limits, of the case with the most confidence."""

    def read(results: Results) -> float | None:
        cases = get(results, "constrained", "cases") or []
        for case in sorted(cases, key=lambda case: -case["confidence"]):
            if (case["dataset"], case["limit_by"]) == (dataset, by):
                value: float | None = get(case, "all", *keys)
                return value
        return None

    return read


def _front(dataset: str, objectives: int, *keys: str) -> Callable[[Results], float | None]:
    """A figure over all devices of a search for a front."""

    def read(results: Results) -> float | None:
        for case in get(results, "front", "cases") or []:
            if (case["dataset"], case["objectives"]) == (dataset, objectives):
                value: float | None = get(case, "all", *keys)
                return value
        return None

    return read


def _reader(*keys: str | int) -> Callable[[Results], Any]:
    return lambda results: get(results, *keys)


def _count(*keys: str) -> Callable[[Results], float | None]:
    """Length of a list."""

    def read(results: Results) -> float | None:
        found = get(results, *keys)
        return None if found is None else float(len(found))

    return read


def _ranking(key: str) -> Callable[[Results], float | None]:
    def read(results: Results) -> float | None:
        rows = [r for r in get(results, "scale", "ranking") or [] if r["size"] == 423_624]
        return min((float(row[key]) for row in rows), default=None)

    return read


def _median_rank(results: Results) -> float | None:
    ranks = get(results, "nb101", "ranks", "brp")
    return float(statistics.median(ranks)) if ranks else None


def _darts(key: str, worst: Callable[..., float]) -> Callable[[Results], float | None]:
    def read(results: Results) -> float | None:
        against = get(results, "darts", "surrogates", "published", "against", "brp")
        return worst(against[o][key] for o in ("random", "evolution")) if against else None

    return read


def _not_worse(results: Results) -> float | None:
    ours, theirs = (get(results, "speed", "published", key) for key in ("tau_ours", "tau"))
    return sum(ours) / len(ours) - sum(theirs) / len(theirs) if ours and theirs else None


def _worst(
    part: str, *keys: str | int, worst: Callable[[list[float]], float] = max
) -> Callable[[Results], float | None]:
    """The worst entry of a part of `devices`."""

    def read(results: Results) -> float | None:
        entries = get(results, "devices", part) or {}
        found = [get(entry, *keys) for entry in entries.values()]
        return worst(found) if found and None not in found else None

    return read


def _beside(results: Results) -> float | None:
    modules = get(results, "devices", "ssh", "needs", "beside")
    return None if modules is None else float(len(modules))


def _broken(key: str) -> Callable[[Results], float | None]:
    def read(results: Results) -> float | None:
        found = [get(results, "devices", "broken", kind, key) for kind in ("cuts", "kills")]
        return None if None in found else float(sum(found))

    return read


def _after_retrain(results: Results) -> float | None:
    found = get(results, "devices", "added")
    return found["spearman"] - found["retrain"]["spearman"] if found else None


def _points_lost(results: Results) -> float | None:
    drop = _worst("int8", "accuracy_drop")(results)
    return None if drop is None else 100 * drop


def _clock_bound(results: Results) -> float | None:
    """Times sooner if all workers always trained."""
    busy = get(results, "cluster", "clock", "utilisation", "rounds of 8", 0)
    return None if busy is None else 1 / busy


def _of_devices(what: str, target: float, ours: Callable[[Results], Any], **more: Any) -> Anchor:
    return Anchor(ANY_DEVICE, what, target, ours, **more)


def _tau(space: str, cells: str, target: float, published: str) -> Anchor:
    return Anchor(
        f"Kendall's tau, {space}",
        f"{cells} training cells",
        target,
        _reader("kendall", "tables", space, cells, "brp", 0),
        published=published,
        limit=_reader("kendall", "tables", space, cells, "ceiling"),
        digits=3,
    )


def _queries(dataset: str, queries: int, target: float) -> Anchor:
    return Anchor(
        "Validation-chosen mean test accuracy, NAS-Bench-201, %",
        f"{dataset}, {queries} queries",
        target,
        _reader("queries", "datasets", dataset, "samplers", "brp", str(queries), "chosen", 0),
        limit=_reader("queries", "datasets", dataset, "ceilings", "one seed, all cells", 0),
    )


ANCHORS: tuple[Anchor, ...] = (
    _tau("nasbench101", "100", 0.72, "PINAT .679, NN-Former .709 (full table)"),
    _tau("nasbench101", "172", 0.75, "PINAT .715, NN-Former .765 (full table)"),
    _tau("nasbench101", "424", 0.82, "PINAT .772, NN-Former .809 (full table)"),
    _tau("nasbench201 cifar10", "78", 0.77, "PINAT .549"),
    _tau("nasbench201 cifar10", "156", 0.83, "PINAT .631, NN-Former .804"),
    _tau("nasbench201 cifar10", "469", 0.88, "PINAT .706, NN-Former .860"),
    _tau("nasbench201 cifar10", "781", 0.91, "PINAT .761, NN-Former .879"),
    _tau("nasbench201 cifar10", "1563", 0.93, "PINAT .784, NN-Former .890"),
    _queries("cifar10", 60, 94.15),
    _queries("cifar10", 100, 94.33),
    _queries("cifar100", 60, 72.6),
    _queries("cifar100", 100, 73.2),
    _queries("imagenet16-120", 60, 46.0),
    _queries("imagenet16-120", 100, 46.6),
    Anchor(
        "Latency of FBNet networks, 1,000 rows, five devices",
        "mean Spearman",
        0.98,
        _reader("fbnet", "mean", "gcn", "spearman", 0),
        limit=_reader("fbnet", "mean", "all_rows"),
        digits=3,
    ),
    Anchor(
        "Latency of FBNet networks, 1,000 rows, five devices",
        "mean share within ±10 %",
        0.95,
        _reader("fbnet", "mean", "gcn", "within_10", 0),
        digits=3,
    ),
    Anchor(
        "Rank of the cell found, NAS-Bench-101 sample of 20,001",
        "median after 140 queries",
        5,
        _median_rank,
        at_most=True,
        digits=1,
    ),
    Anchor(
        "DARTS on the surrogate, 60 queries, against random and evolution",
        "smallest lead from query 21 on, points",
        0.0,
        _darts("smallest_lead", min),
        digits=3,
    ),
    Anchor(
        "DARTS on the surrogate, 60 queries, against random and evolution",
        "largest p from query 21 on",
        0.05,
        _darts("largest_p", max),
        at_most=True,
        digits=3,
    ),
    *(
        anchor
        for dataset, by in (
            ("cifar10", "measured"),
            ("cifar10", "predicted"),
            ("cifar100", "measured"),
        )
        for anchor in (
            Anchor(
                "Latency-constrained NAS-Bench-201",
                f"{dataset}, latency {by}: share of searches truly within the limit",
                0.95,
                _constrained(dataset, by, "within"),
                digits=3,
            ),
            Anchor(
                "Latency-constrained NAS-Bench-201",
                f"{dataset}, latency {by}: mean regret, points",
                0.3,
                _constrained(dataset, by, "regret", 0),
                at_most=True,
                limit=_constrained(dataset, by, "noise"),
            ),
        )
    ),
    *(
        anchor
        for dataset in ("cifar10", "cifar100")
        for anchor in (
            *(
                Anchor(
                    "Front of accuracy and latency, NAS-Bench-201",
                    f"{dataset}: share of the hypervolume of the true front, {what}",
                    target,
                    _front(dataset, 2, "samplers", "brp", key),
                    limit=_front(dataset, 2, limit) if limit else lambda _: None,
                    digits=3,
                )
                for what, key, target, limit in (
                    ("mean", "share", 0.97, "ceiling"),
                    ("worst device", "worst", 0.94, "worst_ceiling"),
                    ("over the space, mean", "space", 0.97, None),
                    ("over the space, worst device", "worst_space", 0.94, None),
                )
            ),
            Anchor(
                "Front of accuracy and latency, NAS-Bench-201",
                f"{dataset}: devices with brp ahead of NSGA-II and random, of 12",
                11,
                _front(dataset, 2, "ahead"),
                digits=0,
            ),
            Anchor(
                "Front of accuracy and latency, NAS-Bench-201",
                f"{dataset}, three objectives: share of the hypervolume",
                0.95,
                _front(dataset, 3, "samplers", "brp", "share"),
                limit=_front(dataset, 3, "ceiling"),
                digits=3,
            ),
            Anchor(
                "Front of accuracy and latency, NAS-Bench-201",
                f"{dataset}, three objectives: share of the hypervolume over the space",
                0.95,
                _front(dataset, 3, "samplers", "brp", "space"),
                digits=3,
            ),
        )
    ),
    Anchor(
        "Ranking 423,624 cells",
        "seconds",
        10,
        _ranking("seconds"),
        at_most=True,
        published="millions of single-pair calls",
        digits=1,
    ),
    Anchor("Ranking 423,624 cells", "peak memory, MiB", 2048, _ranking("peak_mb"), at_most=True,
           digits=0),
    *(
        anchor
        for limit, name in (("none", "no limit"), ("half", "a limit of multiply-adds"))
        for anchor in (
            Anchor(
                "Early stopping, NB201-Digits by its curves",
                f"{name}: epochs, share of full trainings",
                0.35,
                _reader("early", "limits", limit, "forecast", "epochs", 0),
                at_most=True,
            ),
            Anchor(
                "Early stopping, NB201-Digits by its curves",
                f"{name}: test accuracy, points more than by full trainings",
                -0.05,
                _reader("early", "limits", limit, "forecast", "difference", 0),
            ),
        )
    ),
    Anchor(
        "Searches without rounds",
        "8 workers against rounds of 8, simulated clock: times sooner",
        1.5,
        _reader("cluster", "clock", "times_sooner", 0),
        limit=_clock_bound,
    ),
    Anchor(
        "Searches without rounds",
        "the same: test accuracy, points more than in rounds",
        0.0,
        _reader("cluster", "clock", "test_points", 0),
    ),
    Anchor(
        "Searches without rounds",
        "two Dask workers, one slowed, one killed: evaluations lost",
        0,
        _reader("cluster", "workers", "lost"),
        at_most=True,
        digits=0,
    ),
    Anchor(
        "Searches without rounds",
        "the same: trainings done twice, at most those in flight on the killed worker",
        1,
        _reader("cluster", "workers", "done_twice"),
        at_most=True,
        digits=0,
    ),
    Anchor(
        "A whole NAS-Bench-201 search against the published recipe",
        "times faster",
        300,
        _reader("speed", "published", "times_slower"),
        published="Eagle on a CPU: about 3.6 h",
        digits=0,
    ),
    Anchor(
        "A whole NAS-Bench-201 search against the published recipe",
        "tau from 8 cells, ours minus theirs",
        0.0,
        _not_worse,
        digits=3,
    ),
    Anchor(
        "Report in Chromium, 15,625 points",
        "explorer painted: seconds after the start of the navigation, median",
        2.0,
        _reader("explorer", "explorer_s", 0),
        at_most=True,
    ),
    Anchor("Report in Chromium, 15,625 points", "size of the file, MB", 5.0,
           _reader("explorer", "file_mb"), at_most=True),
    Anchor("Report in Chromium, 15,625 points", "errors in the console", 0.0,
           _count("explorer", "console"), at_most=True, digits=0),
    Anchor("Report in Chromium, 15,625 points", "requests to any host", 0.0,
           _count("explorer", "requests"), at_most=True, digits=0),
    Anchor(
        "Start",
        "`kedro run` to its first node, no file in the page cache: seconds against 37ee37c",
        0.5,
        _reader("speed", "start", "ratios", "cold", "kedro run / kedro run, before", 0),
        at_most=True,
    ),
    _of_devices("largest difference of a runtime from torch, fp32, relative to the largest logit",
                0.001, _worst("answers", "largest"), at_most=True, digits=6),
    _of_devices("worst new runtime, 100 measured cells, none in the prior: Spearman",
                0.98, _worst("predicted", "spearman", 0, worst=min),
                limit=_worst("predicted", "again", "spearman", worst=min), digits=3),
    _of_devices("worst new runtime, 100 measured cells, none in the prior: share within ±10 %",
                0.85, _worst("predicted", "within_10", 0, worst=min), digits=3),
    _of_devices("over SSH on loopback against locally: time",
                1.3, _reader("devices", "ssh", "ratio"), at_most=True),
    _of_devices("over SSH on loopback against locally: median difference of latencies", 0.03,
                _reader("devices", "ssh", "median_difference"), at_most=True,
                limit=_reader("devices", "ssh", "local", "median_difference"), digits=4),
    _of_devices("over SSH on loopback against locally: Spearman",
                0.99, _reader("devices", "ssh", "spearman"),
                limit=_reader("devices", "ssh", "local", "spearman"), digits=4),
    _of_devices("modules that a board needs beside python3, numpy and the runtime",
                0, _beside, at_most=True, digits=0),
    _of_devices("kit of 300 cells, MB",
                100, _reader("devices", "kit", "zip_mb"), at_most=True, digits=1),
    _of_devices("20 cuts of the link and 20 kills of the runner: rows lost",
                0, _broken("lost"), at_most=True, digits=0),
    _of_devices("20 cuts of the link and 20 kills of the runner: finished networks measured again",
                0, _broken("measured_again"), at_most=True, digits=0),
    _of_devices("`devices add` with 20 cells on loopback: minutes",
                5, _reader("devices", "added", "minutes"), at_most=True, digits=1),
    _of_devices("`devices add` with 20 cells on loopback: Spearman, minus that of `retrain`",
                0.0, _after_retrain, digits=3),
    _of_devices("int8 network on digits, worst runtime: points of accuracy lost",
                0.5, _points_lost, at_most=True),
)  # fmt: skip

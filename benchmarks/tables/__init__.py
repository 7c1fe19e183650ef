"""The tables of docs/results.md: functions from the JSON object of a benchmark to Markdown.

Accuracies of the JSON objects are in percent already, except those of `pareto`, `live` and `road`;
shares are fractions. `benchmarks/pages` holds the text around the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.tables.accuracy import (
    darts,
    darts_leads,
    kendall,
    nb101,
    protocol,
    queries,
    training,
)
from benchmarks.tables.boards import any_device, runtimes, timed_over
from benchmarks.tables.cost import devices, rankers, ranking, seconds, start, workers
from benchmarks.tables.fronts import front_cases, front_devices
from benchmarks.tables.latency import (
    adapt,
    conformal,
    fbnet,
    fbnet_new,
    latency,
    measure,
    reference,
    shipped,
    transfers,
)
from benchmarks.tables.limits import by_limit, cases, per_device, regrets, ruled_out
from benchmarks.tables.markdown import Result, markdown, spread
from benchmarks.tables.operation import (
    cluster_clock,
    cluster_disturbed,
    delivered_file,
    early,
    images,
    killed,
    live,
    notations,
    road,
)
from benchmarks.tables.targets import missed, targets

__all__ = [
    "adapt",
    "any_device",
    "by_limit",
    "cases",
    "cluster_clock",
    "cluster_disturbed",
    "conformal",
    "darts",
    "darts_leads",
    "delivered_file",
    "devices",
    "early",
    "fbnet",
    "fbnet_new",
    "front_cases",
    "front_devices",
    "images",
    "kendall",
    "killed",
    "latency",
    "live",
    "markdown",
    "measure",
    "missed",
    "nb101",
    "notations",
    "per_device",
    "protocol",
    "queries",
    "rankers",
    "ranking",
    "reference",
    "regrets",
    "road",
    "ruled_out",
    "runtimes",
    "seconds",
    "shipped",
    "shown",
    "spread",
    "start",
    "targets",
    "timed_over",
    "training",
    "transfers",
    "workers",
]

_SHOWN: Mapping[str, Callable[[Result], list[str]]] = {
    "adapt": lambda r: [adapt(r), *([transfers(r)] if "transfers" in r else [])],
    "cluster": lambda r: [cluster_clock(r), cluster_disturbed(r)],
    "early": lambda r: [early(r)],
    "constrained": lambda r: [cases(r), regrets(r), *map(per_device, r["cases"]), ruled_out(r)],
    "containers": lambda r: [images(r)],
    "darts": lambda r: [
        table(found) for found in r["surrogates"].values() for table in (darts, darts_leads)
    ],
    "devices": lambda r: [any_device(r), runtimes(r), timed_over(r)],
    "fbnet": lambda r: [fbnet(r), *([fbnet_new(r["new_device"])] if "new_device" in r else [])],
    "front": lambda r: [front_cases(r), *map(front_devices, r["cases"])],
    "kendall": lambda r: [f"{space}\n\n{kendall(found)}" for space, found in r["tables"].items()],
    "latency": lambda r: [latency(r)],
    "live": lambda r: [live(r)],
    "conformal": lambda r: [conformal(r)],
    "measure": lambda r: [measure(r)],
    "nb101": lambda r: [nb101(r)],
    "notation": lambda r: [notations(r)],
    "protocol": lambda r: [protocol(r)],
    "queries": lambda r: [f"{name}\n\n{queries(found)}" for name, found in r["datasets"].items()],
    "reference": lambda r: [reference(r)],
    "road": lambda r: [road(r)],
    "scale": lambda r: [ranking(r), rankers(r), devices(r), workers(r)],
    "speed": lambda r: [seconds(r), start(r["start"])],
    "train": lambda r: [killed(r)],
}


def shown(name: str, result: Result) -> list[str]:
    """Tables of a benchmark for the terminal."""
    return _SHOWN[name](result) if name in _SHOWN else []

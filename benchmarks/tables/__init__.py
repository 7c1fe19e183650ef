"""The tables of docs/results.md: functions from the JSON object of a benchmark to Markdown.

Accuracies of the JSON objects are in percent already, except those of `pareto`, `live` and `road`;
shares are fractions. `benchmarks/pages` holds the text around the tables.
"""

from __future__ import annotations

from benchmarks.tables.accuracy import (
    darts,
    darts_leads,
    kendall,
    nb101,
    protocol,
    queries,
    training,
)
from benchmarks.tables.cost import devices, rankers, ranking, seconds, start, workers
from benchmarks.tables.latency import adapt, latency, margins, measure, reference, shipped
from benchmarks.tables.limits import cases, per_device, regrets, ruled_out
from benchmarks.tables.markdown import markdown, spread
from benchmarks.tables.operation import (
    delivered_file,
    images,
    killed,
    live,
    notations,
    road,
)
from benchmarks.tables.targets import missed, targets

__all__ = [
    "adapt",
    "cases",
    "darts",
    "darts_leads",
    "delivered_file",
    "devices",
    "images",
    "kendall",
    "killed",
    "latency",
    "live",
    "margins",
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
    "seconds",
    "shipped",
    "spread",
    "start",
    "targets",
    "training",
    "workers",
]

"""The pictures of README.md and docs/results.md, drawn from `benchmarks/results`.

`PICTURES` holds one function per file of docs/images: from the results to an ``<svg>`` element in
the style of the report. `write` makes a file of it that follows the light or dark theme of the
page around it.
"""

from __future__ import annotations

from benchmarks.pictures.accuracy import darts, kendall, queries
from benchmarks.pictures.files import alt_text, write
from benchmarks.pictures.latency import latency, limits, pareto
from benchmarks.pictures.size import scale

__all__ = ["PICTURES", "alt_text", "pareto", "write"]

PICTURES = {
    "darts": darts,
    "kendall": kendall,
    "latency": latency,
    "limits": limits,
    "pareto": pareto,
    "queries": queries,
    "scale": scale,
}

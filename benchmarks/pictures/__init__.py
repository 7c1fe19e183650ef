"""The pictures of README.md and docs/results.md, drawn from `benchmarks/results`.

`PICTURES` maps each file of docs/images to a function from the results to an ``<svg>`` element in
the style of the report. `write` writes the file, in the light or dark theme of its page.
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

"""The targets of the project beside its figures."""

from __future__ import annotations

from itertools import groupby

from benchmarks.anchors import ANCHORS, Results
from benchmarks.tables.markdown import markdown

__all__ = ["missed", "targets"]


def targets(results: Results) -> str:
    """Every target, our figure, its ceiling, and the published figure."""
    rows: list[list[str]] = []
    for group, anchors in groupby(ANCHORS, lambda anchor: anchor.group):
        rows.append([f"**{group}**", "", "", "", "", ""])
        for anchor in anchors:
            verdict = {None: "not run", True: "yes", False: "**no**"}[anchor.reached(results)]
            value, ceiling = (
                "" if number is None else f"{number:.{anchor.digits}f}"
                for number in (anchor.ours(results), anchor.limit(results))
            )
            target = f"{'≤' if anchor.at_most else '≥'} {anchor.target:g}"
            rows.append([anchor.what, target, value, ceiling, anchor.published, verdict])
    return markdown(["", "target", "ours", "ceiling", "published", "reached"], rows)


def missed(results: Results) -> list[str]:
    """The missed targets."""
    return [f"{a.group}, {a.what}" for a in ANCHORS if a.reached(results) is False]

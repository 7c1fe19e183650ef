"""docs/results.md from `benchmarks/results`: every figure, its protocol, and what was not reached.

It runs nothing: a table whose benchmark has left no JSON says so. Sections are functions from the
results to Markdown; `benchmarks.anchors` holds the targets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.anchors import ANCHORS, Results, get
from benchmarks.data import ROOT, Benchmark
from benchmarks.sections import SECTIONS, Section

__all__ = ["PAGE", "load", "render", "run"]

PAGE = ROOT / "docs" / "results.md"
FOLDER = ROOT / "benchmarks" / "results"

_INTRODUCTION = """# Results

Made by `make benchmark` from the JSON files in `benchmarks/results`; do not edit. Each table comes
from one command, `python -m benchmarks NAME`, which states its protocol in full and goes on where
it was interrupted. ± is the standard deviation between seeds. `make benchmark` takes hours on two
cores; with `--quick` a command takes a minute, and its figures are not to be quoted.
"""

_NOISE = (
    "*Noise*: what it leaves. Of a tau, how well the mean over the seeds agrees with itself drawn "
    "anew (NAS-Bench-201, from above), or what this ranker reaches from many more cells "
    "(NAS-Bench-101). Of a search, what he finds who knows the validation accuracy of one training "
    "of every cell, and under a limit also every latency, and chooses by that; a ranker has learnt "
    "from more than one training and can pass it."
)


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Write the page and its picture; return what was and was not reached."""
    results = load()
    PAGE.write_text(render(results), "utf-8")
    if "scale" in results:
        from benchmarks.plots import draw_scale  # noqa: PLC0415 - needs matplotlib

        draw_scale(results["scale"], ROOT / "docs" / "images" / "scale.svg")
    print(PAGE.read_text("utf-8"))
    verdicts = [anchor.reached(results) for anchor in ANCHORS]
    return {
        "page": str(PAGE.relative_to(ROOT)),
        "reached": verdicts.count(True),
        "not_reached": verdicts.count(False),
        "not_run": verdicts.count(None),
    }


def load(folder: Path = FOLDER) -> Results:
    """The JSON object of every benchmark that was run, by its name."""
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


def render(results: Results) -> str:
    """The whole page."""
    parts = [_INTRODUCTION, _targets(results)]
    parts += [_section(results, section) for section in SECTIONS]
    return "\n".join(parts)


def _targets(results: Results) -> str:
    lines = ["## What was to be reached", "", _NOISE, ""]
    lines += ["| | target | ours | noise | published | reached |", "|---|---|---|---|---|---|"]
    for group, anchors in groupby(ANCHORS, lambda anchor: anchor.group):
        lines.append(f"| **{group}** | | | | | |")
        for anchor in anchors:
            value, limit = anchor.ours(results), anchor.limit(results)
            reached = anchor.reached(results)
            verdict = {None: "not run", True: "yes", False: "**no**"}[reached]
            shown = [
                "" if number is None else f"{number:.{anchor.digits}f}" for number in (value, limit)
            ]
            sign = "≤" if anchor.at_most else "≥"
            lines.append(
                f"| {anchor.what} | {sign} {anchor.target:g} | {shown[0]} | {shown[1]} | "
                f"{anchor.published} | {verdict} |"
            )
    missed = [f"{a.group}, {a.what}" for a in ANCHORS if a.reached(results) is False]
    lines += ["", f"Not reached: {'; '.join(missed)}." if missed else "", ""]
    return "\n".join(lines)


def _section(results: Results, section: Section) -> str:
    lines = [f"## {section.title}", "", section.claim, ""]
    for name, table in section.tables:
        if name not in results:
            lines += [f"`python -m benchmarks {name}`: not run.", ""]
            continue
        lines += [table(results[name]), "", _circumstances(name, results[name]), ""]
    return "\n".join(lines)


def _circumstances(name: str, result: Mapping[str, Any]) -> str:
    """Command, seeds, machine, time and date of a result, as far as it says."""
    said = [f"`python -m benchmarks {name}`"]
    if "seeds" in result:
        said.append(f"{result['seeds']} seeds" if result["seeds"] != 1 else "1 seed")
    machine = result.get("machine")
    if machine:
        said.append(f"{machine['cpu']}, {machine['cores']} cores, {machine['workers']} processes")
    else:
        said.append("machine, time and date not recorded")
    if "wall_s" in result:
        minutes = max(result["wall_s"], result.get("task_s", 0) / get(machine, "workers")) / 60
        said.append(f"{minutes:.0f} min" if minutes >= 1 else "less than a minute")
    said += [str(result[key]) for key in ("date",) if key in result]
    said += ["**quick: not to be quoted**"] if result.get("quick") else []
    return "*" + "; ".join(said) + ".*"

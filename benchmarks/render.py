"""README.md, docs/results.md and their pictures from `benchmarks/results`; runs no benchmark.

The text is in `benchmarks/pages`, the tables are from `benchmarks.tables`, the pictures from
`benchmarks.pictures`, the targets from `benchmarks.anchors`. No figure is typed by hand; a missing
one is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks import tables
from benchmarks.anchors import ANCHORS, Results, get
from benchmarks.data import ROOT
from brpnas.datasets import embedded_facts

__all__ = ["IMAGES", "PAGE", "README", "load", "readme", "render", "run"]

SEEDS = 1, 1
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "results.md"
IMAGES = ROOT / "docs" / "images"
FOLDER = ROOT / "benchmarks" / "results"


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Write the pages and their pictures; return reached and missed targets."""
    from benchmarks.pictures import PICTURES, alt_text, write  # noqa: PLC0415 - needs matplotlib

    results = load()
    drawn = {name: draw(results) for name, draw in PICTURES.items()}
    for name, picture in drawn.items():
        write(picture, IMAGES / f"{name}.svg")
    PAGE.write_text(render(results), "utf-8")
    README.write_text(readme(results, alt_text(drawn["pareto"])), "utf-8")
    return {
        "pages": [str(page.relative_to(ROOT)) for page in (README, PAGE)],
        "pictures": list(drawn),
        "not_reached": tables.missed(results),
    }


def load(folder: Path = FOLDER) -> Results:
    """JSON object of each benchmark by name."""
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


def render(results: Results) -> str:
    """The page of all results, and of the shipped benchmark.

    Raises:
        jinja2.UndefinedError: If a figure is missing.
    """
    page = _pages().get_template("results.md.j2")
    return page.render(
        results=results,
        facts=embedded_facts(),
        digits=embedded_facts()["accuracy"],
        tables=tables,
        spread=tables.spread,
        lead=_lead,
        reached=sum(anchor.reached(results) is True for anchor in ANCHORS),
        targets=len(ANCHORS),
        ran=partial(_circumstances, results),
    )


def readme(results: Results, pareto_alt: str) -> str:
    """The first page.

    Args:
        results: JSON object of each benchmark.
        pareto_alt: Text alternative of the picture.

    Raises:
        jinja2.UndefinedError: If a figure is missing.
    """
    ours, recipe = (results[name]["devices"].values() for name in ("latency", "reference"))
    ranking = [row for row in results["scale"]["ranking"] if row["size"] == 423_624]
    cases = {
        case["limit_by"]: case["all"]
        for case in results["constrained"]["cases"]
        if case["dataset"] == "cifar10" and case["confidence"]
    }
    return (
        _pages()
        .get_template("README.md.j2")
        .render(
            results,
            pareto_alt=pareto_alt,
            within=[models["gcn"]["within_10"][0] for models in ours],
            flops=[models["flops"]["within_10"][0] for models in ours],
            fit_s=[models["gcn"]["fit_s"][0] for models in ours],
            recipe=[models["within_10"][0] for models in recipe],
            recipe_s=[models["fit_s"][0] for models in recipe],
            ten=results["adapt"]["tables"]["16 devices, 10 suggested, no twin known"],
            measured=cases["measured"],
            predicted=cases["predicted"],
            ranking=min(ranking, key=lambda row: row["seconds"]),
        )
    )


def _pages() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "pages")
    pages = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    pages.filters |= {"percent": _percent, "mean": _mean, "average": _average}
    return pages


def _percent(value: Any, digits: int = 1) -> str:
    """A fraction, or the mean of a pair of mean and deviation, in percent."""
    return f"{100 * (value if isinstance(value, int | float) else value[0]):.{digits}f}"


def _mean(pair: Any, digits: int) -> str:
    return f"{pair[0]:.{digits}f}"


def _average(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _lead(found: Mapping[str, Any], other: str) -> float:
    """Smallest lead of brp over another sampler at 40 queries and more, in points."""
    ours, theirs = (found["samplers"][name] for name in ("brp", other))
    marks = [mark for mark in ours if mark.isdigit() and int(mark) >= 40]
    return min(ours[mark]["chosen"][0] - theirs[mark]["chosen"][0] for mark in marks)


def _circumstances(results: Results, name: str) -> str:
    """Command, seeds, machine, time and date of a result."""
    result = results[name]
    said = [f"`python -m benchmarks {name}`"]
    if "seeds" in result:
        said.append(f"{result['seeds']} seeds" if result["seeds"] != 1 else "1 seed")
    machine = result.get("machine", {})
    if machine:
        said.append(f"{machine.get('cpu') or machine['processor']}, {machine['cores']} cores")
        said += [f"{machine['workers']} processes"] if "workers" in machine else []
    if "wall_s" in result:
        minutes = max(result["wall_s"], result.get("task_s", 0) / get(machine, "workers")) / 60
        said.append(f"{minutes:.0f} min" if minutes >= 1 else "less than a minute")
    said.append(str(result["date"]))
    said += ["**quick: not to be quoted**"] if result.get("quick") else []
    return "*" + "; ".join(said) + ".*"

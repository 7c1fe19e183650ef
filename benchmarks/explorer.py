"""The report opened in Chromium: seconds to the first paint of 15,625 points, console, requests.

A report on the whole of NAS-Bench-201 with the metrics of two devices and 100 queries. Names and
computed costs are real, accuracies and measurements synthetic: only their number matters here. Each
opening is a new context of Chromium, without cache. Seconds count from the start of the navigation:
the first content on the page, the event ``load``, and the explorer with its points painted. Then
the limit moves by one step of the slider: seconds until the points are painted again.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.chromium import Opened, browser, found_chromium, opened
from brpnas.report import ReportData, render
from brpnas.spaces import get_space

__all__ = ["figures", "report", "run"]

SEEDS = 2, 10
_QUERIES, _ROUNDS = 100, 20
_TIMES = """(() => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const [explorer] = performance.getEntriesByName("explorer painted");
  const [page] = performance.getEntriesByType("navigation");
  return [paint.startTime, page.loadEventEnd, explorer.startTime];
})()"""
_STEP = """new Promise((done) => {
  const slider = document.querySelector("#explorer-limit"), start = performance.now();
  slider.stepDown();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Open a report ``seeds`` times."""
    executable = found_chromium()
    if executable is None:
        sys.exit("No Chromium or Chrome is installed, so the report cannot be opened.")
    with tempfile.TemporaryDirectory() as folder, browser(executable) as chromium:
        path = Path(folder) / "report.html"
        path.write_text(render(report(1000 if quick else None)), "utf-8")
        return {"seeds": seeds, **figures(chromium, path, seeds)}


def figures(chromium: Any, path: Path, openings: int) -> dict[str, Any]:
    """Median and largest seconds of some openings of a file, complaints and requests.

    Args:
        chromium: From `benchmarks.chromium.browser`.
        path: The report.
        openings: Number of openings.
    """
    found = [_open(chromium, path) for _ in range(openings)]
    names = ("first_content_s", "load_s", "explorer_s", "slider_step_s")
    seconds = zip(*(times for times, _ in found), strict=True)
    pages = [page for _, page in found]
    return {
        "chromium": chromium.version,
        "file_mb": round(path.stat().st_size / 1e6, 2),
        **{
            name: [round(statistics.median(values), 3), round(max(values), 3)]
            for name, values in zip(names, seconds, strict=True)
        },
        "console": sorted({text for page in pages for text in page.complaints}),
        "requests": sorted({url for page in pages for url in page.requests} - {path.as_uri()}),
    }


def _open(chromium: Any, path: Path) -> tuple[list[float], Opened]:
    """Seconds of one opening, and its page."""
    with opened(chromium, path, viewport={"width": 1280, "height": 900}) as page:
        page.wait("performance.getEntriesByName('explorer painted').length")
        times = page.page.evaluate(_TIMES)
        page.page.locator("#space").scroll_into_view_if_needed()
        step = page.page.evaluate(_STEP)
    return [milliseconds / 1e3 for milliseconds in (*times, step)], page


def report(architectures: int | None = None) -> ReportData:
    """A report with synthetic accuracies and measurements.

    Args:
        architectures: Number of architectures; the whole space if left out.
    """
    rng = np.random.default_rng(0)
    space = get_space("nasbench201")
    names = list(space.enumerate())[:architectures]
    costs = pd.DataFrame(space.costs(names))
    latency = 1 + 0.05 * costs["flops_m"] * rng.lognormal(0, 0.1, len(names))
    table = costs.assign(
        arch_id=names,
        predicted_latency_ms=latency,
        latency_ms=latency * rng.lognormal(0, 0.05, len(names)),
        predicted_energy_mj=latency * rng.lognormal(1, 0.2, len(names)),
        test_accuracy=0.94 - 0.2 / latency - rng.exponential(0.02, len(names)),
    )
    table["predicted_latency_ms@other-device"] = latency * rng.lognormal(0, 0.3, len(names))
    asked = table.sample(_QUERIES, random_state=0)
    history = asked[["arch_id", "predicted_latency_ms"]].assign(
        query=range(_QUERIES),
        round=np.arange(_QUERIES) * _ROUNDS // _QUERIES,
        accuracy=asked["test_accuracy"] - 0.01,
        status="ok",
    )
    winner = asked.loc[asked["test_accuracy"].idxmax(), "arch_id"]
    task = {"space": "nasbench201", "constraints": ["latency_ms <= 8"]}
    return ReportData(chosen={"arch_id": winner}, history=history, space=table, task=task)

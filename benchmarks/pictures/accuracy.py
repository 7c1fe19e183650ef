"""Curves of accuracy: searches by queries, rankers by training cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.anchors import Results
from benchmarks.pictures.files import panels
from brpnas.report.palette import INK, OKABE_ITO
from brpnas.report.svg import drawing, to_svg

__all__ = ["darts", "kendall", "queries"]

_SAMPLERS = {"brp": "blue", "evolution": "vermillion", "random": "green"}
_RANKERS = {
    "brp": ("blue", "ranker of the search"),
    "process": ("orange", "Gaussian process"),
    "pairwise": ("purple", "pairwise ranker"),
}


def queries(results: Results) -> str:
    """Test accuracy of the chosen network by queries, on three data sets."""
    datasets = results["queries"]["datasets"]
    with drawing():
        drawn, axes = panels(10.2, 3.6, 1, len(datasets))
        for panel, (name, found) in zip(axes, datasets.items(), strict=True):
            _searches(panel, found, "chosen")
            _ceiling(panel, found["ceilings"]["optimum"][0], "best of all")
            panel.set_title(name, fontsize=11)
        axes[0].set_ylabel("test accuracy of the chosen (%)")
        _legend(drawn, axes[0])
        ends = "; ".join(
            f"{name} {found['samplers']['brp']['60']['chosen'][0]:.2f} of "
            f"{found['ceilings']['optimum'][0]:.2f}"
            for name, found in datasets.items()
        )
        return to_svg(
            drawn, "queries", f"Test accuracy in percent after 60 queries of brp: {ends}."
        )


def darts(results: Results) -> str:
    """Best surrogate accuracy by queries, as published and averaged over numberings of nodes."""
    surrogates = results["darts"]["surrogates"]
    with drawing():
        drawn, axes = panels(8.2, 3.6, 1, len(surrogates))
        for panel, (name, found) in zip(axes, surrogates.items(), strict=True):
            _searches(panel, found)
            _ceiling(panel, found["random_10000"], "best of 10,000 random")
            panel.set_title(f"{name} surrogate", fontsize=11)
        axes[0].set_ylabel("best accuracy found (%)")
        _legend(drawn, axes[0])
        ends = ", ".join(
            f"{sampler} {surrogates['published']['samplers'][sampler]['60'][0]:.2f}"
            for sampler in _SAMPLERS
        )
        return to_svg(drawn, "darts", f"Best accuracy in percent after 60 queries: {ends}.")


def kendall(results: Results) -> str:
    """Kendall's tau by number of training cells, on two spaces."""
    tables = results["kendall"]["tables"]
    with drawing():
        drawn, axes = panels(8.2, 3.8, 1, len(tables))
        for panel, (name, by_cells) in zip(axes, tables.items(), strict=True):
            sizes = [int(cells) for cells in by_cells]
            for key, (colour, label) in _RANKERS.items():
                heights = [values[key][0] for values in by_cells.values()]
                panel.plot(sizes, heights, "o-", markersize=4, color=OKABE_ITO[colour], label=label)
            _ceiling(panel, next(iter(by_cells.values()))["ceiling"], "ceiling")
            panel.set_xscale("log")
            panel.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30)
            panel.minorticks_off()
            panel.set_title(name, fontsize=11)
            panel.set_xlabel("training cells")
        axes[0].set_ylabel("Kendall's tau")
        _legend(drawn, axes[0])
        ends = "; ".join(
            f"{name} " + ", ".join(f"{values['brp'][0]:.3f} from {n}" for n, values in rows.items())
            for name, rows in tables.items()
        )
        return to_svg(drawn, "kendall", f"Kendall's tau of the ranker by training cells: {ends}.")


def _searches(panel: Axes, found: Mapping[str, Any], key: str | None = None) -> None:
    """A line of means for each sampler, with a standard deviation as a band."""
    marks = [mark for mark in found["samplers"]["brp"] if mark.isdigit()]
    sizes = [int(mark) for mark in marks]
    for sampler, name in _SAMPLERS.items():
        at = [found["samplers"][sampler][mark] for mark in marks]
        curve = at if key is None else [figures[key] for figures in at]
        low, high = ([mean + sign * d for mean, d in curve] for sign in (-1, 1))
        colour = OKABE_ITO[name]
        panel.fill_between(sizes, low, high, color=colour, alpha=0.15, linewidth=0)
        means = [mean for mean, _ in curve]
        panel.plot(sizes, means, "o-", markersize=4, color=colour, label=sampler)
    panel.set_xticks(sizes)
    panel.set_xlabel("queries")


def _ceiling(panel: Axes, value: float, label: str) -> None:
    panel.axhline(value, color=INK, linewidth=1, dashes=(2, 2), label=label)


def _legend(drawn: Figure, panel: Axes) -> None:
    handles, labels = panel.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=len(labels))

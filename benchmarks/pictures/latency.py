"""Pictures of latency: the Pareto plot of `make run`, predictors by device, regret by limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from benchmarks.anchors import Results
from benchmarks.pareto import points
from benchmarks.pictures.files import describe, panels
from brpnas.report.palette import INK, OKABE_ITO
from brpnas.report.plots import space_plot
from brpnas.report.svg import drawing, figure, to_svg
from brpnas.search import Constraint

__all__ = ["latency", "limits", "pareto"]

_MODELS = (
    ("gcn", "brpnas", "blue"),
    ("recipe", "published recipe", "sky"),
    ("edge_linear", "linear per edge", "orange"),
    ("flops", "FLOPs", "purple"),
)


def pareto(results: Results) -> str:
    """The Pareto plot of the report, of the search of `make run`."""
    result = results["pareto"]
    (limit,) = (Constraint.parse(text, ["latency_ms"]).bound for text in result["constraints"])
    alt = (
        f"Test accuracy against {result['latency']} latency of {result['architectures']:,} "
        f"networks, a sample of them drawn, with the Pareto front, {result['queries']} queries and "
        f"the winner: {100 * result['chosen']['test_accuracy']:.1f} percent, limit {limit:g} ms."
    )
    return describe(space_plot(points(result), "winner", limit), alt)


def latency(results: Results) -> str:
    """Share of test networks predicted within ±10 %, by device and model."""
    recipe = results["reference"]["devices"]
    devices = {
        name: {**models, "recipe": recipe[name]}
        for name, models in results["latency"]["devices"].items()
    }
    means = []
    with drawing():
        drawn, axes = figure(8.4, 3.9)
        for number, (key, label, colour) in enumerate(_MODELS):
            heights = [100 * models[key]["within_10"][0] for models in devices.values()]
            places = [place + 0.2 * (number - 1.5) for place in range(len(devices))]
            axes.bar(places, heights, 0.18, color=OKABE_ITO[colour], label=label)
            means.append(f"{label} {sum(heights) / len(heights):.1f}")
        axes.set_xticks(range(len(devices)), list(devices))
        axes.grid(visible=False, axis="x")
        axes.set_ylim(0, 100)
        axes.set_ylabel("predicted within ±10 % (%)")
        drawn.legend(loc="outside upper center", ncols=4)
        alt = f"Percent of test networks predicted within ±10 %, mean of {len(devices)} devices: "
        return to_svg(drawn, "latency", alt + ", ".join(means) + ".")


def limits(results: Results) -> str:
    """Regret by device and limit, where latency is measured before a query."""
    case = results["constrained"]["cases"][0]
    devices = case["devices"]
    with drawing():
        drawn, axes = panels(9.6, 4.4, 1, 3)
        for panel, limit in zip(axes, next(iter(devices.values())), strict=True):
            _regrets(panel, [found[limit] for found in devices.values()])
            panel.set_title(f"{limit} limit", fontsize=11)
        axes[0].set_yticks(range(len(devices)), [name.split("-", 2)[2] for name in devices])
        handles, labels = axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=2)
        found = case["all"]
        alt = (
            f"Regret of {found['searches']} searches on {case['dataset']} by device and limit: "
            f"mean {found['regret'][0]:.2f} points; {found['noise']:.2f} for a choice by one seed."
        )
        return to_svg(drawn, "limits", alt)


def _regrets(panel: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """Bars of regret, each with a mark for the choice by one seed."""
    places, noise = range(len(rows)), [row["noise"] for row in rows]
    regrets = [row["regret"][0] for row in rows]
    panel.barh(places, regrets, 0.6, color=OKABE_ITO["sky"], label="regret of the search")
    label = "regret of a choice by one seed, all latencies known"
    panel.scatter(noise, places, marker="|", s=90, color=INK, zorder=3, label=label)
    panel.set_yticks(places, [""] * len(rows))
    panel.invert_yaxis()
    panel.grid(visible=False, axis="y")
    panel.set_xlim(0, 1)
    panel.set_xlabel("regret (points)")

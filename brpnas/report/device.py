"""The report on a device's new predictor, compared with the champion on the same test rows.

`device_page` writes Markdown for a review: tables, changes of the data, and a Mermaid chart.
`device_plot` draws the picture.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brpnas.datasets.metrics import MEASURED
from brpnas.metrics import spearman_interval, without_nan
from brpnas.report.palette import INK, OKABE_ITO
from brpnas.report.plots.ticks import log_axis
from brpnas.report.svg import drawing

__all__ = ["DeviceReport", "device_page", "device_plot"]

_ROWS = {
    "spearman": ("Spearman", 4, 1.0),
    "kendall": ("Kendall", 4, 1.0),
    "within_10": ("within ±10 %, %", 1, 100.0),
    "within_5": ("within ±5 %, %", 1, 100.0),
    "mape": ("mean relative error, %", 2, 100.0),
    "coverage": ("measurements inside the interval, %", 1, 100.0),
}
_BOUNDS = tuple(range(1, 21))
_COLOURS = {"challenger": OKABE_ITO["sky"], "champion": OKABE_ITO["orange"]}


@dataclass(frozen=True, eq=False)
class DeviceReport:
    """Content of the report on a device's new predictor.

    Args:
        figures: ``device, metric, model, method, view, rows, errors_left_out, coverage,
            known_devices, prior_knows_device`` (whether the prior was trained on this device too),
            ``transfer`` (remark on known devices of another network size, may be empty), metrics
            of the ``challenger`` and the ``champion`` (None if missing), the sentences
            ``changes`` and the ``data_drift`` of the table.
        challenger: ``arch_id, true, predicted, lower, upper`` of the test rows, in its unit.
        champion: The same of the champion; empty if there is none.
    """

    figures: Mapping[str, Any]
    challenger: pd.DataFrame
    champion: pd.DataFrame

    def sides(self) -> dict[str, pd.DataFrame]:
        """Predictions by model, without empty ones."""
        both = {"challenger": self.challenger, "champion": self.champion}
        return {name: rows for name, rows in both.items() if len(rows)}

    def to_json(self) -> str:
        """The figures as JSON."""
        return json.dumps(without_nan(self.figures), indent=2) + "\n"


def device_page(report: DeviceReport) -> str:
    """The report as Markdown."""
    figures = report.figures
    rows, about = figures["rows"], MEASURED[figures["metric"]]
    parts = [
        f"# New {about.title.lower()} predictor of {figures['device']}",
        f"Way of predicting: **{figures['method']}**, learnt from {rows['learn']} cells and "
        f"{len(figures['known_devices'])} known devices"
        + (", of a prior that was trained on this one too" if figures["prior_knows_device"] else "")
        + f". {rows['test']} test rows; a hash of the cell decides which they are.",
        figures["transfer"],
        _metrics(figures),
        "\n".join(f"- {sentence}" for sentence in figures["changes"]),
        _chart(report),
        _left_out(figures["errors_left_out"]),
        "Whether it becomes champion: "
        f"`brpnas promote {figures['model']}`. Picture: `plot.png` beside this page.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metrics(figures: Mapping[str, Any]) -> str:
    challenger, champion = figures["challenger"], figures["champion"]
    if challenger is None:
        return (
            "No test rows were measured, so the quality of the predictor is known only from rows "
            "left out, below. `brpnas devices suggest --test 30` suggests some."
        )
    lines = ["| on test rows | challenger | champion | difference |", "|---|---|---|---|"]
    for name, (label, digits, factor) in _ROWS.items():
        if name not in challenger:
            continue
        new = challenger[name] * factor
        old = None if champion is None or name not in champion else champion[name] * factor
        cells = [label, _number(new, digits), _number(old, digits)]
        cells.append("" if old is None or math.isnan(new - old) else f"{new - old:+.{digits}f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + f"\n\n{_how_sure(challenger['spearman'], figures['rows']['test'])}"


def _how_sure(rho: float, rows: int) -> str:
    low, high = spearman_interval(rho, rows)
    if (low, high) == (-1.0, 1.0):
        return (
            f"{rows} test rows are too few for its Spearman correlation: see rows left out, below. "
            "`brpnas devices suggest --test 30` suggests more."
        )
    return (
        f"Its Spearman correlation over the whole space lies between {low:.2f} and {high:.2f} "
        f"(90 %, from {rows} test rows)."
    )


def _number(value: float | None, digits: int) -> str:
    return "none" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _left_out(errors: Mapping[str, float]) -> str:
    lines = ["| way of predicting | mean error of rows left out, % |", "|---|---|"]
    lines += [f"| {name} | {100 * error:.1f} |" for name, error in errors.items()]
    return "\n".join(lines)


def _chart(report: DeviceReport) -> str:
    sides = report.sides()
    if not sides:
        return ""
    curves = [
        f"  line [{', '.join(f'{100 * share:.1f}' for share in _within(rows))}]"
        for rows in sides.values()
    ]
    order = " (first line) and ".join(sides) + (" (second line)" if len(sides) > 1 else "")
    return "\n".join(
        [
            f"Share of test rows, in %, within a relative error: {order}.",
            "",
            "```mermaid",
            "xychart-beta",
            f'  x-axis "relative error, %" [{", ".join(map(str, _BOUNDS))}]',
            '  y-axis "share of test rows, %" 0 --> 100',
            *curves,
            "```",
        ]
    )


def _within(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    error = np.abs(rows["predicted"] / rows["true"] - 1).to_numpy(np.float64)
    return np.array([(error <= bound / 100).mean() for bound in _BOUNDS])


def device_plot(report: DeviceReport) -> bytes:
    """Predicted against measured with intervals, and error curves, as a PNG picture."""
    with drawing():
        drawn = Figure(figsize=(11, 4.6), layout="constrained", facecolor="white")
        left, right = drawn.subplots(1, 2)
        _scatter(left, report)
        _curves(right, report)
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _scatter(axes: Axes, report: DeviceReport) -> None:
    axes.set_title(f"{report.figures['device']}: test rows", loc="left", fontsize=11)
    if not report.sides():
        axes.text(0.5, 0.5, "no test rows", ha="center", transform=axes.transAxes)
        return
    values = np.concatenate([r[["true", "predicted"]].to_numpy() for r in report.sides().values()])
    low, high = float(values.min()) * 0.93, float(values.max()) * 1.07
    line = np.array([low, high])
    axes.fill_between(line, line * 0.9, line * 1.1, color=INK, alpha=0.08, linewidth=0)
    axes.plot(line, line, color=INK, linewidth=0.9)
    marks = {"champion": ("x", 3), "challenger": ("o", 4)}
    for name, (mark, layer) in marks.items():
        rows = report.sides().get(name)
        if rows is None:
            continue
        if name == "challenger" and {"lower", "upper"} <= set(rows):
            axes.vlines(
                rows["true"],
                rows["lower"],
                rows["upper"],
                color=_COLOURS[name],
                alpha=0.35,
                linewidth=0.8,
                zorder=layer,
            )
        axes.scatter(
            rows["true"],
            rows["predicted"],
            s=14,
            marker=mark,
            color=_COLOURS[name],
            label=name,
            alpha=0.8,
            zorder=layer,
        )
    for axis in ("x", "y"):
        log_axis(axes, axis, low, high)
    unit = MEASURED[report.figures["metric"]].unit
    axes.set_xlabel(f"measured, {unit}")
    axes.set_ylabel(f"predicted, {unit}")
    axes.legend(loc="upper left")


def _curves(axes: Axes, report: DeviceReport) -> None:
    axes.set_title("Share of test rows within an error", loc="left", fontsize=11)
    for name, rows in report.sides().items():
        axes.plot(_BOUNDS, 100 * _within(rows), color=_COLOURS[name], label=name)
    axes.axvline(10, color=INK, linewidth=0.8, alpha=0.4)
    axes.set_xlabel("relative error, %")
    axes.set_ylabel("share of test rows, %")
    axes.set_ylim(0, 102)
    if report.sides():
        axes.legend(loc="lower right")

"""The top of the page: the winner, its figures, and whether it satisfies the limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.report.constraints import ConstraintCheck
from brpnas.report.data import Chosen, ReportData
from brpnas.report.explorer.axes import axis_of
from brpnas.report.format import (
    MISSING,
    as_float,
    milliseconds,
    percent,
    points,
    signed_percent,
)
from brpnas.report.tables import Table, TableCell

__all__ = ["Tile", "constraint_table", "subtitle", "tiles", "winner_facts"]

_OPEN = "best that the search may choose"
_WORDS = {True: "✓ kept", False: "✗ broken", None: "not known"}


@dataclass(frozen=True)
class Tile:
    """One figure of the summary: label, figure, a line below, and mood ``good``, ``bad`` or ""."""

    label: str
    figure: str
    sub: str
    mood: str = ""


def subtitle(data: ReportData) -> str:
    """Space, data set, device and number of queries in a line."""
    task, said = data.task, data.protocol
    parts = [
        task.get("space"),
        f"accuracy on {task['dataset']}" if "dataset" in task else None,
        f"latency on {said['device']}" if "device" in said else None,
        f"{len(data.history):,} queries",
    ]
    return " · ".join(part for part in parts if part)


def tiles(data: ReportData, checks: Sequence[ConstraintCheck]) -> list[Tile]:
    """The most important figures."""
    chosen = data.chosen
    measured, predicted = chosen.get("latency_ms"), chosen.get("predicted_latency_ms")
    optimum = percent(chosen.get("optimum_test_accuracy"))
    if data.network is not None:
        shown = _of_the_file(data.network)
    elif as_float(chosen.get("test_accuracy")) is not None:
        seeds = _seeds(chosen) + ("" if optimum == MISSING else f"; optimum {optimum}")
        shown = [Tile("Test accuracy", percent(chosen.get("test_accuracy")), seeds)]
    else:
        runs = f"{_runs(data)}; no test accuracy is known"
        shown = [Tile("Validation accuracy", percent(chosen.get("valid_accuracy")), runs)]
    shown += [_latency_tile(measured, predicted), _limit_tile(checks)]
    if as_float(chosen.get("regret")) is not None:
        shown.append(
            Tile(
                "Regret", f"{points(chosen['regret'])} points", f"of test accuracy, to the {_OPEN}"
            )
        )
    return shown


def _of_the_file(network: Mapping[str, Any]) -> list[Tile]:
    test = network["test"]
    never = len(test["never_recognised"])
    return [
        Tile(
            "Test accuracy",
            percent(test["accuracy"]),
            f"exported file, {test['images']:,} test images; always the largest class: "
            f"{percent(test['largest_class_share'])}",
        ),
        Tile(
            "Test balanced accuracy",
            percent(test["balanced_accuracy"]),
            f"mean recall of {len(network['classes'])} classes; {never or 'none'} never recognised",
            "bad" if never else "",
        ),
    ]


def _latency_tile(measured: float | None, predicted: float | None) -> Tile:
    said = "" if as_float(predicted) is None else f"predicted {milliseconds(predicted)}"
    if as_float(measured) is not None:
        return Tile("Latency", milliseconds(measured), "measured" + (said and f"; {said}"))
    if said:
        return Tile("Latency", milliseconds(predicted), "predicted; not measured")
    return Tile("Latency", MISSING, "of the network file, on this device: not known")


def _limit_tile(checks: Sequence[ConstraintCheck]) -> Tile:
    if not checks:
        return Tile("Limit", "none", "the search had no constraint")
    text = " and ".join(check.constraint for check in checks)
    decisive = [
        check.measured if check.measured is not None else check.predicted for check in checks
    ]
    by = "measured" if all(check.measured is not None for check in checks) else "predicted"
    if False in decisive:
        return Tile("Limit", _WORDS[False], f"{text}, as measured or predicted below", "bad")
    if None in decisive:
        return Tile("Limit", _WORDS[None], text)
    return Tile("Limit", _WORDS[True], f"{text}, as {by}", "good")


def constraint_table(checks: Sequence[ConstraintCheck]) -> Table:
    """Whether each constraint is satisfied, by prediction and by measurement."""
    rows = tuple(
        (
            TableCell(check.constraint, code=True),
            TableCell(_WORDS[check.predicted]),
            TableCell(_WORDS[check.measured]),
        )
        for check in checks
    )
    return Table(("constraint", "by prediction", "by measurement"), rows)


def winner_facts(data: ReportData) -> list[tuple[str, str]]:
    """All known figures of the winner, with labels."""
    chosen, metric = data.chosen, data.metric
    tested, elsewhere = _seeds(chosen), chosen.get("measured_on")
    facts = [
        ("Predicted latency", milliseconds(chosen.get("predicted_latency_ms"))),
        ("Measured latency", milliseconds(chosen.get("latency_ms"))),
        (f"Measured latency on {elsewhere}", milliseconds(chosen.get("latency_elsewhere_ms"))),
        ("Error of the prediction", signed_percent(chosen.get("latency_error"))),
        *_other_metrics(chosen),
        (f"Validation accuracy, {_runs(data)}", percent(chosen.get("valid_accuracy"))),
        (
            f"Validation balanced accuracy, {_runs(data)}",
            percent(chosen.get("valid_balanced_accuracy")),
        ),
        (f"Test accuracy, {tested}", percent(chosen.get("test_accuracy"))),
        (f"Test balanced accuracy, {tested}", percent(chosen.get("test_balanced_accuracy"))),
        (f"Test {metric} of the {_OPEN}", percent(chosen.get("optimum_test_accuracy"))),
        (f"Best mean test {metric} seen", percent(chosen.get("best_test_seen"))),
        (
            f"Best single-seed test {metric} seen",
            percent(chosen.get("best_single_seed_test_seen")),
        ),
        ("Parameters", _millions(chosen.get("params_m"))),
        ("Multiply-adds", _millions(chosen.get("flops_m"))),
        *chosen.get("conversion", ()),
    ]
    return [(label, text) for label, text in facts if text != MISSING]


def _other_metrics(chosen: Chosen) -> Iterator[tuple[str, str]]:
    """Device metrics of the winner beside the latency on the device of the task."""
    for name, value in chosen.get("metrics", {}).items():
        axis, number = axis_of(name), as_float(value)
        is_measured = axis is not None and axis.metric.partition("@")[0] in MEASURED
        if axis is not None and is_measured and axis.metric != LATENCY_MS and number is not None:
            yield axis.title, f"{number:.4g} {axis.unit}"


def _seeds(chosen: Chosen) -> str:
    """Training seeds behind a test accuracy."""
    count = chosen.get("test_seeds")
    if count is None:
        return "mean over training seeds"
    return "one training seed" if count == 1 else f"mean over {count} training seeds"


def _runs(data: ReportData) -> str:
    if data.task.get("oracle", {}).get("name") == "surrogate":
        return "predicted by a surrogate"
    answered = data.history[data.history["status"] == "ok"]
    count = int((answered["arch_id"] == data.chosen["arch_id"]).sum())
    return "one training run" if count == 1 else f"mean of {count} training runs"


def _millions(value: float | None) -> str:
    number = as_float(value)
    return MISSING if number is None else f"{number:.3g} M"

"""The report as one HTML page, without network access.

`render` turns `ReportData` into the page. Equal data give equal bytes.
"""

from __future__ import annotations

import jinja2
from markupsafe import Markup

from brpnas.datasets.metrics import LATENCY_MS, DeviceMetric
from brpnas.errors import ArchitectureError, BrpNasError
from brpnas.report.cell import cell_svg
from brpnas.report.constraints import check_constraints, constraint_sentence, upper_limits
from brpnas.report.data import PredictorData, ReportData
from brpnas.report.explorer import explored, explorer_page
from brpnas.report.format import plain
from brpnas.report.network import (
    alarms,
    class_table,
    confusion_matrix,
    confusion_table,
    data_facts,
    score_facts,
)
from brpnas.report.plots import (
    HYPERVOLUME,
    accuracies,
    error_histogram,
    known_curves,
    prediction_scatter,
    search_curve,
    space_plot,
    training_curves,
)
from brpnas.report.summary import constraint_table, subtitle, tiles, winner_facts
from brpnas.report.tables import (
    checkpoint_table,
    front_table,
    history_table,
    members_table,
    metrics_table,
    search_table,
)
from brpnas.report.words import protocol_sentences
from brpnas.spaces import DEFAULT_SPACE

__all__ = ["render"]

_CAPTIONS = {
    "chosen_test": "Mean test accuracy, over training seeds, of the architecture that the search"
    " chooses.",
    "best_test_seen": "Best mean test accuracy among the queried that may be chosen; the"
    " search cannot know which it is.",
    "best_valid": "Best validation accuracy among the queried: no test accuracy is known. The best"
    " of many noisy trainings is on the high side.",
    HYPERVOLUME: "Hypervolume of the architectures queried so far, by test accuracy where it is"
    " known, else by their answers. The front of all these searches together gives the scale: its"
    " range is 1 in each objective, and the reference point lies a tenth of the range below.",
    "best_single_seed_test_seen": "Best test accuracy of any single training run among the"
    " queried, as published curves show it; it can exceed the optimum of the means.",
}
_CELL = (
    "The winning cell. Dashed: no operation; faint: on no path from input to output, so it changes"
    " nothing. Each node sums what reaches it."
)
_GRAPH = (
    "The winning architecture, operations as nodes. Faint: what a compiler removes, because it does"
    " nothing or reaches no output."
)


def render(data: ReportData) -> str:
    """Return the page as text, without external script, style, font or image.

    Missing sections are named. All data is escaped.

    Args:
        data: Content of the page.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("brpnas.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    context: dict[str, object] = {
        "data": data,
        "subtitle": subtitle(data),
        "style": _asset(environment, "style.css") + _asset(environment, "explorer/explorer.css"),
        "script": _asset(environment, "script.js.j2"),
        "protocol": protocol_sentences(data),
        "settings": [(k, plain(v)) for k, v in data.protocol.get("settings", {}).items()],
        "provenance": [(k, plain(v)) for k, v in data.provenance.items()],
        "history": history_table(data.history, data.metric),
        "front": front_table(data.history, data.metric),
        "members": None if data.front is None else members_table(data.front, data.metric),
        "metric": data.metric,
        "safe_link": lambda url: str(url).lower().startswith(("https://", "http://")),
        **_winner(data),
        **_network(data),
        "predictors": _predictors(data),
        **_search(data),
        **_space(data),
    }
    return environment.get_template("report.html.j2").render(context)


def _asset(environment: jinja2.Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _winner(data: ReportData) -> dict[str, object]:
    checks = check_constraints(data.constraints, data.chosen, data.device)
    space = str(data.task.get("space", DEFAULT_SPACE))
    cell, why = Markup(""), ""
    try:
        cell = Markup(cell_svg(data.chosen["arch_id"], space))
    except ArchitectureError:
        why = f"the architecture is none of the space {space}."
    except BrpNasError as error:
        why = str(error)
    return {
        "tiles": tiles(data, checks),
        "winner_facts": winner_facts(data),
        "checks": constraint_table(checks) if checks else None,
        "cell": cell,
        "cell_caption": _CELL if space == DEFAULT_SPACE else _GRAPH,
        "cell_missing": why,
    }


def _network(data: ReportData) -> dict[str, object]:
    """The exported network, and the warnings at the top."""
    broken = [
        check
        for check in check_constraints(data.constraints, data.chosen, data.device)
        if check.satisfied is False
    ]
    said = [f"The network found breaks a limit. {constraint_sentence(check)}." for check in broken]
    if data.network is None:
        return {"alarms": [*data.notes, *said], "scores": None}
    return {
        "alarms": [*alarms(data.network), *data.notes, *said],
        "scores": score_facts(data.network),
        "data_facts": data_facts(data.network),
        "classes": class_table(data.network),
        "matrix": confusion_matrix(data.network),
        "confusions": confusion_table(data.network),
    }


def _predictors(data: ReportData) -> list[dict[str, object]]:
    """Quality of the predictor of the task's latency, then of those of other device metrics."""
    task = PredictorData(
        predictions=data.predictions,
        metrics=data.metrics,
        training=data.training,
        scored=data.protocol.get("scored", "test"),
    )
    found = [_predictor(LATENCY_MS, task, 0) | {"title": "Latency predictor", "id": "latency"}]
    for number, (name, part) in enumerate(data.further.items(), 1):
        metric = DeviceMetric.parse(name)
        place = f" of {metric.device}" if metric.device else ""
        titled = {"title": f"{metric.about.title} predictor{place}", "id": f"predictor-{number}"}
        found.append(_predictor(metric.metric, part, number) | titled)
    return found


def _predictor(metric: str, part: PredictorData, number: int) -> dict[str, object]:
    """Pictures and table of one predictor."""
    shown: dict[str, object] = dict.fromkeys(("scatter", "errors", "training", "metrics", "rows"))
    shown["quantity"] = DeviceMetric(metric).about.title.lower()
    shown["scored"] = "rows left out in turn" if part.scored != "test" else "test rows"
    mark = f"-{number}" if number else ""
    if part.predictions is not None:
        test = part.predictions[part.predictions["split"] == "test"]
        test = test.dropna(subset=[metric, f"predicted_{metric}"])
        shown["rows"] = f"{len(test):,}"
        if len(test):
            shown["scatter"] = Markup(prediction_scatter(test, metric, f"scatter{mark}"))
            shown["errors"] = Markup(error_histogram(test, metric, f"errors{mark}"))
    if part.training is not None and len(part.training):
        shown["training"] = Markup(training_curves(part.training, f"training{mark}"))
    if part.metrics:
        shown["metrics"] = metrics_table(part.metrics)
    return shown


def _search(data: ReportData) -> dict[str, object]:
    traces = data.traces
    if traces is None or traces.empty:
        return {"curves": []}
    names = known_curves(traces)
    of_front = names == [HYPERVOLUME]
    optimum = None if of_front else data.chosen.get("optimum_test_accuracy")
    curves = [
        {
            "svg": Markup(search_curve(traces, column, optimum, data.metric)),
            "caption": _CAPTIONS[column].replace("accuracy", data.metric),
        }
        for column in names
    ]
    checked = f"Test {data.metric} of the chosen"
    if names[:1] == ["best_valid"]:
        checked = f"Best validation {data.metric} seen"
    return {
        "curves": curves,
        "many_seeds": bool(traces.groupby("sampler")["seed"].nunique().max() > 1),
        "checked": "Hypervolume" if of_front else checked,
        "of_front": of_front,
        "search_table": search_table(traces, data.metric),
        "checkpoints": checkpoint_table(traces),
    }


def _space(data: ReportData) -> dict[str, object]:
    winner = data.chosen["arch_id"]
    shown = None if data.space is None else accuracies(data.space, data.history, winner)
    points = explored(data)
    explorer = None if points is None else explorer_page(points, winner)
    if shown is None:
        return {"space": None, "explorer": None}
    limit = upper_limits(data.constraints, data.device).get(LATENCY_MS)
    accuracy = "mean test" if shown.accuracy == "test" else "validation"
    caption = (
        f"{len(shown.points):,} architectures by {shown.latency} latency and {accuracy} "
        f"{data.metric}, the queried ones by round. The axis leaves out the least accurate fifth "
        "of a large space."
    )
    if shown.left_out:
        caption += f" {shown.left_out:,} more have no {shown.latency} latency."
    drawn = Markup(space_plot(shown, winner, limit, data.metric))
    return {"space": drawn, "space_caption": caption, "explorer": explorer}

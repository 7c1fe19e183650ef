"""The card of the network found, with figures of the deployed files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brpnas.export import Attribution, ModelCard
from brpnas.export.markdown import Code, code, escape, table
from brpnas.report.constraints import check_constraints, constraint_sentence
from brpnas.report.data import brp_settings
from brpnas.report.format import milliseconds, percent, signed_percent
from brpnas.report.network import (
    alarms,
    answered_by,
    class_table,
    confusion_table,
    conversion_facts,
    data_facts,
    file_name,
    score_facts,
)
from brpnas.report.tables import Table
from brpnas.spaces import NetworkConfig

__all__ = ["network_card"]

_ROWS = 100
"""Most classes listed on the card."""


def network_card(
    search: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    device: str,
    sources: Sequence[Attribution],
) -> ModelCard:
    """Card of the exported network.

    Args:
        search: Result of the search with the figures of the architecture, see
            `pipelines.export.member.exported_architecture`.
        evaluation: Figures of the deployed files; see `pipelines.export.nodes.deploy_network`.
        device: The device of the latencies.
        sources: Sources of the accuracies of the search.
    """
    task, chosen = search["task"], search["chosen"] | evaluation["latency"]
    checks = check_constraints(task["constraints"], chosen, device)
    broken = [
        f"The network breaks a limit. {constraint_sentence(check)}."
        for check in checks
        if check.satisfied is False
    ]
    facts = {
        "Architecture": Code(chosen["arch_id"]),
        "Search space": task["space"],
        **_size(search["network"]["size"]),
        "Runtime": evaluation["file"]["runtime"],
        "Precision": evaluation["file"]["precision"],
        "File": f"{evaluation['file_bytes']:,} bytes",
        **dict(conversion_facts(evaluation)),
        "Parameters": _millions(chosen.get("params_m")),
        "Multiply-adds": _millions(chosen.get("flops_m")),
        **_latency(chosen, device),
        **{
            f"Limit {check.constraint}": constraint_sentence(check).partition(": ")[2]
            for check in checks
        },
    }
    dataset = escape(str(task["dataset"]))
    if not evaluation["trained"]:
        return _untrained(search, facts, [*evaluation["notes"], *broken], sources, dataset)
    notes = evaluation["notes"]
    training, file = evaluation["training"], file_name(evaluation)
    return ModelCard(
        title=f"Network for {task['dataset']}",
        description=f"Classifies images of {dataset} into {len(evaluation['classes'])} classes. "
        f"Architecture {code(chosen['arch_id'])}, chosen {_choice(search)}. The test scores below "
        f"are of the {file}, on images that neither training nor choice has seen.",
        warnings=[*alarms(evaluation), *notes, *broken],
        facts={name: text for name, text in facts.items() if text},
        protocol=_protocol(training, file),
        metrics=dict(score_facts(evaluation)),
        licence="Yours to state: the weights were trained here, on the images named above, whose "
        "licence holds for them too. The code that made the file is Apache-2.0.",
        sections={
            "Data": table(("", ""), data_facts(evaluation)),
            "Classes": _listed(class_table(evaluation)),
            "Most frequent confusions": _listed(confusion_table(evaluation, 10)),
        },
        limits=[
            "Made for images like those of the data set: the scores say nothing about others.",
            "Trained with the settings of the search; longer training may give more.",
        ],
    )


def _untrained(
    search: Mapping[str, Any],
    facts: Mapping[str, str],
    warnings: Sequence[str],
    sources: Sequence[Attribution],
    dataset: str,
) -> ModelCard:
    """Card of a file with initial weights; its accuracies are from published trainings."""
    figures = {
        "Validation accuracy": search["known"]["valid_accuracy"],
        "Test accuracy": search["held_out"]["test_accuracy"],
    }
    oracle = search["task"]["oracle"]["name"]
    answered = answered_by(oracle, dataset)
    return ModelCard(
        title="Network of the architecture found, not trained",
        description=f"Architecture {code(search['chosen']['arch_id'])}, {_named(search)}found with "
        f"the accuracies of {answered}. The weights of this file are initial ones: train it before "
        "use.",
        warnings=[
            "The weights are initialised, not trained: its answers mean nothing.",
            *warnings,
        ],
        facts={name: text for name, text in facts.items() if text},
        protocol=f"Accuracies are those of {answered} for this architecture, not of this file.",
        metrics={
            f"{name} ({oracle})": percent(value)
            for name, value in figures.items()
            if value is not None
        },
        sources=sources,
        limits=["The weights are initialised, not trained: train before use."],
    )


def _choice(search: Mapping[str, Any]) -> str:
    """The choice of the architecture, and the number of candidates."""
    count = search["queries"] - search["failed"]
    if search["member"] is not None:
        return (
            f"by export.member: number {search['member']} of {len(search['members'])} on the front "
            f"of {count} trainings"
        )
    if search["front"] is not None:
        return f"as the suggested knee of the front of {count} trainings"
    metric = search["task"]["oracle"]["metric"].replace("_", " ")
    if brp_settings(search["task"]).get("choose_by") == "ranker":
        return f"by the ranker, which learnt from the validation {metric} of {count} trainings"
    return f"by validation {metric} among {count} trainings"


def _named(search: Mapping[str, Any]) -> str:
    """Place on the front of a member that the search did not choose."""
    if search["member"] is None:
        return ""
    return f"number {search['member']} of {len(search['members'])} on the front, "


def _size(text: str) -> dict[str, str]:
    network = NetworkConfig.of_size(text)
    return {
        "Size": f"{network.channels} channels, {network.stages} stages of "
        f"{network.cells_per_stage} cells",
        "Input": " x ".join(map(str, network.input_shape)),
    }


def _latency(chosen: Mapping[str, Any], device: str) -> dict[str, str]:
    measured, predicted = chosen["latency_ms"], chosen["predicted_latency_ms"]
    facts = (
        {} if predicted is None else {"Predicted latency": f"{milliseconds(predicted)} on {device}"}
    )
    if elsewhere := chosen["measured_on"]:
        there = f"{milliseconds(chosen['latency_elsewhere_ms'])} on {elsewhere}"
        return {**facts, "Measured latency": f"{there}; on {device} not measured"}
    if measured is None:
        return {**facts, "Measured latency": "not measured"}
    error = chosen["latency_error"]
    said = "" if error is None else f"; prediction {signed_percent(error)}"
    return {**facts, "Measured latency": f"{milliseconds(measured)} on {device}{said}"}


def _protocol(training: Mapping[str, Any], file: str) -> str:
    if training["final"]:
        return (
            "The search trained the network on the training images and scored it on the "
            "validation images. Once chosen, it was trained again, with the same settings and "
            "seed, on training and validation images together; this file holds those weights. Its "
            f"test scores were taken once, from the {file}."
        )
    return (
        "The search trained the network on the training images and scored it on the validation "
        f"images; this file holds those weights. Its test scores were taken from the {file}."
    )


def _listed(given: Table) -> str:
    rows = [[cell.text for cell in row] for row in given.rows]
    if not rows:
        return "None."
    more = f"\n\nand {len(rows) - _ROWS} more." if len(rows) > _ROWS else ""
    return table(given.heads, rows[:_ROWS]) + more


def _millions(value: float | None) -> str:
    return "" if value is None else f"{value:.4g} M"

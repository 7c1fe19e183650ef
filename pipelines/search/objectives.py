"""Node to read the objectives, and the front of a search with several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from brpnas.datasets import predicted_metrics, rows_of
from brpnas.search import chosen
from brpnas.search.fronts import ACCURACY, Front, Known, Objectives, search_front
from pipelines.predicted import task_device
from pipelines.search.settings import SearchSettings

__all__ = ["front_of", "front_table", "known_costs", "read_objectives", "with_choice"]


def read_objectives(
    settings: SearchSettings, objectives: Sequence[str], predictions: pd.DataFrame
) -> SearchSettings:
    """The parameters with the objectives and the costs known by measurement.

    Args:
        settings: Parameters of the search.
        objectives: The objectives, as strings.
        predictions: Predicted and measured metrics of the listed architectures.

    Raises:
        ObjectiveError: If an objective cannot be read.
    """
    read = Objectives.parse(objectives, task_device(predictions))
    return replace(settings, objectives=read, known=known_costs(read, predictions))


def known_costs(objectives: Objectives, predictions: pd.DataFrame) -> Known:
    """Measured values of the costs: of the rows that the predictors were trained on."""
    device, found = task_device(predictions), {}
    for metric in predicted_metrics(predictions):
        name = str(metric.relative_to(device))
        if name in objectives.costs:
            rows = rows_of(predictions, metric)
            rows = rows[rows["split"].isin(["train", "valid"])].dropna(subset=["measured"])
            found[name] = dict(zip(rows["arch_id"], rows["measured"].astype(float), strict=True))
    return found


def front_of(settings: SearchSettings, history: pd.DataFrame) -> Front | None:
    """The front of a search; None with accuracy as the only objective."""
    if not settings.objectives.several:
        return None
    return search_front(history, settings.objectives, settings.known)


def with_choice(history: pd.DataFrame, front: Front | None) -> pd.DataFrame:
    """The history with the knee as its final choice."""
    if front is None:
        return history
    return history.assign(leader=[*history["leader"].iloc[:-1], front.knee])


def front_table(history: pd.DataFrame, front: Front | None) -> pd.DataFrame:
    """Members of the front; of a search for accuracy alone the chosen architecture."""
    if front is not None:
        return front.members
    runs = history[(history["arch_id"] == chosen(history)) & (history["status"] == "ok")]
    return pd.DataFrame(
        {
            "arch_id": runs["arch_id"].iloc[:1],
            ACCURACY: runs["accuracy"].mean(),
            "answer": runs["accuracy"].mean(),
            "answers": len(runs),
            "first_query": runs["query"].iloc[:1],
            "knee": True,
        }
    ).reset_index(drop=True)

"""The device metrics that `train` learns: those of the task, its constraints and objectives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from brpnas.datasets import MEASURED, DeviceMetric
from brpnas.datasets.metrics import LATENCY_MS
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.search import Constraint
from brpnas.search.fronts.objectives import Objectives

__all__ = ["Targets", "choose_targets"]

Tables = Mapping[str, Callable[[], pd.DataFrame]]


@dataclass(frozen=True)
class Targets:
    """The device metrics to learn.

    Attributes:
        space: Name of the space.
        metrics: The metrics with their devices; first the latency on the device of the task.
    """

    space: str
    metrics: tuple[DeviceMetric, ...]

    @property
    def device(self) -> str:
        """The device of the task."""
        return str(self.metrics[0].device)


def choose_targets(
    latency: Tables,
    space: str,
    device: str,
    constraints: Sequence[str],
    objectives: Sequence[str],
) -> Targets:
    """Collect the device metrics that a search needs predicted, and check that they are measured.

    Args:
        latency: Loaders of the tables of devices.
        space: Name of the space.
        device: Device of the task.
        constraints: Constraints of the search, as strings.
        objectives: Objectives of the search, as strings.

    Raises:
        ConstraintError: If a constraint is malformed or names an unknown metric.
        ObjectiveError: If an objective is malformed or names an unknown metric.
        UnknownNameError: If a device has no table.
        ConfigurationError: If the table of a device lacks a metric.
    """
    first = DeviceMetric(LATENCY_MS, device)
    found = {first: "`device`"}
    named = (*_of_constraints(constraints, device), *_of_objectives(objectives))
    for metric, origin in named:
        if metric.measured:
            found.setdefault(metric.on(device), origin)
    for metric, origin in found.items():
        _check(metric, origin, latency)
    others = sorted(metric for metric in found if metric != first)
    return Targets(space, (first, *others))


def _of_constraints(texts: Iterable[str], device: str) -> Iterator[tuple[DeviceMetric, str]]:
    for text in texts:
        for name in Constraint.parse(text, device=device).metrics:
            yield DeviceMetric.parse(name), f"the constraint {text!r}"


def _of_objectives(texts: Sequence[str]) -> Iterator[tuple[DeviceMetric, str]]:
    for objective in Objectives.parse(texts).members:
        if objective.cost is not None:
            yield objective.cost, f"the objective '{objective}'"


def _check(metric: DeviceMetric, origin: str, latency: Tables) -> None:
    device = str(metric.device)
    if device not in latency:
        raise UnknownNameError("device with measurements", device, latency)
    table = latency[device]()
    if _holds(table, metric.metric):
        return
    held = [name for name in MEASURED if _holds(table, name)]
    others = sorted(name for name in latency if _holds(latency[name](), metric.metric))
    elsewhere = f" Devices with {metric.metric}: {', '.join(others)}." if others else ""
    raise ConfigurationError(
        f"{origin[0].upper()}{origin[1:]} needs {metric}, but the table of {device} holds only "
        f"{', '.join(held)}. Measure {metric.metric} on {device} and add it as the column "
        f"{metric.metric} of its table, in every row (docs/devices.md), or name a device that has "
        f"it.{elsewhere}"
    )


def _holds(table: pd.DataFrame, metric: str) -> bool:
    return metric in table and bool(table[metric].notna().all())

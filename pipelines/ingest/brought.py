"""Files that owners of devices bring: those that are accepted, and why the others are not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from brpnas.devices import Intake
from brpnas.errors import IntakeError
from pipelines.config import IngestConfig, parse

__all__ = ["accept_files"]

_log = logging.getLogger(__name__)

Intakes = Mapping[str, Callable[..., Intake]]


def accept_files(
    files: Intakes,
    space: str,
    params: Mapping[str, Any],
    least_rows: int,
    unit_check: bool,
) -> dict[str, Callable[..., Intake]]:
    """Read the file of every device; one that is refused is left out with a warning.

    So it stands in no other device's way. A run about its own device does not come here: see
    `pipelines.checks`.

    Args:
        files: For each device a function that reads its file.
        space: Name of the space.
        params: Parameters of the stage.
        least_rows: Fewest measured cells, as of `retrain`.
        unit_check: Whether to refuse latencies that look like seconds or microseconds, as of
            `retrain`.

    Returns:
        For each device that is accepted a function that gives what was read; none if the benchmark
        ``devices`` is not asked for.
    """
    if "devices" not in parse(IngestConfig, params).benchmarks:
        return {}
    accepted: dict[str, Callable[..., Intake]] = {}
    for name, read in files.items():
        try:
            intake = read(space=space, least=least_rows, unit_check=unit_check)
        except IntakeError as error:
            _log.warning("The device %s is left out. %s", name, error)
        else:
            accepted[name] = partial(_given, intake)
    return accepted


def _given(intake: Intake, **_: object) -> Intake:
    """What was read, however it is asked for."""
    return intake

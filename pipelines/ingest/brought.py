"""Latency files of owners of devices: accepted files, and the reasons for refusing the others."""

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
    """Read the file of every device; a refused file is left out with a warning.

    Other devices are not affected. A run about the device of a refused file stops earlier, in
    `pipelines.checks`.

    Args:
        files: Readers of the files, by device.
        space: Name of the space.
        params: Parameters of the stage.
        least_rows: Fewest measured cells, as in `retrain`.
        unit_check: Whether to refuse latencies probably in seconds or microseconds, as in
            `retrain`.

    Returns:
        Functions returning the accepted files, by device; empty without the benchmark ``devices``.
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
    """Return the file already read; the arguments of the request are ignored."""
    return intake

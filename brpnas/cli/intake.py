"""What ``brpnas devices check`` tells: which files of latencies the pipeline would accept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from brpnas.devices import intake_report, read_device_table
from brpnas.errors import IntakeError
from brpnas.spaces import DEFAULT_SPACE, get_space

__all__ = ["check_files"]


def check_files(
    paths: Sequence[Path], *, unit_check: bool, least: int, space: str = DEFAULT_SPACE
) -> tuple[list[str], list[str]]:
    """Read files of latencies.

    Args:
        paths: The files, one per device.
        unit_check: Whether to refuse what looks like seconds or microseconds.
        least: How many cells each must hold.
        space: Name of the space that the cells are of.

    Returns:
        Reports on the files that are accepted, and reports on those that are refused.
    """
    accepted, refused = [], []
    known = get_space(space)
    for path in paths:
        try:
            found = read_device_table(path, known, unit_check=unit_check, least=least)
            accepted.append(intake_report(found))
        except IntakeError as error:
            refused.append(str(error))
    return accepted, refused

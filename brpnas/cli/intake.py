"""Work of ``brpnas devices check``: check files of latencies, or rewrite one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from brpnas.devices import intake_report, read_device_table
from brpnas.devices.intake.files import check_path
from brpnas.errors import ConfigurationError, IntakeError, SourceError
from brpnas.spaces import DEFAULT_SPACE, get_space
from brpnas.tables import check

__all__ = ["check_files", "rewrite"]


def check_files(
    paths: Sequence[Path],
    *,
    unit_check: bool,
    least: int,
    space: str = DEFAULT_SPACE,
    notation: str | None = None,
) -> tuple[list[str], list[str]]:
    """Read files of latencies.

    Args:
        paths: The files, one per device.
        unit_check: Whether to refuse apparent seconds or microseconds.
        least: Minimum number of cells in each.
        space: Name of the space.
        notation: Notation of the cells, see `SearchSpace.reader`.

    Returns:
        Reports on accepted files, and reports on refused files.
    """
    accepted, refused = [], []
    known = get_space(space)
    for path in paths:
        try:
            found = read_device_table(
                path, known, unit_check=unit_check, least=least, notation=notation
            )
            accepted.append(intake_report(found))
        except IntakeError as error:
            refused.append(str(error))
    return accepted, refused


def rewrite(
    path: Path,
    output: Path,
    *,
    unit_check: bool,
    least: int,
    space: str = DEFAULT_SPACE,
    notation: str | None = None,
) -> str:
    """Check a file of latencies and write it with the canonical strings of the space.

    Args:
        path: The file.
        output: CSV file to write, named after the device; must not exist.
        unit_check: See `check_files`.
        least: See `check_files`.
        space: Name of the space.
        notation: See `check_files`.

    Returns:
        The report on the file, and the output.

    Raises:
        IntakeError: If the file or the name of the output is refused.
        SourceError: If the output exists or cannot be written.
        ConfigurationError: If the output is not a CSV file.
    """
    if output.suffix.lower() != ".csv":
        raise ConfigurationError(f"{output} must end in .csv.")
    check(output, check_path(output))
    known = get_space(space)
    found = read_device_table(path, known, unit_check=unit_check, least=least, notation=notation)
    table = found.table.drop(columns="device").dropna(axis="columns", how="all")
    try:
        with output.open("x", encoding="utf-8", newline="") as file:
            table.to_csv(file, index=False)
    except FileExistsError:
        raise SourceError(f"{output} exists and is kept: give another name.") from None
    except OSError as error:
        raise SourceError(f"{output} cannot be written: {error.strerror}.") from error
    return f"{intake_report(found)}\n{len(table):,} cells in {output}, as strings of {known.name}."

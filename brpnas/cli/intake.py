"""What ``brpnas devices check`` tells: which files of latencies the pipeline would accept.

It can also rewrite a file so that nothing has to be known to read it.
"""

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
        unit_check: Whether to refuse what looks like seconds or microseconds.
        least: How many cells each must hold.
        space: Name of the space that the cells are of.
        notation: How the cells are written, see `SearchSpace.reader`.

    Returns:
        Reports on the files that are accepted, and reports on those that are refused.
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
    """Write what a file of latencies holds with the strings of the space, after checking it.

    Args:
        path: The file.
        output: CSV file to write, named after the device; it must not exist.
        unit_check: See `check_files`, as the other options.
        least: How many cells it must hold.
        space: Name of the space.
        notation: How the cells are written.

    Returns:
        The report on what was read, and what was written.

    Raises:
        IntakeError: If the file is refused, or the new one could not be the file of a device.
        SourceError: If there is such a file, or no folder for it.
        ConfigurationError: If the new file is no CSV file.
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
        raise SourceError(f"{output} exists already and is left as it is.") from None
    except OSError as error:
        raise SourceError(f"{output} cannot be written: {error.strerror}.") from error
    return f"{intake_report(found)}\n{len(table):,} cells in {output}, as strings of {known.name}."

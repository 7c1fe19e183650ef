"""Converting a few networks, and timing them on a target."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from brpnas.errors import MeasurementError, TaskError
from brpnas.fanout import SerialEngine
from brpnas.measure.artifacts import MANIFEST, Artifact
from brpnas.measure.setup import MeasureSettings
from brpnas.measure.targets import Row, Rows, Target
from brpnas.measure.targets.local import check_artifacts

__all__ = ["EVERY", "Make", "convert_batch", "time_batch"]

EVERY = 25
"""Networks that are converted together, and between two timings of the reference network."""

Make = Callable[[Path], Artifact]
"""Converts a network and puts its files into a folder."""


def time_batch(
    makes: Mapping[str, Make],
    settings: MeasureSettings,
    target: Target,
    *,
    reference: tuple[str, Make] | None = None,
    reference_first: bool = True,
    folder: Path | None = None,
) -> Rows:
    """Convert networks, time them on a target, and yield each row on arrival.

    A network that cannot be converted or timed has a row too, with the event ``failed``.

    Args:
        makes: The networks by name.
        settings: Runtime, protocol and seed.
        target: Where to time them.
        reference: A network that is timed after the last one too.
        reference_first: Whether it is also timed first.
        folder: Folder for temporary files; by default that of the system.

    Raises:
        MeasurementError: If the target cannot be used, or the reference network not be timed.
    """
    with tempfile.TemporaryDirectory(prefix="brpnas-measure-", dir=folder) as name:
        work = Path(name)
        yield from convert_batch(
            makes,
            settings,
            work,
            reference=reference,
            reference_first=reference_first,
            checked=target.checks_first,
        )
        if (work / MANIFEST).exists():
            with closing(target.measure(work)) as rows:
                yield from rows


def convert_batch(
    makes: Mapping[str, Make],
    settings: MeasureSettings,
    folder: Path,
    *,
    reference: tuple[str, Make] | None = None,
    reference_first: bool = True,
    checked: bool = True,
) -> Rows:
    """Convert networks into a folder with their manifest, and yield a row for each that fails.

    Args:
        makes: The networks by name.
        settings: Runtime, protocol and seed.
        folder: An empty folder. Without a network left, it gets no manifest.
        reference: A network that is timed after the last one too.
        reference_first: Whether it is also timed first.
        checked: Whether to compare their answers with torch on this machine.

    Raises:
        MeasurementError: If the reference network fails.
    """
    artifacts = []
    for make, made in _converted(makes, folder):
        if isinstance(made, TaskError):
            yield _failed(make, made.message)
        else:
            artifacts.append(made)
    if not artifacts:
        return
    manifest = settings.manifest(artifacts)
    if reference is not None:
        repeated = _reference(reference, folder)
        manifest = replace(manifest, reference=repeated, reference_first=reference_first)
    if checked:
        # This machine may lack the provider of the target.
        path = replace(manifest, provider=settings.runtime.cpu).write(folder)
        failures = list(_wrong(folder))
        yield from failures
        wrong = {row["name"] for row in failures}
        manifest = manifest.only([one for one in artifacts if one.name not in wrong])
        path.unlink()
    if manifest.networks:
        manifest.write(folder)


def _reference(named: tuple[str, Make], folder: Path) -> Artifact:
    ((_, made),) = _converted(dict([named]), folder)
    if isinstance(made, TaskError):
        raise MeasurementError(f"The reference network cannot be measured: {made.message}")
    return made


def _converted(
    makes: Mapping[str, Make], folder: Path
) -> Iterator[tuple[str, Artifact | TaskError]]:
    return SerialEngine().run(lambda name: makes[name](folder), list(makes))


def _wrong(folder: Path) -> Rows:
    """Rows of the artifacts whose answer is wrong on this machine."""
    for row in check_artifacts(folder):
        if row["event"] == "failed":
            yield _failed(row["name"], row["error"])


def _failed(name: str, error: str) -> Row:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"event": "failed", "name": name, "error": error, "time": now}

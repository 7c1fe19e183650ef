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
from brpnas.measure.artifacts import Artifact
from brpnas.measure.setup import MeasureSettings
from brpnas.measure.targets import Row, Rows, Target
from brpnas.measure.targets.local import check_artifacts

__all__ = ["EVERY", "Make", "time_batch"]

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
        artifacts = []
        for make, made in _converted(makes, work):
            if isinstance(made, TaskError):
                yield _failed(make, made.message)
            else:
                artifacts.append(made)
        if not artifacts:
            return
        manifest = settings.manifest(artifacts)
        if reference is not None:
            repeated = _reference(reference, work)
            manifest = replace(manifest, reference=repeated, reference_first=reference_first)
        manifest.write(work)
        if target.checks_first:
            failures = list(_wrong(work))
            yield from failures
            kept = {row["name"] for row in failures}
            manifest = manifest.only([one for one in artifacts if one.name not in kept])
            manifest.write(work)
        if manifest.networks:
            with closing(target.measure(work)) as rows:
                yield from rows


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

"""Targets of an engine: each worker times one network with the runner of its machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

from brpnas.errors import MeasurementError, TaskError
from brpnas.fanout import Engine
from brpnas.measure.artifacts import Manifest
from brpnas.measure.hardware import Machine, describe_machine
from brpnas.measure.runtimes import Runtime
from brpnas.measure.targets.base import Row, Rows, Target
from brpnas.measure.targets.local import LocalTarget

__all__ = ["ClusterTarget"]


@dataclass(frozen=True)
class ClusterTarget(Target):
    """The workers of an engine, such as a Dask cluster. One worker per machine, of one kind.

    Networks are converted here and travel with their task.

    Args:
        engine: The engine; `close` ends it.
    """

    checks_first: ClassVar[bool] = False
    engine: Engine

    @property
    def name(self) -> str:
        """``cluster``."""
        return "cluster"

    def describe(self, runtime: Runtime) -> Machine:
        """Describe the machine of a worker; see `Target.describe`."""
        ((_, found),) = self.engine.run(describe_machine, [runtime])
        if isinstance(found, TaskError):
            raise MeasurementError(f"The machines of the engine cannot measure: {found.message}")
        return found

    def measure(self, folder: Path) -> Rows:
        """Time the artifacts; see `Target.measure`."""
        tasks = list(_tasks(Manifest.read(folder), folder))
        with closing(self.engine.run(_time, tasks)) as outcomes:
            for task, outcome in outcomes:
                row = _failed(task, outcome) if isinstance(outcome, TaskError) else outcome
                if task.event == "reference" and row["event"] == "failed":
                    raise MeasurementError(f"The reference network cannot be timed: {row['error']}")
                yield row

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()


@dataclass(frozen=True)
class _Task:
    """One artifact to time.

    Args:
        manifest: A manifest of this artifact alone.
        contents: Content of each file.
        event: Event of its row.
    """

    manifest: Manifest
    contents: dict[str, bytes]
    event: Literal["network", "reference"]


def _tasks(manifest: Manifest, folder: Path) -> Iterator[_Task]:
    for event, artifact in manifest.schedule():
        contents = {one.file: (folder / one.file).read_bytes() for one in artifact.files}
        alone = replace(manifest, networks=(artifact,), reference=None)
        yield _Task(alone, contents, event)


def _time(task: _Task) -> Row:
    """On a worker: time an artifact."""
    with tempfile.TemporaryDirectory(prefix="brpnas-measure-") as name:
        folder = Path(name)
        for file, content in task.contents.items():
            (folder / file).write_bytes(content)
        task.manifest.write(folder)
        (row,) = LocalTarget().measure(folder)
    return row if row["event"] == "failed" else row | {"event": task.event}


def _failed(task: _Task, error: TaskError) -> Row:
    (artifact,) = task.manifest.networks
    now = datetime.now(UTC).isoformat(timespec="seconds")
    named = {"name": artifact.name, "sha256": artifact.sha256}
    return {"event": "failed", **named, "error": error.message, "time": now}

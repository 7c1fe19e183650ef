"""A target that times nothing: its rows come from a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from brpnas.measure.artifacts import Artifact, Manifest
from brpnas.measure.hardware import Machine, describe_machine
from brpnas.measure.runtimes import Runtime
from brpnas.measure.targets import Row, Rows, Target


def nothing_special(row: Row) -> Row:
    return row


@dataclass(frozen=True)
class Scripted(Target):
    """Answers with rows of 1 ms, changed by a function; keeps the manifests."""

    change: Callable[[Row], Row] = nothing_special
    checks_first: ClassVar[bool] = False
    given: list[Manifest] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "scripted"

    def describe(self, runtime: Runtime) -> Machine:
        return describe_machine(runtime)

    def measure(self, folder: Path) -> Rows:
        manifest = Manifest.read(folder)
        self.given.append(manifest)
        machine = self.describe(_runtime(manifest))
        plan: list[tuple[str, Artifact]] = [("network", one) for one in manifest.networks]
        if manifest.reference:
            first = [("reference", manifest.reference)] * manifest.reference_first
            plan = [*first, *plan, ("reference", manifest.reference)]
        for event, one in plan:
            yield self.change(_row(event, one, machine))


@dataclass(frozen=True)
class Remote(Scripted):
    """Wants its networks checked first."""

    checks_first: ClassVar[bool] = True


def _runtime(manifest: Manifest) -> Runtime:
    from brpnas.measure.runtimes import get_runtime  # noqa: PLC0415

    return get_runtime(manifest.runtime, provider=manifest.provider, precision=manifest.precision)


def _row(event: str, one: Artifact, machine: Machine) -> dict[str, Any]:
    figures = {"latency_ms": 1.0, "std_ms": 0.1, "blocks_ms": [0.9, 1.1], "difference": 0.0}
    figures |= {"energy_mj": 2.5, "peak_memory_mib": 50.0, "file_kib": one.file_kib}
    when = {"time": "2026-01-01T00:00:00+00:00", "seconds": 0.2, "load": 0.5}
    who = {"host": machine.host, "machine": machine.identity()}
    return {"event": event, "name": one.name, "sha256": one.sha256, **figures, **when, **who}

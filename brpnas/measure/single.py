"""Timing networks without a store: proposals of a search, and single networks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from torch import nn

from brpnas.errors import MeasurementError, TaskError
from brpnas.measure.artifacts import Artifact, make_artifact
from brpnas.measure.batch import EVERY, Make, time_batch
from brpnas.measure.protocol import Timing
from brpnas.measure.setup import MeasureSettings, cell_artifact
from brpnas.measure.targets import LocalTarget, Target

__all__ = ["time_artifact", "time_cell", "time_cells", "time_module"]


def time_cells(
    arch_ids: Sequence[str], settings: MeasureSettings, target: Target | None = None
) -> Iterator[tuple[str, Timing | TaskError]]:
    """Time the networks of cells; a failure is a result too.

    Args:
        arch_ids: Cells, each once.
        settings: How to measure.
        target: Where to measure; None for this machine.

    Raises:
        MeasurementError: If the target cannot be used.
    """
    for start in range(0, len(arch_ids), EVERY):
        chosen = arch_ids[start : start + EVERY]
        makes = {arch_id: partial(cell_artifact, arch_id, settings) for arch_id in chosen}
        with closing(time_batch(makes, settings, target or LocalTarget())) as rows:
            for row in rows:
                failed = row["event"] == "failed"
                yield row["name"], TaskError(row["error"]) if failed else Timing.of(row)


def time_cell(arch_id: str, settings: MeasureSettings, target: Target | None = None) -> Timing:
    """Time the network of a cell.

    Raises:
        MeasurementError: If it cannot be converted or timed, or the target cannot be used.
    """
    return _time(arch_id, partial(cell_artifact, arch_id, settings), settings, target)


def time_artifact(
    artifact: Artifact, folder: Path, settings: MeasureSettings, target: Target | None = None
) -> Timing:
    """Time converted files unchanged.

    Args:
        artifact: A network converted for the runtime of the settings.
        folder: Folder of its files.
        settings: Runtime, protocol and batch size.
        target: Where to measure; None for this machine.

    Raises:
        MeasurementError: If it cannot be timed, or the target cannot be used.
    """

    def make(into: Path) -> Artifact:
        for one in artifact.files:
            shutil.copyfile(folder / one.file, into / one.file)
        return artifact

    return _time(artifact.name, make, settings, target)


def time_module(
    module: nn.Module,
    shape: tuple[int, int, int],
    settings: MeasureSettings,
    target: Target | None = None,
) -> Timing:
    """Time a module with finite weights.

    Args:
        module: On the CPU; left in evaluation mode.
        shape: Shape of one image, ``(C, H, W)``.
        settings: Runtime, protocol and batch size; the sizes of the network are not read.
        target: Where to measure; None for this machine.

    Raises:
        MeasurementError: If it cannot be converted or timed, or the target cannot be used.
    """
    whole = (settings.batch_size, *shape)
    made = partial(make_artifact, "network", module.eval(), whole, settings.runtime)
    return _time("network", made, settings, target)


def _time(name: str, make: Make, settings: MeasureSettings, target: Target | None) -> Timing:
    (row,) = time_batch({name: make}, settings, target or LocalTarget())
    if row["event"] == "failed":
        raise MeasurementError(f"The network cannot be measured: {row['error']}")
    return Timing.of(row)

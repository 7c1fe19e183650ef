"""Networks of cells as files, for devices without this project.

`export_cells` writes the artifacts that `brpnas measure` times, their manifest, and an index with a
column for latencies.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from brpnas.errors import ConfigurationError
from brpnas.measure.setup import MeasureSettings, cell_artifact

__all__ = ["export_cells"]


def export_cells(
    arch_ids: Sequence[str], settings: MeasureSettings, folder: Path, index: str = "index.csv"
) -> Path:
    """Write the artifact of each cell, a manifest and an index.

    The manifest (`brpnas.measure.artifacts.Manifest`) names size, protocol, converters, and the
    hash of each file. The index has the columns ``arch_id, latency_ms, network_size, precision,
    file``; ``file`` is the first of the network's files. With ``latency_ms`` filled in,
    `brpnas.devices.read_device_table` reads it under the name of the device.

    Args:
        arch_ids: Cells, each once.
        settings: Runtime, size, protocol, batch and seed.
        folder: Folder to create; it appears when complete.
        index: File name of the index.

    Returns:
        Path of the index.

    Raises:
        ConfigurationError: If the folder is not empty, or the converter is missing.
        ArchitectureError: If a string is not a cell of the space.
    """
    settings.runtime.check()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} exists, and its index may hold measurements: give another folder, or "
            "remove it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        artifacts = [cell_artifact(arch_id, settings, made) for arch_id in arch_ids]
        settings.manifest(artifacts).write(made)
        rows = pd.DataFrame({"arch_id": list(arch_ids)}).assign(
            latency_ms="",
            network_size=settings.network.size,
            precision=settings.runtime.precision,
            file=[artifact.files[0].file for artifact in artifacts],
        )
        rows.to_csv(made / index, index=False)
        made.rename(folder)
    return folder / index

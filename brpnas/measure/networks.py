"""Networks of cells as ONNX files, for devices without this project.

`export_cells` writes the files that `brpnas measure` times in ONNX Runtime, an index with a column
for latencies, and a manifest.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch

from brpnas.errors import ConfigurationError
from brpnas.export import OPSET
from brpnas.measure.runtimes import OnnxRuntime
from brpnas.measure.runtimes.onnxruntime import EXPORTER
from brpnas.measure.setup import MeasureSettings, build_cell
from brpnas.spaces import space_fingerprint

__all__ = ["MANIFEST", "export_cells"]

MANIFEST = "manifest.json"


def export_cells(
    arch_ids: Sequence[str], settings: MeasureSettings, folder: Path, index: str = "index.csv"
) -> Path:
    """Write the network of each cell without dead operations, an index and a manifest.

    The index has the columns ``arch_id, latency_ms, network_size, precision, file``. With
    ``latency_ms`` filled in, `brpnas.devices.read_device_table` reads it under the name of the
    device.

    Args:
        arch_ids: Cells, each once.
        settings: Size, precision, batch and seed; the runtime is ONNX Runtime.
        folder: Folder to create; it appears when complete.
        index: File name of the index.

    Returns:
        Path of the index.

    Raises:
        ConfigurationError: If the folder is not empty, or the runtime is not ONNX Runtime.
        ArchitectureError: If a string is not a cell of the space.
    """
    if not isinstance(settings.runtime, OnnxRuntime):
        raise ConfigurationError(f"{settings.runtime.name} runs no ONNX files.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} exists, and its index may hold measurements: give another folder, or "
            "remove it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        files = [_write(arch_id, settings, made) for arch_id in arch_ids]
        rows = pd.DataFrame({"arch_id": list(arch_ids)}).assign(
            latency_ms="",
            network_size=settings.network.size,
            precision=settings.runtime.precision,
            file=[str(f["file"]) for f in files],
        )
        rows.to_csv(made / index, index=False)
        text = json.dumps(_manifest(settings, files, index), indent=1)
        (made / MANIFEST).write_text(text + "\n", encoding="utf-8")
        made.rename(folder)
    return folder / index


def _write(arch_id: str, settings: MeasureSettings, folder: Path) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        (file,) = settings.runtime.convert(*build_cell(arch_id, settings), Path(made))
        content = file.read_bytes()
    name = f"{hashlib.sha256(arch_id.encode()).hexdigest()[:16]}.onnx"
    (folder / name).write_bytes(content)
    return {
        "file": name,
        "arch_id": arch_id,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }


def _manifest(
    settings: MeasureSettings, files: Sequence[dict[str, object]], index: str
) -> dict[str, object]:
    network = settings.network
    return {
        "brpnas": version("brpnas"),
        "torch": torch.__version__,
        "exporter": EXPORTER,
        "opset": OPSET,
        "space": settings.space,
        **space_fingerprint(settings.space),
        "network_size": network.size,
        "executes_dead_ops": network.executes_dead_ops,
        "precision": settings.runtime.precision,
        "weights": f"initialised, not trained (seed {settings.seed})",
        "input": {"name": "image", "shape": [settings.batch_size, *network.input_shape]},
        "output": {"name": "logits", "shape": [settings.batch_size, network.classes]},
        "index": index,
        "files": list(files),
    }

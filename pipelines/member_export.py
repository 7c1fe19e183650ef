"""Export of a member of the last search's front to a folder of its own.

`export_member` runs the nodes of the stage `export` that deliver the network, with another member
and into this folder. The outputs of the stage keep the network that the stage has exported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from brpnas.errors import ConfigurationError
from pipelines.checks import check_inputs, check_parameters
from pipelines.datasets.atomic import atomically
from pipelines.members import member_number
from pipelines.pipeline_registry import LazyPipelines
from pipelines.resolve import resolve

__all__ = ["EVALUATION", "FOLDER", "export_member"]

EVALUATION = "network_evaluation.json"
"""Figures of the files of a member."""
FOLDER = "06_models/front"
"""Folder of exported members in a workspace."""
_FILES = {
    "network_onnx": "network.onnx",
    "deployed_network": "deployed",
    "network_evaluation": EVALUATION,
    "network_card": "README.md",
}
_CARD = {"type": "pipelines.datasets.TextDataset"}
_ERROR = "network_error"


def export_member(
    loader: OmegaConfigLoader, member: int | str, output: Path | None = None
) -> tuple[Path, dict[str, Any]]:
    """Export a member of the front of the last search, in the current folder's project.

    Args:
        loader: Configuration of the project.
        member: Its number, or its architecture.
        output: New folder, or one of an earlier export; None for one of the workspace.

    Returns:
        The folder, with ``network.onnx``, ``deployed/``, the card ``README.md``,
        ``network_evaluation.json`` and ``parity.json``; and the figures of the files.

    Raises:
        ConfigurationError: If the front has no such number, or the folder holds other files.
        UnknownNameError: If the architecture is not on the front.
        MissingInputError: If there was no search.
        BrpNasError: As the stage `export`.
    """
    parameters = resolve(loader["parameters"])
    parameters["export"] = parameters["export"] | {"member": member}
    pipeline = LazyPipelines()["export"].to_outputs(*_FILES, _ERROR)
    entries = {**loader["catalog"], "network_card": _CARD}
    used = DataCatalog.from_config({n: entries[n] for n in pipeline.inputs() if n in entries})
    check_parameters(pipeline, parameters, used)
    check_inputs(pipeline, used)
    folder = _folder(loader, used.load("search_result"), member) if output is None else output
    _check_output(folder)
    for name in (name for name in pipeline.inputs() if name.startswith("params:")):
        used[name] = MemoryDataset(parameters[name.removeprefix("params:")])
    with atomically(folder) as fresh:
        fresh.mkdir()
        catalog = _with_outputs(used, entries, pipeline, fresh)
        SequentialRunner().run(pipeline, catalog)
        parity = {
            "network": catalog.load(_ERROR),
            "tolerance": parameters["export"]["tolerance"],
        }
        (fresh / "parity.json").write_text(json.dumps(parity, indent=2) + "\n", "utf-8")
        evaluation: dict[str, Any] = json.loads((fresh / EVALUATION).read_text("utf-8"))
    return folder, evaluation


def _folder(loader: OmegaConfigLoader, search_result: Mapping[str, Any], member: int | str) -> Path:
    """A folder of the workspace for one architecture: its number is of one search only."""
    figures = search_result["members"][member_number(search_result, member) - 1]
    digest = hashlib.sha256(figures["chosen"]["arch_id"].encode()).hexdigest()[:8]
    return Path(loader["globals"]["workspace"]) / FOLDER / digest


def _check_output(folder: Path) -> None:
    """Refuse to replace anything but an earlier export."""
    if not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / EVALUATION).exists()):
        raise ConfigurationError(
            f"{folder} exists and is not the folder of an export: name a new folder (--output)."
        )


def _with_outputs(
    used: DataCatalog, entries: Mapping[str, Any], pipeline: Pipeline, folder: Path
) -> DataCatalog:
    """The catalog with the outputs in a folder, and the rest in memory."""
    outputs = {
        name: {**entries[name], "filepath": str(folder / file)} for name, file in _FILES.items()
    }
    catalog = DataCatalog.from_config(outputs)
    for name in used:
        catalog[name] = used[name]
    for name in pipeline.all_outputs() - set(outputs):
        catalog[name] = MemoryDataset(copy_mode="assign")
    return catalog

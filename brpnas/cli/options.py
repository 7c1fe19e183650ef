"""Options, arguments and examples shared by subcommands."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "CELL",
    "LATENCY",
    "RANKER",
    "CellFile",
    "Env",
    "FrontFormat",
    "Json",
    "Model",
    "Notation",
    "PrecisionName",
    "RuntimeName",
    "SpaceName",
    "examples",
]

CELL = "'|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|'"
"""The architecture of the examples."""
LATENCY = "data/06_models/predictors/latency_ms@amd-epyc-onnxruntime-fp32-1t.safetensors"
"""The latency predictor of the examples."""
RANKER = "data/06_models/ranker.safetensors"
"""The ranker of the examples."""

SpaceName = Annotated[
    str, typer.Option("--space", metavar="NAME", help="Search space, or the path of its file.")
]
"""Option for the space."""

CellFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Cells to choose from: lines of text, or the column arch_id of a table.",
    ),
]
"""Option for a file of cells."""

Notation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Notation of the cells: naslib (default: the space's notations)."
    ),
]
"""Option for the notation of a file."""

Json = Annotated[bool, typer.Option("--json", help="Print a JSON list instead of a table.")]
"""Option for machine-readable output."""

Env = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Environment of the project, a folder of conf/."),
]
"""Option for the environment."""

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A registered model; `brpnas models` lists them.")
]
"""Argument for a registered model."""


class FrontFormat(StrEnum):
    """Forms of a front."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class RuntimeName(StrEnum):
    """Runtimes of the networks."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    LITERT = "litert"
    EXECUTORCH = "executorch"
    NCNN = "ncnn"
    TORCH = "torch"


class PrecisionName(StrEnum):
    """Number format of weights and activations."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


def examples(*commands: str) -> str:
    """Examples of a subcommand, for the end of its help."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)

"""Predictors as safetensors files: tensors, and metadata as JSON that says what they are.

Nothing in such a file is code, and nothing is run when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from brpnas.errors import SchemaError

__all__ = ["kind_of", "part", "read_file", "write_file"]


def write_file(
    path: Path, kind: str, metadata: Mapping[str, object], tensors: Mapping[str, Tensor]
) -> None:
    """Write tensors and JSON values, and what kind of predictor they make up."""
    values = {name: json.dumps(value) for name, value in {"kind": kind, **metadata}.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, values)


def read_file(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read what `write_file` wrote: metadata and tensors.

    Raises:
        SchemaError: If the file is not one of that kind.
    """
    metadata = _metadata(path)
    if metadata.get("kind") != kind:
        raise SchemaError(f"{path} holds {metadata.get('kind')!r}, not a {kind!r} predictor.")
    with safe_open(path, framework="pt") as file:
        return metadata, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def kind_of(path: Path) -> object:
    """Kind of predictor that a file says it holds; None if it says nothing.

    Raises:
        SchemaError: If it is no safetensors file.
    """
    return _metadata(path).get("kind")


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Tensors whose names begin with ``name.``, by the rest of their names."""
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }


def _metadata(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except (SafetensorError, json.JSONDecodeError) as error:
        raise SchemaError(f"{path} is not a predictor of this project: {error}.") from error

"""Inputs, outputs and metadata of an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

__all__ = ["TensorSpec", "describe_model", "with_metadata"]


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of an ONNX file.

    Args:
        name: Name of the tensor.
        dtype: numpy name of its type.
        shape: Sizes; open dimensions by name.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


def describe_model(
    path: Path,
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...], dict[str, str]]:
    """Read inputs, outputs and metadata of an ONNX file."""
    model = onnx.load(str(path))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return _specs(model.graph.input), _specs(model.graph.output), metadata


def with_metadata(content: bytes, more: Mapping[str, str]) -> bytes:
    """The content of an ONNX file with metadata added or replaced; the graph is unchanged."""
    model = onnx.load_model_from_string(content)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, dict(sorted({**metadata, **more}.items())))
    return bytes(model.SerializeToString(deterministic=True))


def _specs(values: Sequence[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            value.name,
            np.dtype(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)).name,
            tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim),
        )
        for value in values
    )

"""Writing a torch module as one ONNX file.

`export_module` is the general function, called by `brpnas.export.predictors` and
`brpnas.export.network`; these also check the result. `frozen_copy` is the exported module: a copy
on the CPU, in evaluation mode.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from brpnas.atomic import atomic_path

__all__ = ["OPSET", "Exporter", "export_module", "frozen_copy"]

OPSET = 18
"""Version of the ONNX operators, as written by torch without conversion.

The file declares the lowest IR version of this opset, 8, so ONNX Runtime 1.14 and later load it."""

Exporter = Literal["dynamo", "torchscript"]
"""Exporter of torch.

``dynamo``: the supported one, sound for any module, seconds for a deep network. ``torchscript``:
about ten times faster but deprecated in torch; it records one run, so Python code depending on the
batch is exported wrong. Use it for many networks of fixed shape."""

_log = logging.getLogger(__name__)


def export_module(
    module: nn.Module,
    path: Path,
    example: Mapping[str, Tensor],
    output_name: str | Sequence[str],
    *,
    dynamic_batch: bool = True,
    metadata: Mapping[str, str] | None = None,
    exporter: Exporter = "dynamo",
) -> None:
    """Write a module as a self-contained ONNX file.

    The file appears when it is complete and passes the ONNX checker; a failure changes nothing. The
    same weights give the same bytes.

    Args:
        module: Module; its ``forward`` takes the inputs in the order of ``example``.
        path: File to write; its folder must exist.
        example: Name and example of each input. The first dimension of each is the batch.
        output_name: Name of the output, or of each if there are several.
        dynamic_batch: Leave the batch size open, as a dimension named ``batch``; otherwise fix it
            to the size of the example.
        metadata: Written as ``metadata_props`` of the model.
        exporter: See `Exporter`.
    """
    frozen = frozen_copy(module)
    inputs = {name: value.detach().cpu() for name, value in example.items()}
    outputs = [output_name] if isinstance(output_name, str) else list(output_name)
    if dynamic_batch:  # torch takes a dimension of size 1 as constant, so the example needs two
        inputs = {name: torch.cat([value[:1], value[:1]]) for name, value in inputs.items()}
    options: dict[str, Any] = {"opset_version": OPSET, "verbose": False}
    if exporter == "dynamo":
        batch = torch.export.Dim("batch")
        options |= {"dynamo": True, "external_data": False}
        options["dynamic_shapes"] = tuple({0: batch} for _ in inputs) if dynamic_batch else None
    else:
        axes = {name: {0: "batch"} for name in (*inputs, *outputs)}
        options |= {"dynamo": False, "dynamic_axes": axes if dynamic_batch else None}
    with atomic_path(path) as partial:
        with _quiet():
            torch.onnx.export(
                frozen,
                tuple(inputs.values()),
                str(partial),
                input_names=list(inputs),
                output_names=outputs,
                **options,
            )
        _finish(partial, metadata or {})


def frozen_copy(module: nn.Module) -> nn.Module:
    """Copy a module to the CPU in evaluation mode, without gradients."""
    return copy.deepcopy(module).cpu().eval().requires_grad_(False)


def _finish(path: Path, metadata: Mapping[str, str]) -> None:
    """Add the metadata, drop traces of this machine, lower the IR version, check."""
    model = onnx.load(str(path))
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)
    graph = model.graph
    _fold_transposes(graph)
    parts = (*graph.node, *graph.value_info, *graph.initializer, *graph.input, *graph.output)
    for part in (model, graph, *parts):
        # Stack traces and scopes of the exporting code, with paths of this machine.
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.helper.set_model_props(model, dict(sorted(metadata.items())))
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _fold_transposes(graph: onnx.GraphProto) -> None:
    """Store weights already transposed, and twice if they are read both ways.

    ONNX Runtime before 1.17 fuses such a node with the product after it, into an operator available
    in float32 only, and then refuses a file in float64.
    """
    readers = Counter(name for node in graph.node for name in node.input)
    weights = {weight.name: weight for weight in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Transpose"]:
        weight = weights.get(node.input[0])
        if weight is None:
            continue
        order = next((tuple(a.ints) for a in node.attribute if a.name == "perm"), None)
        turned = np.ascontiguousarray(onnx.numpy_helper.to_array(weight).transpose(order))
        graph.initializer.append(onnx.numpy_helper.from_array(turned, node.output[0]))
        graph.node.remove(node)
        readers[weight.name] -= 1
        if not readers[weight.name]:
            graph.initializer.remove(weight)


@contextmanager
def _quiet() -> Iterator[None]:
    """Log messages of torch during an export at debug level."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
            for warning in caught:
                _log.debug("%s: %s", warning.category.__name__, warning.message)

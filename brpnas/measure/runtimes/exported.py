"""Networks on their way to a converter: programs of `torch.export`, batch normalisation folded."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.nn.utils.fusion import fuse_conv_bn_weights

from brpnas.measure.runtimes.worker import convert_apart

__all__ = ["convert_program", "export_program", "folded", "load_folded"]

_CONVOLUTION = torch.ops.aten.conv2d.default
_NORMALISATION = torch.ops.aten.batch_norm.default


def export_program(network: nn.Module, images: Tensor) -> ExportedProgram:
    """Trace a network, on the CPU and in evaluation mode, for inputs of one shape."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return torch.export.export(network, (images,))


def convert_program(
    converter: str,
    network: nn.Module,
    images: Tensor,
    target: Path,
    batches: npt.NDArray[np.float32] | None = None,
) -> None:
    """Convert a network by the module of a converter, in a process of its own.

    The module has a function ``convert(source, target, calibration)``: files of the program (see
    `load_folded`), of the converted network, and of the batches, empty for none.

    Args:
        converter: Name of the module.
        network: On the CPU, in evaluation mode.
        images: Example input.
        target: File to write. Temporary files stand beside it.
        batches: Images for the scales of int8, ``[N, B, C, H, W]``; None for floating point.

    Raises:
        MeasurementError: If the converter refuses the network, or dies.
    """
    source, calibration = target.with_suffix(".pt2"), target.with_suffix(".npy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(export_program(network, images), source)
    request = {"source": str(source), "target": str(target), "calibration": ""}
    if batches is not None:
        np.save(calibration, batches)
        request["calibration"] = str(calibration)
    convert_apart(converter, request)


def load_folded(path: Path | str) -> tuple[fx.GraphModule, Tensor]:
    """Read a program as a module; see `folded`.

    Returns:
        The module and its example input.
    """
    program = torch.export.load(path)
    assert program.example_inputs is not None
    ((images,), _) = program.example_inputs
    return folded(program), images


def folded(program: ExportedProgram) -> fx.GraphModule:
    """The module of a program, with batch normalisation folded into convolutions.

    Converters fold it too. Done first, the graph is half as long, and a conversion takes half the
    time. Operations without a path to the output, which crash some converters, are left out.
    """
    module = program.module()
    assert isinstance(module, fx.GraphModule)
    with torch.no_grad():
        for number, node in enumerate(list(module.graph.nodes)):
            if node.target is _NORMALISATION:
                _fold(module, node, f"folded{number}")
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


def _fold(module: fx.GraphModule, node: fx.Node, name: str) -> None:
    """Fold a batch normalisation into the convolution before it, if nothing else reads that."""
    convolution, *statistics, _training, _momentum, epsilon, _cudnn = node.args
    assert isinstance(convolution, fx.Node)
    if convolution.target is not _CONVOLUTION or len(convolution.users) > 1:
        return
    image, kernel, *rest = convolution.args
    bias = rest.pop(0) if rest else None
    scale, shift, mean, variance = (_value(module, one) for one in statistics)
    weights = fuse_conv_bn_weights(
        _value(module, kernel),
        None if bias is None else _value(module, bias),
        mean,
        variance,
        float(str(epsilon)),
        scale,
        shift,
    )
    with module.graph.inserting_before(convolution):
        folded = []
        for suffix, weight in zip(("weight", "bias"), weights, strict=True):
            module.register_buffer(f"{name}_{suffix}", weight.detach())
            folded.append(module.graph.get_attr(f"{name}_{suffix}"))
            folded[-1].meta["val"] = weight.detach()  # quantisers read it
    convolution.args = (image, *folded, *rest)
    node.replace_all_uses_with(convolution)
    module.graph.erase_node(node)


def _value(module: fx.GraphModule, node: object) -> Tensor:
    """The weight that a node reads."""
    assert isinstance(node, fx.Node)
    *parents, name = str(node.target).split(".")
    value = getattr(module.get_submodule(".".join(parents)), name)
    assert isinstance(value, Tensor)
    return value

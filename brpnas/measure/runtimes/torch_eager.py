"""Torch eager: the network is a list of operations, called one after another, dead ones too.

The file is an NPZ with the weights and the list as JSON, so that the device needs torch alone and
unpickles nothing. The operations are recorded from one run (`make_fx`), before any decomposition:
exactly those that the module calls.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import make_fx

from brpnas.arrays import write_arrays
from brpnas.errors import MeasurementError
from brpnas.measure.runtimes.base import Runtime

__all__ = ["TorchEager"]


@dataclass(frozen=True)
class TorchEager(Runtime):
    """Torch (https://pytorch.org) without compilation.

    On a GPU a run ends when the GPU has finished; the image is already there. Convolutions on a
    GPU use TF32 where torch does by default.
    """

    name: ClassVar[str] = "torch"
    title: ClassVar[str] = "torch eager"
    extra: ClassVar[str] = "measure"
    packages: ClassVar[tuple[str, ...]] = ("torch",)
    executes_dead_ops: ClassVar[bool] = True

    def convert(
        self, network: nn.Module, images: Tensor, folder: Path, calibration: Tensor | None = None
    ) -> tuple[Path, ...]:
        """Record the operations of one run, with their weights."""
        with torch.no_grad():
            recorded = make_fx(network, pre_dispatch=True)(images)
        path = folder / "network.npz"
        write_arrays(path, _arrays(recorded), compress=False)
        return (path,)


def _arrays(recorded: fx.GraphModule) -> dict[str, np.ndarray]:
    """Weights by name, and the entry ``graph``: JSON of the steps ``[result, operation, ...]``."""
    names: dict[fx.Node, str] = {}
    arrays: dict[str, np.ndarray] = {}
    steps: list[list[Any]] = []
    for number, node in enumerate(recorded.graph.nodes):
        name = names[node] = f"v{number}"
        if node.op == "placeholder":
            steps.append([name, "image"])
        elif node.op == "get_attr":
            arrays[name] = _attribute(recorded, str(node.target)).detach().cpu().numpy()
        elif node.op == "output":
            steps.append(["", "output", _plain(node.args[0], names)])
        else:
            kwargs = {key: _plain(value, names) for key, value in node.kwargs.items()}
            args = [_plain(argument, names) for argument in node.args]
            steps.append([name, str(node.target), args, kwargs])
    text = json.dumps(steps, separators=(",", ":"))
    return {**arrays, "graph": np.frombuffer(text.encode(), np.uint8)}


def _attribute(module: nn.Module, path: str) -> Tensor:
    *parents, name = path.split(".")
    value = getattr(module.get_submodule(".".join(parents)), name)
    assert isinstance(value, Tensor)
    return value


def _plain(value: Any, names: dict[fx.Node, str]) -> Any:
    """An argument as JSON types; results and other types as ``{kind: text}``."""
    if isinstance(value, fx.Node):
        return {"value": names[value]}
    if isinstance(value, list | tuple):
        return [_plain(one, names) for one in value]
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return {"torch": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"device": ""}  # that of the runner
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise MeasurementError(
        f"A file for torch cannot hold an argument of type {type(value).__name__}. Time this "
        "network in another runtime."
    )

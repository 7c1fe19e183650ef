"""ExecuTorch: the network is one program, lowered to XNNPACK."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, fx, nn

from brpnas.export.onnx import frozen_copy
from brpnas.measure.quantise import calibration_batches
from brpnas.measure.runtimes.base import Runtime
from brpnas.measure.runtimes.exported import convert_program, load_folded

__all__ = ["ExecuTorch", "convert"]


@dataclass(frozen=True)
class ExecuTorch(Runtime):
    """ExecuTorch (https://pytorch.org/executorch) on a CPU.

    ``fp16`` stores and computes in float16, the image too; XNNPACK widens where the processor has
    no instructions for it. ``int8`` is static quantisation by torchao, weights per channel.
    """

    name: ClassVar[str] = "executorch"
    title: ClassVar[str] = "ExecuTorch"
    extra: ClassVar[str] = "executorch"
    packages: ClassVar[tuple[str, ...]] = ("torch", "executorch", "torchao")
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")

    def convert(
        self, network: nn.Module, images: Tensor, folder: Path, calibration: Tensor | None = None
    ) -> tuple[Path, ...]:
        """Export to a program of torch, quantise if requested, lower."""
        if self.precision == "fp16":
            network, images = frozen_copy(network).half(), images.half()
        int8 = self.precision == "int8"
        batches = calibration_batches(images.shape, calibration) if int8 else None
        target = folder / "network.pte"
        convert_program(__name__, network, images, target, batches)
        return (target,)


def convert(source: str, target: str, calibration: str) -> None:
    """Lower a program; in the process of the converter."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import (  # noqa: PLC0415
        XnnpackPartitioner,
    )
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower  # noqa: PLC0415

    module, images = load_folded(source)
    if calibration:
        module = _quantised(module, np.load(calibration))
    with torch.no_grad():
        lowered = to_edge_transform_and_lower(
            torch.export.export(module, (images,)),
            partitioner=[XnnpackPartitioner()],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
    with Path(target).open("wb") as file:
        lowered.to_executorch().write_to_file(file)


def _quantised(module: fx.GraphModule, batches: np.ndarray) -> fx.GraphModule:
    """The module with its scales from batches of images."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (  # noqa: PLC0415
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import (  # noqa: PLC0415
        convert_pt2e,
        prepare_pt2e,
    )

    config = get_symmetric_quantization_config(is_per_channel=True)
    observed = prepare_pt2e(module, XNNPACKQuantizer().set_global(config))
    with torch.no_grad():
        for batch in batches:
            observed(torch.from_numpy(batch))
    quantised: fx.GraphModule = convert_pt2e(observed)
    return quantised

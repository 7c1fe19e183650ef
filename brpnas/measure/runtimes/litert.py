"""LiteRT: the network is one file of LiteRT (TFLite), which runs in XNNPACK."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from brpnas.measure.quantise import calibration_batches
from brpnas.measure.runtimes.base import Runtime
from brpnas.measure.runtimes.exported import convert_program, load_folded

__all__ = ["LiteRt", "convert"]


@dataclass(frozen=True)
class LiteRt(Runtime):
    """LiteRT (https://ai.google.dev/edge/litert), formerly TFLite, on a CPU.

    ``int8`` is static quantisation by ai-edge-quantizer: weights per channel, image and logits stay
    float32.
    """

    name: ClassVar[str] = "litert"
    title: ClassVar[str] = "LiteRT"
    extra: ClassVar[str] = "litert"
    packages: ClassVar[tuple[str, ...]] = ("torch", "litert_torch", "ai_edge_quantizer")
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "int8")

    def convert(
        self, network: nn.Module, images: Tensor, folder: Path, calibration: Tensor | None = None
    ) -> tuple[Path, ...]:
        """Export to a program of torch, convert, quantise if requested."""
        int8 = self.precision == "int8"
        batches = calibration_batches(images.shape, calibration) if int8 else None
        target = folder / "network.tflite"
        convert_program(__name__, network, images, target, batches)
        return (target,)


def convert(source: str, target: str, calibration: str) -> None:
    """Convert a program; in the process of the converter."""
    import litert_torch  # noqa: PLC0415

    module, images = load_folded(source)
    litert_torch.convert(module, (images,)).export(target)
    if calibration:
        _quantise(target, np.load(calibration))


def _quantise(path: str, batches: np.ndarray) -> None:
    """Quantise a file in place, all but its input and output."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415
    from ai_edge_quantizer import calibrator, quantizer, recipe, recipe_manager  # noqa: PLC0415

    ((name, ends),) = Interpreter(path).get_signature_list().items()
    kept = {"regex": ".*", "algorithm_key": "no_quantize", "op_config": {}}
    recipes = recipe.static_wi8_ai8() + [kept | {"operation": end} for end in ("INPUT", "OUTPUT")]
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipes)
    observed = calibrator.Calibrator(path, num_threads=1, qsv_update_func=_widest)
    observed.calibrate({name: [{ends["inputs"][0]: batch} for batch in batches]}, manager)
    quantised = quantizer.Quantizer(path, recipes).quantize(observed.get_model_qsvs())
    quantised.export_model(path, overwrite=True)


def _widest(before: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The range of all images; by default the quantiser takes their mean range and clips."""
    return {
        "min": np.minimum(before["min"], now["min"]),
        "max": np.maximum(before["max"], now["max"]),
    }

"""Static quantisation to int8: of an ONNX file, and the images that decide the scales.

With scales from random images the latency is realistic, the answers are not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from torch import Tensor

__all__ = ["calibration_batches", "quantise"]

_BATCHES = 4


def calibration_batches(
    shape: Sequence[int], calibration: Tensor | None = None
) -> npt.NDArray[np.float32]:
    """Batches of images for the scales, ``[N, *shape]``.

    Args:
        shape: Shape of the input, ``[B, C, H, W]``.
        calibration: Images, a multiple of ``B``; None for a few batches of normal noise, the same
            for every network.
    """
    if calibration is None:
        rng = np.random.default_rng(0)
        return rng.standard_normal((_BATCHES, *shape), dtype=np.float32)
    return calibration.reshape(-1, *shape).numpy()


class _Images(CalibrationDataReader):  # type: ignore[misc]
    """Batches of images."""

    def __init__(self, batches: Iterable[npt.NDArray[np.float32]]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the next batch, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def quantise(
    source: Path, target: Path, shape: tuple[int, ...], calibration: Tensor | None = None
) -> None:
    """Quantise a file with the input ``image``: QDQ, one scale per output channel.

    Weights become int8 and activations uint8, the pair for which x86 kernels are optimised.

    Args:
        source: ONNX file in float32.
        target: File to write.
        shape: Shape of the input, ``[B, C, H, W]``.
        calibration: Images that decide the scales; see `calibration_batches`.
    """
    with _quiet():
        quantize_static(
            str(source),
            str(target),
            _Images(calibration_batches(shape, calibration)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the quantiser's warning about missing pre-processing.

    The export has already folded batch normalisation.
    """

    def keep(record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING or "quantization" not in record.pathname

    root = logging.getLogger()
    handlers = list(root.handlers)
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)
        for handler in set(root.handlers) - set(handlers):  # of `logging.basicConfig`
            root.removeHandler(handler)

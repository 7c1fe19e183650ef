"""Static quantisation of an ONNX file to int8, for measuring.

The scales come from random images: the latency is realistic, the answers are not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
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

__all__ = ["quantise"]

_BATCHES = 4


class _Noise(CalibrationDataReader):  # type: ignore[misc]
    """Batches of normal noise, the same for every network."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(0)
        self._batches: Iterator[npt.NDArray[np.float32]] = iter(
            [rng.standard_normal(shape, dtype=np.float32) for _ in range(_BATCHES)]
        )

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the next batch, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def quantise(source: Path, target: Path, shape: tuple[int, ...]) -> None:
    """Quantise a file with the input ``image``: QDQ, one scale per output channel.

    Weights become int8 and activations uint8, the pair for which x86 kernels are optimised.

    Args:
        source: ONNX file in float32.
        target: File to write.
        shape: Shape of the input, ``[B, C, H, W]``.
    """
    with _quiet():
        quantize_static(
            str(source),
            str(target),
            _Noise(shape),
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

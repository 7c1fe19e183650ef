"""Checking an ONNX file against its torch module."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)
from torch import Tensor, nn

from brpnas.errors import ParityError
from brpnas.export.onnx import frozen_copy

__all__ = ["check_parity", "open_session"]

_log = logging.getLogger(__name__)
_REFUSALS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented, RuntimeException)


def check_parity(
    module: nn.Module,
    path: Path,
    feeds: Iterable[Mapping[str, Tensor]],
    tolerance: float = 1e-5,
) -> float:
    """Compare a file, run by ONNX Runtime on the CPU, with its module on every feed.

    The error of one number is ``|onnx - torch| / max(1, |torch|)``: relative for large numbers,
    absolute for small ones.

    Args:
        module: Exported module, with the inputs in the order of the feeds.
        path: ONNX file with the outputs of the module.
        feeds: Inputs by name; use several batch sizes to test a dynamic batch.
        tolerance: Largest error allowed.

    Returns:
        Largest error over all feeds.

    Raises:
        ParityError: If the file cannot be run, the shapes, NaNs or infinities of its outputs
            differ, the error exceeds the tolerance, or feeds are missing.
    """
    frozen = frozen_copy(module)
    worst: float | None = None
    try:
        session = open_session(path)
        for feed in feeds:
            with torch.inference_mode():
                expected = frozen(*(value.cpu() for value in feed.values()))
            answers = session.run(
                None, {name: value.numpy(force=True) for name, value in feed.items()}
            )
            outputs = [expected] if isinstance(expected, Tensor) else list(expected)
            for answer, output in zip(answers, outputs, strict=True):
                error = _compare(np.asarray(answer), output.numpy(), path, tolerance)
                worst = max(worst or 0.0, error)
    except _REFUSALS as error:
        raise ParityError(f"ONNX Runtime cannot run {path.name}: {error}") from error
    if worst is None:
        raise ParityError(f"{path.name} was compared on no input: give at least one feed.")
    _log.debug("%s answers as torch does, to %.1e", path.name, worst)
    return worst


def open_session(file: Path | bytes) -> ort.InferenceSession:
    """Load a file or its content into ONNX Runtime: CPU, one thread, no warnings."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    content = file if isinstance(file, bytes) else file.read_bytes()
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _compare(
    answer: npt.NDArray[np.generic], expected: npt.NDArray[np.generic], path: Path, tolerance: float
) -> float:
    if answer.shape != expected.shape:
        raise ParityError(
            f"The output of {path.name} has shape {answer.shape}, not {expected.shape} as in "
            "torch: a dimension was fixed in the export."
        )
    theirs, ours = answer.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        errors = np.abs(theirs - ours) / np.maximum(1.0, np.abs(ours))
    # Equal infinities differ by NaN; a NaN on both sides is agreement too.
    errors[(theirs == ours) | (np.isnan(theirs) & np.isnan(ours))] = 0.0
    worst = float(errors.max(initial=0.0))
    if not worst <= tolerance:
        raise ParityError(
            f"{path.name} differs from its torch module by {worst:.1e} on a batch of "
            f"{len(expected)}, more than the {tolerance:.0e} allowed. The module must be "
            "deterministic in evaluation mode, and its Python code independent of the batch size."
        )
    return worst

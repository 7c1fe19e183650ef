"""The exported network alone, tested from its metadata.

It imports nothing of this project. Preprocessing comes from the metadata of the ONNX file; accuracy
is over the pictures of a folder, latency of one thread, batch 1.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

__all__ = ["accuracy", "latency_ms", "open_network"]


def open_network(path: Path) -> tuple[onnxruntime.InferenceSession, dict[str, Any]]:
    """The session of the file on one thread, and its metadata."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    return session, dict(session.get_modelmeta().custom_metadata_map)


def accuracy(path: Path, pictures: Path) -> tuple[float, int]:
    """Share of recognised pictures in ``CLASS/*.png``, and their number."""
    session, metadata = open_network(path)
    name = session.get_inputs()[0].name
    labels = json.loads(metadata["label_names"])
    scale = float(json.loads(metadata["pixel_scale"]))
    mean = np.asarray(json.loads(metadata["mean"]), np.float32)[:, None, None]
    std = np.asarray(json.loads(metadata["std"]), np.float32)[:, None, None]
    right = count = 0
    for file in sorted(pictures.glob("*/*.png")):
        with Image.open(file) as picture:
            pixels = np.asarray(picture.convert("RGB" if len(mean) == 3 else "L"), np.float32)
        channels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        logits = session.run(None, {name: ((channels / scale - mean) / std)[None]})[0]
        right += labels[int(np.argmax(logits))] == file.parent.name
        count += 1
    return right / count, count


def latency_ms(path: Path, blocks: int = 10, runs: int = 100) -> tuple[float, float]:
    """Interquartile mean of a run in milliseconds over blocks, and its relative spread."""
    session, _ = open_network(path)
    given = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in given.shape]
    image = {given.name: np.random.default_rng(0).normal(size=shape).astype(np.float32)}
    for _ in range(runs):
        session.run(None, image)
    means = []
    for _ in range(blocks):
        times = []
        for _ in range(runs):
            began = time.perf_counter()
            session.run(None, image)
            times.append(time.perf_counter() - began)
        means.append(1000 * _middle(times))
    return _middle(means), float(np.ptp(means) / np.median(means))


def _middle(values: list[float]) -> float:
    ordered = np.sort(values)
    quarter = len(ordered) // 4
    return float(ordered[quarter : len(ordered) - quarter].mean())

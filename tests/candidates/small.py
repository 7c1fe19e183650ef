"""Settings for trainings within a fraction of a second, and images to write to files."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from brpnas.candidates import ImageData, JobConfig

CONV = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
POOL = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|none~2|"
TWINS = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|none~2|",
    "|none~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|",
)
"""Two cells of one function: they differ in operations without a path to the output."""
DISCONNECTED = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"


def small(**more: Any) -> JobConfig:
    sizes = {"channels": 4, "cells_per_stage": 1, "stages": 2, "epochs": 4}
    return JobConfig(**{**sizes, **more})


def digits(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """The first digits as bytes of 0..255, ``[N, 8, 8]``, and their labels."""
    pixels, labels = load_digits(return_X_y=True)
    return (pixels[:count].reshape(-1, 8, 8) * 15).astype(np.uint8), labels[:count]


def random_images(count: int = 12, labels: int = 2) -> ImageData:
    """Noise; all rows are training rows, except the last ones."""
    rng = np.random.default_rng(0)
    rows = np.arange(count + 4)
    return ImageData(
        "noise",
        rng.random((count + 4, 3, 6, 5), np.float32),
        rows % labels,
        {"train": rows[:count], "valid": rows[count:-2], "test": rows[-2:]},
        tuple(map(str, range(labels))),
    )

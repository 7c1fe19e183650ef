"""Scores of an exported network: its files, run on the test images.

`score_file` applies the preprocessing in the metadata of an ONNX file and runs ONNX Runtime, as
users of the file do. Files for other runtimes answer `held_out_batches`; `score_logits` scores the
answers. `network_evaluation` collects the figures for report, model card and metrics.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.candidates.images import SPLITS, ImageData
from brpnas.candidates.scores import ClassScores, class_counts, class_scores
from brpnas.candidates.weights import TrainedNetworkFile
from brpnas.errors import SchemaError
from brpnas.export.parity import open_session

__all__ = [
    "calibration_images",
    "check_images",
    "held_out_batches",
    "network_evaluation",
    "score_file",
    "score_logits",
]

_BATCH = 256


def score_file(content: bytes, data: ImageData) -> ClassScores:
    """Score an exported network on the test images, with ONNX Runtime on the CPU.

    Args:
        content: ONNX file of `brpnas.candidates.export_trained`.
        data: The images.

    Raises:
        SchemaError: If the file expects other classes, sizes or pixel values.
    """
    session = open_session(content)
    about = session.get_modelmeta().custom_metadata_map
    stated = {key: json.loads(about[key]) for key in ("label_names", "pixel_scale", "input_shape")}
    here = {
        "label_names": list(data.label_names),
        "pixel_scale": data.pixel_scale,
        "input_shape": [1, *data.input_shape],
    }
    for key, value in here.items():
        if stated[key] != value:
            raise SchemaError(
                f"The network has {key} {stated[key]}, but the images of {data.name} have {value}: "
                "it was trained on other images."
            )
    rows = data.parts["test"]
    mean, std = (np.array(json.loads(about[key]), np.float32) for key in ("mean", "std"))
    said = [
        session.run(["logits"], {"image": batch})[0].argmax(axis=1)
        for batch in _batches(data, rows, mean[:, None, None], std[:, None, None])
    ]
    return class_scores(data.labels[rows], np.concatenate(said), len(data.label_names))


def _batches(
    data: ImageData,
    rows: npt.NDArray[np.int64],
    mean: npt.NDArray[np.float32],
    std: npt.NDArray[np.float32],
) -> Iterator[npt.NDArray[np.float32]]:
    """Batches of images as input of the file."""
    for start in range(0, len(rows), _BATCH):
        yield (data.scaled(rows[start : start + _BATCH]) - mean) / std


def held_out_batches(
    trained: TrainedNetworkFile, data: ImageData
) -> Iterator[npt.NDArray[np.float32]]:
    """The test images as input of a trained network, in batches."""
    return _batches(data, data.parts["test"], *_normalisation(trained))


def score_logits(logits: npt.NDArray[np.float32], data: ImageData) -> ClassScores:
    """Score the answers to all test images, in their order."""
    labels = data.labels[data.parts["test"]]
    return class_scores(labels, logits.argmax(axis=1), len(data.label_names))


def calibration_images(
    trained: TrainedNetworkFile, data: ImageData, count: int, seed: int
) -> npt.NDArray[np.float32]:
    """Training images as input of a trained network, drawn at random; all if they are fewer."""
    rows = np.random.default_rng(seed).permutation(data.parts["train"])[:count]
    return np.concatenate(list(_batches(data, rows, *_normalisation(trained))))


def _normalisation(
    trained: TrainedNetworkFile,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    mean, std = (np.array(values, np.float32) for values in (trained.mean, trained.std))
    return mean[:, None, None], std[:, None, None]


def check_images(trained: TrainedNetworkFile, data: ImageData) -> None:
    """Check that images and split are those of the training.

    Raises:
        SchemaError: If not.
    """
    if trained.images != data.digest:
        raise SchemaError(
            f"The network was trained on other images or another split than {data.name} holds now "
            f"({trained.images} there, {data.digest} now), so its test accuracy would be invalid. "
            "Run `search` again, or restore images and split."
        )


def network_evaluation(
    scores: ClassScores, trained: TrainedNetworkFile, data: ImageData
) -> dict[str, Any]:
    """Scores of an exported network on the test images, and its training data (JSON types).

    Args:
        scores: Scores of its files on the test images.
        trained: The network in the files.
        data: The images, as `check_images` accepts them.

    Returns:
        ``test`` and ``valid`` (scores; validation scores come from the training in the search),
        ``classes`` (images of each part, recall and precision on the test images), ``confusion``
        (test images by true and predicted class), ``data`` and ``training``.
    """
    counts = {part: class_counts(data, part) for part in SPLITS}
    images = {part: len(data.parts[part]) for part in SPLITS}
    return {
        "trained": True,
        "dataset": data.name,
        "test": {
            "images": images["test"],
            "accuracy": scores.accuracy,
            "balanced_accuracy": scores.balanced_accuracy,
            "largest_class": data.label_names[scores.largest_class],
            "largest_class_share": scores.largest_share,
            "never_recognised": [data.label_names[i] for i in scores.never_recognised],
        },
        "valid": {
            "accuracy": trained.valid_accuracy,
            "balanced_accuracy": trained.valid_balanced_accuracy,
        },
        "classes": [
            {
                "name": name,
                **{part: counts[part][i] for part in SPLITS},
                "recall": scores.recall[i],
                "precision": scores.precision[i],
            }
            for i, name in enumerate(data.label_names)
        ],
        "confusion": [list(row) for row in scores.confusion],
        "data": {
            "images": images,
            "split": data.split,
            "input_shape": list(data.input_shape),
            "colours": data.colours,
            "size": None if data.size is None else list(data.size),
            "pixel_scale": trained.pixel_scale,
            "mean": list(trained.mean),
            "std": list(trained.std),
        },
        "training": {
            "final": trained.final,
            "images": images["train"] + (images["valid"] if trained.final else 0),
            "epochs": trained.epochs,
            "seed": trained.seed,
            "seconds": trained.train_time_s,
        },
    }

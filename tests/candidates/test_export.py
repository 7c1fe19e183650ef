"""ONNX of a trained network: right answers for raw pixels, by its metadata alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from brpnas.candidates import (
    CandidateConfig,
    ImageSource,
    TrainedNetworkFile,
    export_trained,
    train_candidate,
)

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|"


def test_a_stranger_gets_the_accuracy_from_the_file_alone(tmp_path: Path) -> None:
    data = ImageSource().load()
    config = CandidateConfig(channels=4, cells_per_stage=1, stages=2, epochs=5)
    trained = train_candidate(CELL, 0, data, config)
    path = tmp_path / "network.onnx"
    file = TrainedNetworkFile.of(CELL, 0, trained, data, config)
    assert export_trained(file, path) <= 1e-5

    from sklearn.datasets import load_digits  # noqa: PLC0415

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    mean, std = (np.array(json.loads(about[key]), np.float32) for key in ("mean", "std"))
    pixels, digits = load_digits(return_X_y=True)
    pixels = pixels.reshape(-1, 1, 8, 8).astype(np.float32) / json.loads(about["pixel_scale"])
    images = (pixels - mean[:, None, None]) / std[:, None, None]
    (logits,) = session.run(["logits"], {"image": images})
    names = np.array(json.loads(about["label_names"]))[logits.argmax(axis=1)]
    test = data.parts["test"]
    right = np.mean(names[test] == digits[test].astype(str))
    assert right == pytest.approx(json.loads(about["test_accuracy"]))
    assert right > 0.5
    assert about["weights"] == "trained on digits, 5 epochs, seed 0"
    assert about["arch_id"] == CELL

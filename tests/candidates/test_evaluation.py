"""Scores of an exported file equal those computed by its user."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix

from brpnas.candidates import (
    ImageData,
    ImageSource,
    TrainedNetworkFile,
    calibration_images,
    check_images,
    export_trained,
    final_data,
    held_out_batches,
    network_evaluation,
    score_file,
    score_logits,
    train_architecture,
)
from brpnas.errors import SchemaError
from tests.candidates.small import CONV, small
from tests.quick_export import exporting_quickly


def unbalanced() -> ImageData:
    """The digits 0, 1 and 2; the last has few training images."""
    digits = ImageSource().load()
    parts = {
        part: rows[(digits.labels[rows] < 2) | ((digits.labels[rows] == 2) & (rows % 9 == 0))]
        for part, rows in digits.parts.items()
    }
    return dataclasses.replace(digits, parts=parts)


@pytest.fixture(scope="module")
def data() -> ImageData:
    return unbalanced()


@pytest.fixture(scope="module")
def found(data: ImageData) -> TrainedNetworkFile:
    config = small(epochs=2)
    searched = TrainedNetworkFile.of(
        CONV, 0, train_architecture(CONV, 0, data, config), data, config
    )
    return searched.retrained(train_architecture(CONV, 0, data, config, final=True), data)


@pytest.fixture(scope="module")
def content(found: TrainedNetworkFile, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("evaluation") / "network.onnx"
    with exporting_quickly():
        export_trained(found, path)
    return path.read_bytes()


def test_figures_are_what_a_user_recomputes(
    content: bytes, found: TrainedNetworkFile, data: ImageData, tmp_path: Path
) -> None:
    (tmp_path / "network.onnx").write_bytes(content)
    session = onnxruntime.InferenceSession(
        tmp_path / "network.onnx", providers=["CPUExecutionProvider"]
    )
    about = session.get_modelmeta().custom_metadata_map
    mean, std = (np.array(json.loads(about[key]), np.float32) for key in ("mean", "std"))
    rows = data.parts["test"]
    pixels = np.round(data.images[rows] * 16).astype(np.uint8)  # as scikit-learn has them
    images = (pixels / np.float32(json.loads(about["pixel_scale"])) - mean[:, None, None]) / std[
        :, None, None
    ]
    said = session.run(["logits"], {"image": images.astype(np.float32)})[0].argmax(axis=1)
    labels = data.labels[rows]
    evaluation = network_evaluation(score_file(content, data), found, data)
    json.dumps(evaluation, allow_nan=False)
    test = evaluation["test"]
    assert test["accuracy"] == accuracy_score(labels, said)
    assert test["balanced_accuracy"] == balanced_accuracy_score(labels, said)
    assert test["images"] == len(rows)
    assert test["largest_class_share"] == np.bincount(labels).max() / len(rows)
    matrix = confusion_matrix(labels, said, labels=range(10))
    assert evaluation["confusion"] == matrix.tolist()
    for i, row in enumerate(evaluation["classes"]):
        assert row["test"] == np.sum(labels == i)
        assert row["recall"] == (matrix[i, i] / row["test"] if row["test"] else None)


def test_data_and_training_are_told(
    content: bytes, found: TrainedNetworkFile, data: ImageData
) -> None:
    evaluation = network_evaluation(score_file(content, data), found, data)
    images = {part: len(rows) for part, rows in data.parts.items()}
    assert evaluation["data"]["images"] == images
    assert evaluation["data"]["split"] == data.split
    assert evaluation["training"]["final"]
    assert evaluation["training"]["images"] == images["train"] + images["valid"]
    assert evaluation["valid"]["accuracy"] == found.valid_accuracy
    np.testing.assert_array_equal(evaluation["data"]["mean"], final_data(data).normalisation[0])


def test_other_images_than_those_of_the_training_are_refused(
    content: bytes, found: TrainedNetworkFile, data: ImageData
) -> None:
    """With another split some test images were trained on."""
    moved = ImageSource(split_seed=1).load()
    with pytest.raises(SchemaError, match="another split"):
        check_images(found, moved)
    check_images(found, data)
    for change, said in (
        ({"label_names": tuple("abcdefghij")}, "label_names"),
        ({"pixel_scale": 255.0}, "pixel_scale"),
    ):
        with pytest.raises(SchemaError, match=said):
            score_file(content, dataclasses.replace(data, **change))


def test_answers_to_the_batches_are_scored_as_the_file_is(
    content: bytes, found: TrainedNetworkFile, data: ImageData
) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    logits = [session.run(None, {"image": batch})[0] for batch in held_out_batches(found, data)]
    assert score_logits(np.concatenate(logits), data) == score_file(content, data)


def test_calibration_images_are_training_images_as_the_network_reads_them(
    found: TrainedNetworkFile, data: ImageData
) -> None:
    mean, std = (np.array(values, np.float32) for values in (found.mean, found.std))
    inputs = (data.images - mean[:, None, None]) / std[:, None, None]
    rows = {part: {image.tobytes() for image in inputs[data.parts[part]]} for part in data.parts}
    images = calibration_images(found, data, 40, seed=0)
    given = [image.tobytes() for image in images]
    assert len(set(given)) == 40
    assert set(given) <= rows["train"]
    np.testing.assert_array_equal(images, calibration_images(found, data, 40, seed=0))
    assert given != [image.tobytes() for image in calibration_images(found, data, 40, seed=1)]
    everything = calibration_images(found, data, 10**6, seed=0)
    assert len(everything) == len(data.parts["train"])

"""ONNX of a trained network: right answers for raw pixels, by its metadata alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainedNetworkFile,
    export_trained,
    train_architecture,
)
from brpnas.export import describe_model
from brpnas.export.snippet import image_snippet
from tests.candidates.images.pictures import encoded, noise

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|"


def test_a_stranger_gets_the_accuracy_from_the_file_alone(tmp_path: Path) -> None:
    data = ImageSource().load()
    config = JobConfig(channels=4, cells_per_stage=1, stages=2, epochs=5)
    trained = train_architecture(CELL, 0, data, config)
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


@pytest.mark.usefixtures("quick_export")
def test_validation_scores_of_the_search_are_not_those_of_the_final_training(
    tmp_path: Path,
) -> None:
    data = ImageSource().load()
    config = JobConfig(channels=2, cells_per_stage=1, stages=1, epochs=1)
    searched = TrainedNetworkFile.of(
        CELL, 0, train_architecture(CELL, 0, data, config), data, config
    )
    final = searched.retrained(train_architecture(CELL, 0, data, config, final=True), data)
    told = {}
    for name, file in {"searched": searched, "final": final}.items():
        export_trained(file, tmp_path / name)
        told[name] = describe_model(tmp_path / name)[2]
    scores = {"valid_accuracy", "valid_balanced_accuracy"}
    tests = {"test_accuracy", "test_balanced_accuracy"}
    assert {key for key in told["searched"] if key.endswith("accuracy")} == scores | tests
    assert {key for key in told["final"] if key.endswith("accuracy")} == {
        f"search_{name}" for name in scores
    }
    assert json.loads(told["final"]["search_valid_accuracy"]) == searched.valid_accuracy


def turned(pixels: np.ndarray) -> bytes:
    """A picture rotated by its metadata, as from telephones."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(np.rot90(pixels).copy(), "JPEG", exif=exif, quality=95)


@pytest.mark.usefixtures("quick_export")
@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda: turned(noise(20, 14, 3)), "turned and resized"),
        (lambda: encoded(noise(9, 30, high=60_000, dtype=np.uint16)), "16 bits, resized"),
        (
            lambda: encoded(noise(9, 30, high=60_000, dtype=np.uint16), "PPM"),
            "16 bits of PGM, resized",
        ),
        (lambda: encoded(noise(15, 11)), "grey, resized"),
        (lambda: encoded(noise(15, 11).astype(np.float32) / 7, "TIFF"), "floats, resized"),
    ],
)
def test_the_code_of_the_card_prepares_a_picture_as_training_did(
    write: Callable[[], bytes],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From files of pictures of several sizes to the logits of one of them."""
    for place in (f"{label}/{n}.png" for label in "ab" for n in range(4)):
        (tmp_path / "mine" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / place).write_bytes(write())
    data = ImageSource(str(tmp_path / "mine"), size=(8, 6)).load()
    config = JobConfig(channels=2, cells_per_stage=1, stages=1, epochs=1)
    trained = train_architecture(CELL, 0, data, config)
    file = TrainedNetworkFile.of(CELL, 0, trained, data, config)
    export_trained(file, tmp_path / "network.onnx")
    (tmp_path / "picture.png").write_bytes((tmp_path / "mine" / "b" / "1.png").read_bytes())
    inputs, outputs, about = describe_model(tmp_path / "network.onnx")
    assert json.loads(about["preprocessing"]) == file.preprocessing()
    code = image_snippet("network.onnx", inputs, outputs, about)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)
    np.testing.assert_array_equal(names["pixels"], data.pixels[5].astype(np.float32))
    mean, std = (part[:, None, None] for part in data.normalisation)
    with torch.inference_mode():
        image = torch.from_numpy((data.images[5] - mean) / std)
        expected = file.module()(image[None]).numpy()
    np.testing.assert_allclose(names["logits"], expected, atol=1e-5)

"""The delivered file: the same from every stage, with the trained weights."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime as ort
import pytest
import torch

from brpnas.candidates import ImageSource, JobConfig, TrainedNetworkFile, train_architecture
from pipelines.config import ExportConfig, parse
from pipelines.delivered import network_onnx
from tests.pipelines.parameters import base
from tests.pipelines.toys import SMALL

pytestmark = pytest.mark.usefixtures("quick_export")

SPACE = "nasbench201"
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
CONFIG = parse(ExportConfig, base("export", tolerance=1e-4))


def answers(file: bytes, image: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["logits"], {"image": image})[0])


@pytest.mark.parametrize("is_trained", [False, True])
def test_two_calls_make_the_same_bytes(is_trained: bool) -> None:
    data = ImageSource().load()
    config = JobConfig(2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
    found = train_architecture(CELL, 0, data, config)
    network = TrainedNetworkFile.of(CELL, 0, found, data, config)
    trained = network.to_bytes() if is_trained else b""
    file, error = network_onnx(CELL, trained, SPACE, SMALL, CONFIG)
    assert network_onnx(CELL, trained, SPACE, SMALL, CONFIG)[0] == file
    assert error <= CONFIG.tolerance
    if is_trained:
        image = np.random.default_rng(0).normal(size=(2, *data.input_shape)).astype(np.float32)
        with torch.inference_mode():
            expected = network.module()(torch.from_numpy(image)).numpy()
        np.testing.assert_allclose(answers(file, image), expected, atol=1e-5)


def test_initial_weights_follow_the_seed_and_are_called_so() -> None:
    image = np.ones((1, *SMALL.input_shape), np.float32)
    files = [
        network_onnx(CELL, b"", SPACE, SMALL, CONFIG.model_copy(update={"seed": seed}))[0]
        for seed in (0, 1)
    ]
    assert not np.allclose(*(answers(file, image) for file in files))
    about = ort.InferenceSession(files[0]).get_modelmeta().custom_metadata_map
    assert about["weights"].startswith("initialised, not trained")
    assert json.loads(about["input_shape"])[1:] == list(SMALL.input_shape)

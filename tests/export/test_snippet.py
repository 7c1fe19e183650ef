"""The code of the card works as described."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from brpnas.export import (
    ModelCard,
    TensorSpec,
    describe_model,
    export_image_network,
    model_card,
)
from brpnas.export.snippet import image_snippet, tensor_snippet

STATED = {
    "pixel_scale": "255.0",
    "mean": "[0.4]",
    "std": "[0.2]",
    "label_names": '["cat", "a \\"dog\\""]',
}


def network(channels: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 6, 2)
    )


def run(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@pytest.mark.usefixtures("quick_export")
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_is_prepared_as_for_training(
    channels: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file of an image, against torch on the pixels that were written to it."""
    path = tmp_path / "network.onnx"
    mean, std = [0.4, 0.5, 0.3, 0.9][:channels], [0.2, 0.3, 0.25, 0.1][:channels]
    stated = STATED | {"mean": json.dumps(mean), "std": json.dumps(std)}
    export_image_network(network(channels), path, (channels, 6, 8), stated, dynamic_batch=True)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, channels), np.uint8)
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(tmp_path / "picture.png")
    card = model_card(path, ModelCard("A classifier", "Of pictures."))
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    assert code.strip() == image_snippet("network.onnx", *describe_model(path))
    found = run(code, tmp_path, monkeypatch)
    scaled = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    image = (scaled - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.inference_mode():
        expected = network(channels)(image[None]).numpy()
    np.testing.assert_allclose(found["logits"], expected, atol=1e-5)
    assert capsys.readouterr().out.strip() == ["cat", 'a "dog"'][int(expected.argmax())]


@pytest.mark.usefixtures("quick_export")
def test_other_pixels_are_taken_from_an_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "network.onnx"
    export_image_network(network(1), path, (1, 6, 8), STATED | {"pixel_scale": "16.0"})
    pixels = np.arange(48, dtype=np.float32).reshape(1, 6, 8) % 17
    np.save(tmp_path / "image.npy", pixels)
    code = image_snippet("network.onnx", *describe_model(path))
    assert code is not None
    assert "divided by 16 below" in code
    found = run(code, tmp_path, monkeypatch)
    with torch.inference_mode():
        expected = network(1)(torch.from_numpy((pixels / 16 - 0.4) / 0.2)[None]).numpy()
    np.testing.assert_allclose(found["logits"], expected, atol=1e-5)


def test_a_file_that_states_no_preprocessing_gets_zeros(tmp_path: Path) -> None:
    spec = TensorSpec('a"b', "float32", ("batch", 1, 6, 8))
    assert image_snippet("x.onnx", [spec], [spec], {}) is None
    code = tensor_snippet("x.onnx", [spec], [spec])
    assert '"a\\"b": np.zeros((1, 1, 6, 8), np.float32),' in code
    compile(code, "snippet", "exec")

from __future__ import annotations

from pathlib import Path

import torch

from brpnas.export import initialise_weights
from brpnas.measure.runtimes import get_runtime
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.nasbench201.build import build_network
from tests.measure.small import NETWORK


def test_providers_have_full_names() -> None:
    assert get_runtime("onnxruntime", provider="CUDA").provider == "CUDAExecutionProvider"
    assert get_runtime("onnxruntime") == get_runtime("onnxruntime", provider="CPU")


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    contents = set()
    for number in range(2):
        network = build_network(to_string((3, 2, 4, 1, 0, 3)), NETWORK)
        initialise_weights(network, NETWORK.input_shape, seed=0)
        folder = tmp_path / str(number)
        folder.mkdir()
        image = torch.zeros(1, *NETWORK.input_shape)
        (file,) = get_runtime("onnxruntime").convert(network, image, folder)
        contents.add(file.read_bytes())
    assert len(contents) == 1

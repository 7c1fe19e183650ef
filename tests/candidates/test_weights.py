"""The file of a trained network: everything comes back."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainedNetworkFile,
    train_architecture,
)
from brpnas.errors import SchemaError
from brpnas.spaces import get_space
from brpnas.spaces.nasbench201.build import build_network
from tests.spaces.counted import counted

SMALL = JobConfig(channels=2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|skip_connect~2|"


@pytest.fixture(scope="module")
def file() -> TrainedNetworkFile:
    data = ImageSource().load()
    return TrainedNetworkFile.of(CELL, 3, train_architecture(CELL, 3, data, SMALL), data, SMALL)


def test_everything_comes_back(file: TrainedNetworkFile) -> None:
    again = TrainedNetworkFile.from_bytes(file.to_bytes())
    for name in TrainedNetworkFile.__annotations__:
        if name != "weights":
            assert getattr(again, name) == getattr(file, name), name
    images = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        np.testing.assert_array_equal(again.module()(images), file.module()(images))


def test_it_says_what_its_user_needs(file: TrainedNetworkFile) -> None:
    assert file.pixel_scale == 16
    assert file.label_names == tuple("0123456789")
    assert (file.dataset, file.seed, file.epochs) == ("digits", 3, 1)
    assert file.network.input_shape == (1, 8, 8)


@pytest.mark.parametrize("cell", [CELL, "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|none~2|"])
def test_cost_is_that_of_the_built_network(file: TrainedNetworkFile, cell: str) -> None:
    params, flops = get_space(file.space).cost([cell], file.network)
    module = build_network(cell, file.network)
    assert (params.item(), flops.item()) == counted(module, file.network.input_shape)


def test_multiplications_of_images_that_are_not_square_are_not_counted(
    file: TrainedNetworkFile,
) -> None:
    cost = get_space(file.space).cost
    params, flops = cost([CELL], replace(file.network, input_shape=(1, 8, 9)))
    assert params[0] == cost([CELL], file.network)[0][0]
    assert math.isnan(flops[0])


def test_building_it_leaves_torchs_random_state_alone(file: TrainedNetworkFile) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    file.module()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "content", [b"", b"no such file", save({"a": np.zeros(2, np.float32)}, {"kind": "other"})]
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(SchemaError, match=r"header|'trained'|deserializing"):
        TrainedNetworkFile.from_bytes(content)


def test_a_file_older_than_spaces_and_curves(file: TrainedNetworkFile) -> None:
    assert file.space == "nasbench201"
    assert file.valid_curve == (file.valid_accuracy,)
    content = file.to_bytes()
    weights = load(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    fields = json.loads(header["trained"])
    assert fields.pop("space") == "nasbench201"
    assert fields.pop("valid_curve") == [file.valid_accuracy]
    old = TrainedNetworkFile.from_bytes(save(weights, header | {"trained": json.dumps(fields)}))
    assert (old.space, old.valid_curve) == ("nasbench201", ())

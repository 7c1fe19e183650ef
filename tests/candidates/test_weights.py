"""The file of a trained network: everything comes back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from brpnas.candidates import (
    CandidateConfig,
    ImageSource,
    TrainedNetworkFile,
    train_candidate,
)
from brpnas.errors import SchemaError

SMALL = CandidateConfig(channels=2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|skip_connect~2|"


@pytest.fixture(scope="module")
def file() -> TrainedNetworkFile:
    data = ImageSource().load()
    return TrainedNetworkFile.of(CELL, 3, train_candidate(CELL, 3, data, SMALL), data, SMALL)


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
    with pytest.raises(SchemaError, match="not a trained network"):
        TrainedNetworkFile.from_bytes(content)

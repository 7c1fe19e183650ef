from __future__ import annotations

import numpy as np
import pytest
import torch

from brpnas.candidates import ImageData, ImageSource
from brpnas.candidates.normalised import NormalisedImages
from tests.candidates.images.test_data import CASES, data_of


def whole(data: ImageData) -> np.ndarray:
    """All images normalised at once, by numpy."""
    mean, std = (part[:, None, None] for part in data.normalisation)
    return (data.images - mean) / std


@pytest.mark.parametrize("case", [*CASES, "digits"])
def test_batches_are_those_of_the_whole_to_the_last_bit(case: str) -> None:
    data = ImageSource().load() if case == "digits" else data_of(*CASES[case])
    images = NormalisedImages(data, torch.device("cpu"))
    rows = torch.randperm(len(data.labels))
    got = images[rows]
    assert got.dtype == torch.float32
    np.testing.assert_array_equal(got.numpy(), whole(data)[rows.numpy()])
    assert images.device == torch.device("cpu")


def test_every_value_of_sixteen_bits() -> None:
    pixels = np.arange(65_536, dtype=np.uint16).reshape(2, 1, 128, 256)
    data = data_of(np.concatenate([pixels] * 4), 65_535.0)
    got = NormalisedImages(data, torch.device("cpu"))[torch.arange(2)]
    np.testing.assert_array_equal(got.numpy(), whole(data)[:2])

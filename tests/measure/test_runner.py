from __future__ import annotations

import numpy as np

from brpnas.measure.runner import seeded_image


def test_the_image_is_the_same_everywhere() -> None:
    image = seeded_image((1, 3, 2, 2), 0)
    assert (image.shape, image.dtype) == ((1, 3, 2, 2), np.float32)
    assert image.ravel()[:3].tolist() == np.float32([1.7640524, 0.4001572, 0.978738]).tolist()

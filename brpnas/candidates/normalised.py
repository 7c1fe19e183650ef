"""Images as tensors, normalised batch by batch, so that the stored pixels stay compact."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from brpnas.candidates.images import ImageData

__all__ = ["NormalisedImages"]


class NormalisedImages:
    """Images of a data set on a device, indexed by rows.

    On a CPU the pixels stay mapped from the cache; a GPU holds them as stored, one byte per value
    for most pictures.

    Args:
        data: The images.
        device: Device of the batches.
    """

    def __init__(self, data: ImageData, device: torch.device) -> None:
        self._data = data
        pixels = data.pixels
        self._is_wide = pixels.dtype == np.uint16
        if self._is_wide:  # torch has few operations on uint16
            pixels = pixels.view(np.int16)
        self._pixels = torch.from_numpy(pixels).to(device)
        self._scale = torch.tensor(data.pixel_scale, dtype=torch.float32, device=device)
        self._mean, self._std = (
            torch.from_numpy(part[:, None, None]).to(device) for part in data.normalisation
        )

    @property
    def device(self) -> torch.device:
        """Device of the images."""
        return self._pixels.device

    def __getitem__(self, rows: Tensor) -> Tensor:
        """Images of some rows, float32 ``[B, C, H, W]``, scaled and normalised."""
        chosen = self._pixels[rows]  # a copy
        self._data.release()
        if self._is_wide:
            chosen = chosen.to(torch.int32) & 0xFFFF
        return (chosen.to(torch.float32) / self._scale - self._mean) / self._std

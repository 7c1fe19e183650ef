"""Tables of two devices of HW-NAS-Bench, unknown to the packaged prior.

Li et al., ICLR 2021 (MIT): an edge GPU and Eyeriss, at the input of ImageNet16-120. The files lie
below ``$BRPNAS_MIRROR`` and are read in place.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from benchmarks.data import mirror
from brpnas.errors import SourceError

__all__ = ["FILES", "read_table"]

FILES = {
    "edgegpu": "e7110f147c11ceea30b7aee1fe0f3de1a0d6d91417c2d5db2777bc03f601e2c4",
    "eyeriss": "eb70911c47ef10ce921b14298b7a91c9642069c146f7de6d767d8f5e83c6c389",
}
"""SHA-256 of ``hwnasbench/DEVICE-imagenet16-120.csv``; no URL serves these files as they are."""


def read_table(device: str) -> pd.DataFrame:
    """Measurements of a device, columns ``arch_id, latency_ms, energy_mj``.

    Raises:
        SourceError: If the file is not below the mirror, or is another one.
    """
    name = f"hwnasbench/{device}-imagenet16-120.csv"
    folder = mirror()
    path = None if folder is None else folder / name
    if path is None or not path.is_file():
        raise SourceError(
            f"This benchmark reads {name}, which cannot be downloaded and is missing below "
            f"{folder or 'BRPNAS_MIRROR (not set)'}: set BRPNAS_MIRROR to a folder with it."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != FILES[device]:
        raise SourceError(f"{path} is not the expected file: its hash differs.")
    return pd.read_csv(path)[["arch_id", "latency_ms", "energy_mj"]]

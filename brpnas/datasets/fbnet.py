"""Latencies of FBNet networks on seven devices, published with HELP (arXiv 2106.08630).

5,000 random architectures of the space `fbnet`, as networks for CIFAR-100.
`read_fbnet_architectures` reads their list, and `read_fbnet_latency` the table of one of
`fbnet_devices`. Two phones were timed in whole milliseconds. Most machines drifted during the
measurement: `brpnas.devices` notes how much.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from brpnas.datasets.schemas import latency_rows
from brpnas.datasets.sources import load_catalogue
from brpnas.datasets.torch_lists import read_list, read_numbers
from brpnas.errors import SourceError
from brpnas.spaces.fbnet import BLOCKS, LAYERS, to_strings

__all__ = ["fbnet_devices", "read_fbnet_architectures", "read_fbnet_latency"]

_log = logging.getLogger(__name__)

_ARCHITECTURES = "fbnet-architectures"
_COUNT = 5000


def fbnet_devices() -> list[str]:
    """Names of the devices, equal to the names of their files."""
    names = [source.name for source in load_catalogue().values() if source.group == "fbnet"]
    return [name for name in names if name != _ARCHITECTURES]


def read_fbnet_architectures(files: Mapping[str, Path]) -> list[str]:
    """The measured architectures, in the order of the latencies.

    Args:
        files: Published files by name, see `brpnas.datasets.fetch_group`.

    Raises:
        SourceError: If the file is missing, corrupt, or of another kind.
        UnsafePickleError: If the pickle contains more than numbers.
    """
    path = files[_ARCHITECTURES]
    published = read_list(path, _COUNT)
    known = range(len(BLOCKS))
    for entry, codes in enumerate(published):
        is_list = isinstance(codes, list) and len(codes) == LAYERS
        if not is_list or not all(type(code) is int and code in known for code in codes):
            raise SourceError(
                f"{path} is not the list of FBNet architectures: entry {entry} is {codes!r:.100}, "
                f"and not {LAYERS} codes from 0 to {known[-1]}."
            )
    arch_ids = to_strings(np.array(published, np.int8))
    if len(set(arch_ids)) < _COUNT:
        raise SourceError(f"{path} is not the list of FBNet architectures: one comes twice.")
    return arch_ids


def read_fbnet_latency(files: Mapping[str, Path], device: str) -> pd.DataFrame:
    """Read the latencies of a device into a table.

    A latency of zero or one that is not a number is a failed measurement: its row is left out, with
    a warning. The published tables have none.

    Args:
        files: Published files by name, see `brpnas.datasets.fetch_group`.
        device: One of `fbnet_devices`.

    Returns:
        Latency table sorted by ``arch_id``, in ms, with null ``std_ms`` and ``repeats``: only means
        were published.

    Raises:
        SourceError: If a file is missing, corrupt, or of another kind.
        UnsafePickleError: If a pickle contains more than numbers.
        SchemaError: If a latency is impossible.
    """
    arch_ids = np.array(read_fbnet_architectures(files), dtype=object)
    path = files[device]
    values = read_numbers(path, _COUNT)
    failed = ~np.isfinite(values) | (values == 0)
    if failed.any():
        _log.warning(
            "%s: %d of %d latencies are left out: they are zero or not finite, so their "
            "measurement failed",
            *(device, failed.sum(), _COUNT),
        )
    origin = f"The FBNet file {path}"
    return latency_rows(arch_ids[~failed], device, values[~failed], origin=origin)

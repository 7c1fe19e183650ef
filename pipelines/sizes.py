"""Size of the networks of a latency table: stated by it, by its catalogue, or as published.

`ingest` and `retrain` both add it: `train` and `retrain` make the same predictor.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pandas as pd

from brpnas.datasets import stated_precision, stated_size
from brpnas.devices import Device, load_devices
from brpnas.spaces import get_space

__all__ = ["size_of_latencies", "with_latency_size"]

_log = logging.getLogger(__name__)


def size_of_latencies(
    device: str, stated: str | None, described: Mapping[str, Device], space: str
) -> str:
    """Size of the networks of a device's latencies.

    Args:
        device: Name of the device.
        stated: Size stated by its table, if any.
        described: The catalogue of the user's devices; it precedes the catalogue of the package.
        space: Name of the space; its published size is the default.
    """
    entry = described.get(device) or load_devices().get(device)
    return stated or (entry and entry.network_size) or get_space(space).published.size


def with_latency_size(
    table: pd.DataFrame, device: str, described: Mapping[str, Device], space: str
) -> pd.DataFrame:
    """A latency table with the size of its networks; an unknown precision is logged.

    Args:
        table: Latencies of one device.
        device: Its name.
        described: The catalogue of the user's devices; it precedes the catalogue of the package.
        space: Name of the space; its published size is the default.

    Raises:
        SchemaError: If the table states more than one size or precision, or leaves some rows
            without one.
    """
    entry = described.get(device) or load_devices().get(device)
    stated = stated_size(table, f"The table of {device!r}")
    size = size_of_latencies(device, stated, described, space)
    if not (stated or (entry and entry.network_size)) and device not in load_devices():
        _log.info(
            "Nothing states the size of the networks of %s: it is taken to be the published "
            "one, %s. Otherwise add the column network_size to its table.",
            device,
            size,
        )
    if entry is None and stated_precision(table, f"The table of {device!r}") is None:
        _log.info(
            "Nothing states the precision of the networks of %s: it is taken to be fp32. Otherwise "
            "add the column precision to its table.",
            device,
        )
    return table.assign(network_size=pd.Series(size, table.index, dtype="str"))

"""Size and precision of the networks of each table: stated by it, by its catalogue, or assumed.

Every table of latencies and accuracies that leaves `ingest` carries it in the column
``network_size``, see `brpnas.spaces.NetworkConfig.size`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from brpnas.datasets import embedded_network, stated_precision, stated_size
from brpnas.devices import Device, load_devices
from brpnas.spaces import get_space
from pipelines.config import BENCHMARK_SPACES

__all__ = ["with_accuracy_sizes", "with_latency_size"]

_log = logging.getLogger(__name__)


def with_latency_size(
    table: pd.DataFrame, device: str, described: Mapping[str, Device], space: str
) -> pd.DataFrame:
    """A latency table with the size of its networks; a log tells if nothing states the precision.

    Args:
        table: Latencies of one device.
        device: Its name.
        described: The catalogue of one's own devices, which goes before that of the package.
        space: Name of the space; its published size is taken where nothing states another.

    Raises:
        SchemaError: If the table states more than one size or precision, or leaves some rows
            without one.
    """
    entry = described.get(device) or load_devices().get(device)
    size = stated_size(table, f"The table of {device!r}") or (entry and entry.network_size)
    if size is None:
        size = get_space(space).published.size
        if device not in load_devices():
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


def with_accuracy_sizes(table: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """Accuracies of a benchmark with the size of their networks.

    Null where nothing states it: a table of one's own without the column.
    """
    if benchmark == "trained":
        stated = table.get("network_size", pd.Series(None, table.index))
        return table.assign(network_size=stated.astype("str"))
    published = get_space(BENCHMARK_SPACES[benchmark]).published
    networks = {
        "cifar10": published,
        "cifar100": replace(published, classes=100),
        "imagenet16-120": replace(published, input_shape=(3, 16, 16), classes=120),
        "digits": embedded_network(),
    }
    sizes = {name: network.size for name, network in networks.items()}
    return table.assign(network_size=table["dataset"].map(sizes).astype("str"))

"""Size of the networks of each table: stated by the table, by its catalogue, or as published.

Every latency and accuracy table written by `ingest` has it in the column ``network_size``, see
`brpnas.spaces.NetworkConfig.size`.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from brpnas.datasets import embedded_network
from brpnas.spaces import get_space
from pipelines.config import BENCHMARK_SPACES

__all__ = ["with_accuracy_sizes"]


def with_accuracy_sizes(table: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """Accuracies of a benchmark with the size of their networks.

    Null in a table of the user without the column.
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

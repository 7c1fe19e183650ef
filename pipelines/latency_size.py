"""Compares the size of the networks of a latency with that of the networks of a search.

A search with trainings, measurements or answers by hand is refused if its latency is of networks of
another size. A search with lookups only can transfer: the order of cells holds well between sizes,
milliseconds and accuracies do not, and the report warns of it.
"""

from __future__ import annotations

import pandas as pd

from brpnas.datasets import stated_size
from brpnas.errors import ConfigurationError
from brpnas.spaces import NetworkConfig, get_space
from pipelines.config import SearchConfig
from pipelines.limited import spending

__all__ = ["check_latency_size", "latency_size"]


def latency_size(predictions: pd.DataFrame, space: str) -> str:
    """Size of the networks of the predictions of a device; the published size if none is stated."""
    return stated_size(predictions) or get_space(space).published.size


def check_latency_size(
    config: SearchConfig, network: NetworkConfig, device: str, known: str
) -> None:
    """Refuse to train or measure networks of another size than those of the device's latencies.

    Args:
        config: Parameters of the stage: the oracle, and whether proposals are measured.
        network: The networks to train and measure.
        device: Name of the device.
        known: Size of the networks of its latencies.

    Raises:
        ConfigurationError: If the sizes differ; before any training or measurement.
    """
    causes = spending(config.oracle.name, config.limits.model_dump())
    if known == network.size or not causes:
        return
    raise ConfigurationError(
        f"The latency of {device!r} was measured on networks of the size {known}, but this search "
        f"trains or measures networks of the size {network.size} (the parameters network, "
        f"images.path and images.size), because {' and '.join(causes)}. Measure networks of "
        "this size under another name, and search with it: kedro run "
        "--pipelines=measure,ingest,featurise,train --params=measure.device=NAME,device=NAME in "
        "the same environment, and the same two parameters for the search. Or set network to the "
        "size that was measured."
    )

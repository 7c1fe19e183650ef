"""Whether tables and predictors are of the networks that a search is about.

A search that spends, on trainings, measurements or answers by hand, is refused if its latency is of
networks of another size. One that only looks up can transfer: the order of cells holds well between
sizes, milliseconds and accuracies do not, and the report says so.
"""

from __future__ import annotations

import json

import pandas as pd

from brpnas.datasets import stated_size
from brpnas.errors import ConfigurationError
from brpnas.spaces import NetworkConfig, get_space
from pipelines.config import SearchConfig

__all__ = ["answering_sizes", "check_latency_size", "latency_size"]


def latency_size(latency_predictions: pd.DataFrame, space: str) -> str:
    """Size of the networks whose latency is predicted; the published one where none is stated."""
    return stated_size(latency_predictions) or get_space(space).published.size


def check_latency_size(
    config: SearchConfig, network: NetworkConfig, latency_predictions: pd.DataFrame, space: str
) -> None:
    """Refuse a search that spends on networks of another size than its latency is of.

    Args:
        config: What answers, and whether latency is measured.
        network: The networks that would be trained and measured.
        latency_predictions: What `train` has predicted.
        space: Name of the space.

    Raises:
        ConfigurationError: If so; nothing has been spent then.
    """
    known, device = latency_size(latency_predictions, space), latency_predictions["device"].iloc[0]
    causes = [
        f"search.{name} is {json.dumps(value)}"
        for name, value, spends in (
            ("oracle", config.oracle, config.oracle in {"train", "file"}),
            ("latency", config.latency, config.latency == "device"),
            ("measure_winner", config.measure_winner, config.measure_winner),
        )
        if spends
    ]
    if known == network.size or not causes:
        return
    looks_up = (
        "To look up alone, with a transfer that the report names: "
        "--params=search.measure_winner=false. Else measure"
        if causes == ["search.measure_winner is true"]
        else "Measure"
    )
    raise ConfigurationError(
        f"The latency of {device!r} was measured on networks of the size {known}, but this search "
        f"trains or measures networks of the size {network.size} (the parameters network, "
        f"images.path and images.size), because {' and '.join(causes)}. {looks_up} networks of "
        "this size under another name, and search with it: kedro run "
        "--pipelines=measure,ingest,featurise,train --params=measure.device=NAME,device=NAME in "
        "the same environment, and the same two parameters for the search. Or set network to the "
        "size that was measured."
    )


def answering_sizes(
    config: SearchConfig, accuracy: pd.DataFrame, dataset: str, space: str
) -> list[str]:
    """Sizes of the networks whose accuracies answer, where these are known.

    None where the oracle trains: those are of the size of the search.
    """
    if config.oracle == "surrogate":
        return [get_space(space).published.size]
    if config.oracle != "table":
        return []
    rows = accuracy[accuracy["dataset"] == dataset]
    if "network_size" not in rows:
        return []
    return [str(size) for size in rows["network_size"].dropna().unique()]

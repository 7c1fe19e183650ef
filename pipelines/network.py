"""The size of networks for stages: numbers, filled in by `pipelines.resolve`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brpnas.errors import ConfigurationError
from brpnas.spaces.network import NetworkConfig
from pipelines.config import NetworkSize, parse

__all__ = ["network_config"]


def network_config(size: Mapping[str, Any]) -> NetworkConfig:
    """The size of every network, without dead operations, as in exported networks.

    Args:
        size: The parameter `network`, resolved.

    Raises:
        ConfigurationError: If a size is missing.
    """
    values = parse(NetworkSize, size).model_dump()
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ConfigurationError(
            f"network.{missing[0]} is null, and a number is needed here: `kedro run` takes it from "
            "the images or from the published network of the space."
        )
    return NetworkConfig(**values, executes_dead_ops=False)

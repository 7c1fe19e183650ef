"""The parameters of `ingest`, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brpnas.spaces import NetworkConfig
from pipelines.config import IngestConfig, parse
from pipelines.network import network_config

__all__ = ["IngestSettings", "read_settings"]


@dataclass(frozen=True)
class IngestSettings:
    """The common parameters of the stage's nodes.

    Attributes:
        space: Name of the space.
        network: Size of the networks for the listed parameters and multiply-adds.
        ingest: Parameters of the stage.
        least_rows: Fewest measured cells in a latency file of an owner, as in `retrain`.
        unit_check: Whether to refuse latencies probably in seconds or microseconds, as in
            `retrain`.
    """

    space: str
    network: NetworkConfig
    ingest: IngestConfig
    least_rows: int
    unit_check: bool


def read_settings(
    space: str,
    network: Mapping[str, Any],
    ingest: Mapping[str, Any],
    least_rows: int,
    unit_check: bool,
) -> IngestSettings:
    """Check the parameters.

    Raises:
        ConfigurationError: If a key is unknown or missing, or a value is out of range.
    """
    return IngestSettings(
        space, network_config(network), parse(IngestConfig, ingest), least_rows, unit_check
    )

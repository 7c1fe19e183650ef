"""Measuring the network that a search found, as the stage `measure` measured all others."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from brpnas.candidates import TrainedNetworkFile
from brpnas.measure import time_cell, time_module
from pipelines.config import MeasureConfig, parse
from pipelines.measuring import measure_settings

__all__ = ["measure_winner"]

logger = logging.getLogger(__name__)


def measure_winner(arch_id: str, network: bytes, params: Mapping[str, Any]) -> float:
    """Latency in ms of an architecture on this machine.

    Args:
        arch_id: The architecture.
        network: Its trained network (`brpnas.candidates.TrainedNetworkFile`), or nothing for
            initialised weights. If its sizes are not those that `measure` measures, those of
            `measure` are timed, because the prediction is of them.
        params: Parameters of the stage `measure`.
    """
    config = parse(MeasureConfig, params)
    settings = measure_settings(config)
    trained = TrainedNetworkFile.from_bytes(network) if network else None
    if trained is not None and trained.network == settings.network:
        shape = trained.network.input_shape
        return time_module(trained.module(), shape, settings).latency_ms
    if trained is not None:
        logger.warning(
            "The network found was trained as %s, but latency is predicted and measured of %s",
            trained.network,
            settings.network,
        )
    return time_cell(arch_id, settings).latency_ms

"""Measuring the network that a search found, as the stage `measure` measured all others."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from brpnas.candidates import TrainedNetworkFile
from brpnas.devices import Device
from brpnas.errors import MeasurementError, TaskError
from brpnas.fanout import Engine, get_engine
from brpnas.measure import (
    MeasureSettings,
    check_name,
    describe_device,
    probe,
    time_cell,
    time_module,
)
from brpnas.spaces.network import NetworkConfig
from pipelines.config import MeasureConfig, parse
from pipelines.measuring import measure_settings

__all__ = ["measure_winner", "warn_of_another_device"]

logger = logging.getLogger(__name__)


def measure_winner(
    arch_id: str,
    network: bytes,
    device: str,
    known_devices: Mapping[str, Device],
    space: str,
    size: NetworkConfig,
    params: Mapping[str, Any],
) -> float:
    """Latency in ms of an architecture, on this machine or where `measure` measures.

    Args:
        arch_id: The architecture.
        network: Its trained network (`brpnas.candidates.TrainedNetworkFile`), or nothing for
            initialised weights. If its sizes are not those that `measure` measures, those of
            `measure` are timed, because the prediction is of them.
        device: The device that the latency is predicted of. If what measures here is another one,
            a warning says so.
        known_devices: The catalogue of one's own devices.
        space: Name of the space that the architecture is of.
        size: Size of the networks that are measured.
        params: Parameters of the stage `measure`.

    Raises:
        MeasurementError: If the network cannot be measured.
    """
    config = parse(MeasureConfig, params)
    settings = measure_settings(config, space, size)
    with get_engine(scheduler=config.scheduler) as engine:
        warn_of_another_device(device, known_devices, settings, engine)
        trained = TrainedNetworkFile.from_bytes(network) if network else None
        if trained is not None and trained.network == settings.network:
            timed = partial(time_module, shape=trained.network.input_shape, settings=settings)
            ((_, outcome),) = engine.run(timed, [trained.module()])
        else:
            if trained is not None:
                logger.warning(
                    "The network found was trained as %s, but latency is predicted and measured "
                    "of %s",
                    trained.network,
                    settings.network,
                )
            ((_, outcome),) = engine.run(partial(time_cell, settings=settings), [arch_id])
    if isinstance(outcome, TaskError):
        raise MeasurementError(f"The network found cannot be measured: {outcome.message}")
    return outcome.latency_ms


def warn_of_another_device(
    device: str, known: Mapping[str, Device], settings: MeasureSettings, engine: Engine
) -> None:
    """Warn if what measures is not what the latency is predicted of.

    Args:
        device: The device that the latency is predicted of.
        known: The catalogue of one's own devices.
        settings: How it is measured.
        engine: Where.
    """
    here = describe_device(probe(settings, engine), settings, device)
    try:
        if device not in known:
            raise MeasurementError(f"{device!r} is no device that was measured here.")
        check_name(here, known)
    except MeasurementError as error:
        logger.warning(
            "What is measured here is another device than latency is predicted of, so the two do "
            "not compare. %s",
            error,
        )

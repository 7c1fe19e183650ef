"""Measuring the network that a search found: the file that is delivered."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from brpnas.candidates import TrainedNetworkFile
from brpnas.devices import Device, load_devices
from brpnas.errors import MeasurementError, TaskError
from brpnas.fanout import Engine, get_engine
from brpnas.measure import (
    MeasureSettings,
    OnnxRuntime,
    check_name,
    describe_device,
    probe,
    time_cell,
    time_file,
    time_module,
)
from brpnas.spaces import NetworkConfig
from pipelines.config import ExportConfig, MeasureConfig
from pipelines.delivered import network_onnx
from pipelines.measuring import measure_settings
from pipelines.search.sizes import Delivered, latency_size

__all__ = ["deliver", "measure_winner", "warn_of_another_device"]

logger = logging.getLogger(__name__)


def deliver(  # noqa: PLR0913, PLR0917 - one argument per data set
    arch_id: str,
    trained: bytes,
    known_ms: float | None,
    accuracy_sizes: Sequence[str],
    latency_predictions: pd.DataFrame,
    known_devices: Mapping[str, Device],
    space: str,
    network: NetworkConfig,
    measure: MeasureConfig | None,
    export: ExportConfig,
) -> Delivered:
    """Say how the network file relates to what the search knew, and measure it if asked for.

    Args:
        arch_id: The architecture found.
        trained: Its trained network (`brpnas.candidates.TrainedNetworkFile`), or nothing.
        known_ms: Latency of the architecture on the device, measured; None if it was not.
        accuracy_sizes: Sizes of the networks whose accuracies answered.
        latency_predictions: What `train` has predicted.
        known_devices: The catalogue of one's own devices.
        space: Name of the space.
        network: Size of the network.
        measure: How to measure the file; None for not at all.
        export: Parameters of `export`, which make the file what it is.
    """
    device, file_ms = str(latency_predictions["device"].iloc[0]), None
    if measure is not None:
        settings = measure_settings(measure, space, network)
        file, _ = network_onnx(arch_id, trained, space, network, export)
        where = (device, known_devices, settings, measure.scheduler)
        file_ms = measure_winner(arch_id, trained, file, *where)
    entry = known_devices.get(device) or load_devices().get(device)
    delivered = Delivered(
        network,
        latency_size(latency_predictions, space),
        accuracy_sizes,
        entry.precision if entry else None,
        known_ms,
        file_ms,
        measure.runtime if measure else "onnxruntime",
    )
    for note in delivered.notes():
        logger.warning("%s", note)
    return delivered


def measure_winner(
    arch_id: str,
    trained: bytes,
    exported: bytes,
    device: str,
    known_devices: Mapping[str, Device],
    settings: MeasureSettings,
    scheduler: str | None,
) -> float:
    """Latency in ms of the network found, on this machine or where `measure` measures.

    ONNX Runtime times the exported file itself, as it is delivered, also where the precision of
    `measure` is another one. Torch times the network that the file was made from.

    Args:
        arch_id: The architecture.
        trained: Its trained network (`brpnas.candidates.TrainedNetworkFile`), or nothing.
        exported: The ONNX file.
        device: The device that the latency is predicted of. If what measures here is another one,
            a warning says so.
        known_devices: The catalogue of one's own devices.
        settings: How to measure.
        scheduler: Address of a Dask scheduler, or None for this machine.

    Raises:
        MeasurementError: If the network cannot be measured.
    """
    with get_engine(scheduler=scheduler) as engine:
        warn_of_another_device(device, known_devices, settings, engine)
        if isinstance(settings.runtime, OnnxRuntime):
            ((_, outcome),) = engine.run(partial(time_file, settings=settings), [exported])
        elif trained:
            file = TrainedNetworkFile.from_bytes(trained)
            timed = partial(time_module, shape=file.network.input_shape, settings=settings)
            ((_, outcome),) = engine.run(timed, [file.module()])
        else:
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

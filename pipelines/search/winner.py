"""Measuring the network that a search found: the file that is delivered."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd
from torch import nn

from brpnas.datasets import stated_precision
from brpnas.devices import Device, load_devices
from brpnas.errors import MeasurementError, TaskError
from brpnas.fanout import Engine, get_engine
from brpnas.measure import (
    MeasureSettings,
    OnnxRuntime,
    check_name,
    describe_device,
    probe,
    time_file,
    time_module,
)
from brpnas.spaces import NetworkConfig
from pipelines.config import ExportConfig, MeasureConfig, SearchConfig
from pipelines.delivered import network_module, network_onnx
from pipelines.measuring import measure_settings
from pipelines.search.found import PRECISION, Delivered, Latency, Networks
from pipelines.search.sizes import latency_size

__all__ = ["Found", "deliver", "measure_winner", "measuring_device"]

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """The architecture that a search found, with what the search knew of it."""

    arch_id: str
    trained: bytes
    """Its trained network (`brpnas.candidates.TrainedNetworkFile`), or nothing."""
    predicted_ms: float
    asked_ms: float | None
    """Its latency as measured, or looked up, before it was asked; None if it was not."""
    accuracy_sizes: Sequence[str]
    """Sizes of the networks whose accuracies answered."""


def deliver(
    found: Found,
    latency_predictions: pd.DataFrame,
    known_devices: Mapping[str, Device],
    space: str,
    network: NetworkConfig,
    config: SearchConfig,
    measure: MeasureConfig,
    export: ExportConfig,
) -> tuple[Delivered, str | None]:
    """Say how the network file relates to what the search knew, and measure it if asked for.

    Args:
        found: What the search found.
        latency_predictions: What `train` has predicted.
        known_devices: The catalogue of one's own devices.
        space: Name of the space.
        network: Size of the network.
        config: Parameters of the search: whether latency was measured, and whether the file is.
        measure: Parameters of `measure`, by which both are measured.
        export: Parameters of `export`, which make the file what it is.

    Returns:
        What is delivered, and the SHA-256 of the file that was measured; None if none was.
    """
    device = str(latency_predictions["device"].iloc[0])
    entry = known_devices.get(device) or load_devices().get(device)
    precision = stated_precision(latency_predictions) or (entry.precision if entry else None)
    size, runs_in = latency_size(latency_predictions, space), entry.runtime if entry else None
    predicted = Networks(size, device, precision, runs_in)
    asked, listed = found.asked_ms, latency_predictions.set_index("arch_id")["latency_ms"]
    known = asked if asked is not None else listed.get(found.arch_id)
    latency = None if known is None or pd.isna(known) else Latency(float(known), predicted)
    measured_first = config.latency == "device" and asked is not None
    file_latency: Latency | None = None
    digest: str | None = None
    if config.measure_winner or measured_first:
        settings = measure_settings(measure, space, network)
        with get_engine(scheduler=measure.scheduler) as engine:
            here = measuring_device(device, known_devices, settings, engine)
            runtime = settings.runtime
            if measured_first and latency is not None:
                of = Networks(network.size, here, runtime.precision, runtime.name)
                latency = Latency(latency.ms, of)
            if config.measure_winner:
                file, _ = network_onnx(found.arch_id, found.trained, space, network, export)
                given = (found.arch_id, found.trained, space, network, export)
                ms = measure_winner(file, partial(network_module, *given), settings, engine)
                of = Networks(network.size, here, PRECISION, runtime.name)
                file_latency = Latency(ms, of)
                digest = None if of.in_torch else hashlib.sha256(file).hexdigest()
    prediction = Latency(found.predicted_ms, predicted)
    delivered = Delivered(network, found.accuracy_sizes, prediction, latency, file_latency)
    for note in delivered.notes():
        logger.warning("%s", note)
    return delivered, digest


def measure_winner(
    exported: bytes, module: Callable[[], nn.Module], settings: MeasureSettings, engine: Engine
) -> float:
    """Latency in ms of the network found, on this machine or where `measure` measures.

    ONNX Runtime times the exported file itself, as it is delivered, also where the precision of
    `measure` is another one. Torch times the network that the file was made from.

    Args:
        exported: The ONNX file.
        module: Makes the network that it was made from.
        settings: How to measure.
        engine: Where.

    Raises:
        MeasurementError: If the network cannot be measured.
    """
    if isinstance(settings.runtime, OnnxRuntime):
        ((_, outcome),) = engine.run(partial(time_file, settings=settings), [exported])
    else:
        timed = partial(time_module, shape=settings.network.input_shape, settings=settings)
        ((_, outcome),) = engine.run(timed, [module()])
    if isinstance(outcome, TaskError):
        raise MeasurementError(f"The network found cannot be measured: {outcome.message}")
    return outcome.latency_ms


def measuring_device(
    device: str, known: Mapping[str, Device], settings: MeasureSettings, engine: Engine
) -> str:
    """What measures: the device that the latency is predicted of, or, with a warning, another one.

    Args:
        device: The device that the latency is predicted of.
        known: The catalogue of one's own devices.
        settings: How it is measured.
        engine: Where.

    Returns:
        Its name; a description if it is another device.
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
        return f"{here.hardware}, {here.runtime}"
    return device

"""Runtime and precision of the deployed network: chosen and checked before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.measure import MeasureSettings, Runtime, get_runtime, runner, runtime_of
from pipelines.config import ExportConfig, TimingConfig, parse
from pipelines.limited import measures_on_device

__all__ = ["check_deployment", "deployed_runtime", "trains_networks"]


def deployed_runtime(
    export: ExportConfig, timing: TimingConfig, device_runtime: str | None, *, measures: bool
) -> Runtime:
    """The runtime that the network is deployed for, with precision and threads.

    Args:
        export: Parameters of `export`.
        timing: Parameters of `timing`.
        device_runtime: Runtime of the device of the task, as in a catalogue; None if not stated.
        measures: Whether the task measures latency.

    Raises:
        ConfigurationError: If the runtime lacks the precision.
    """
    measured = timing.runtime if measures else "onnxruntime"
    name = export.runtime or runtime_of(device_runtime) or measured
    provider = timing.provider if name == timing.runtime else None
    try:
        return get_runtime(
            name, provider=provider, threads=timing.threads, precision=export.precision
        )
    except UnknownNameError as error:
        raise ConfigurationError(
            f"export.precision is {export.precision!r}. {error} Or set export.runtime to another "
            "runtime."
        ) from error


def trains_networks(task: Mapping[str, Any]) -> bool:
    """Whether a search trains networks: parameters of `search`, or the task in its result."""
    return bool(task["oracle"]["name"] == "train")


def check_deployment(parameters: Mapping[str, Any], device_runtime: str | None) -> None:
    """Check that the network can be deployed as configured.

    Args:
        parameters: All parameters.
        device_runtime: Runtime of the device of the task; None if not stated.

    Raises:
        ConfigurationError: If the runtime lacks the precision, its converter is missing, it cannot
            run the batches, int8 has no training images, or the network is to be timed on this
            machine in fp16 and the processor lacks it.
    """
    export, timing = (
        parse(ExportConfig, parameters["export"]),
        parse(TimingConfig, parameters["timing"]),
    )
    search = parameters["search"]
    measures = export.measure or measures_on_device(search["limits"])
    runtime = deployed_runtime(export, timing, device_runtime, measures=measures)
    if export.precision == "int8" and not trains_networks(search):
        raise ConfigurationError(
            "export.precision is 'int8' and needs a network trained here, for its training "
            f"images. search.oracle.name is {search['oracle']['name']!r} and trains none. Set "
            "export.precision to fp32 or fp16, or search.oracle.name to train (as --env=live "
            "does)."
        )
    MeasureSettings(runtime=runtime, batch_size=timing.batch_size)
    try:
        runtime.check()
    except ConfigurationError as error:
        raise ConfigurationError(
            f"export.runtime is {runtime.name} here (null: the runtime of the device). {error}. "
            "Or set export.runtime to onnxruntime."
        ) from error
    here = timing.target == "local" and timing.scheduler is None
    computes = runner.SOFTWARE[runtime.name].half
    if export.measure and here and export.precision == "fp16" and not computes(runtime.provider):
        raise ConfigurationError(
            f"export.measure times the network on this machine, whose processor computes no fp16 "
            f"in {runtime.title}. Set export.measure to false, another export.precision, or "
            "timing.target to a board that has fp16."
        )

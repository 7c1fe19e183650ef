"""Nodes of the stage `measure`: networks of cells and their operations, timed on this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.devices import Device
from brpnas.errors import MeasurementError
from brpnas.measure import (
    MeasureResult,
    MeasureSettings,
    Target,
    check_name,
    check_table,
    measure_device,
    measure_operations,
    measure_report,
    read_cells,
    select_cells,
    summary,
)
from brpnas.spaces import DEFAULT_SPACE
from pipelines.config import MeasureConfig, parse
from pipelines.measuring import TimingSetup, set_up_timing

__all__ = ["measure_latency", "set_up_timing"]

logger = logging.getLogger(__name__)


def measure_latency(
    store: Path,
    known_devices: Mapping[str, Device],
    known_latency: Mapping[str, Callable[..., pd.DataFrame]],
    timing: TimingSetup,
    params: Mapping[str, Any],
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], Device, dict[str, Any]]:
    """Measure cells and their operations, except rows already in the store.

    Args:
        store: Folder for the rows during the measurement; one file per task.
        known_devices: Devices measured earlier.
        known_latency: Readers of their tables, by device.
        timing: Parameters of `timing`.
        params: Parameters of the stage.

    Returns:
        The latency table by the name of the device; the table of operations measured alone in the
        same way, empty if not requested; the entry of the device for the catalogue; the report.

    Raises:
        MeasurementError: If nothing could be measured, another device has that name, or its table
            would lose cells.
        UnknownNameError: If the machine lacks the execution provider or torch device.
    """
    config = parse(MeasureConfig, params)
    settings, space = timing.settings, timing.settings.space
    among = None if config.file is None else read_cells(Path(config.file), space=space)
    with timing.open_target() as target:
        device, result = measure_device(
            select_cells(config.cells, among=among, seed=config.seed, space=space),
            settings,
            store,
            name=config.device,
            check=partial(check_name, known=known_devices),
            target=target,
            reference_every=config.reference_every,
            drift_limit=config.drift_limit,
            seed=config.seed,
        )
        operations, failed = _operations(settings, result, device.name, target, config)
    table = result.latency(device.name)
    if device.name in known_latency:
        check_table(device.name, known_latency[device.name](space=space), table)
    report = measure_report(device, settings, result, drift_limit=config.drift_limit)
    report |= {"operations": sum(map(len, operations.values())), "operations_failed": failed}
    logger.info("Measured:\n%s", summary(report))
    return {device.name: table}, operations, device, report


def _operations(
    settings: MeasureSettings,
    result: MeasureResult,
    device: str,
    target: Target,
    config: MeasureConfig,
) -> tuple[dict[str, pd.DataFrame], str | None]:
    """Measure the operations alone, if requested; return the reason of a failure."""
    if not config.operations:
        return {}, None
    if settings.space != DEFAULT_SPACE:
        logger.info("No layer-wise baseline: it knows the networks of %s alone", DEFAULT_SPACE)
        return {}, None
    try:
        table = measure_operations(settings, result.store, device=device, target=target)
    except MeasurementError as error:
        logger.warning("No layer-wise baseline: %s", error)
        return {}, str(error)
    return {device: table}, None

"""Node of the stage `measure`: networks of cells and their operations, timed where this runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.devices import Device
from brpnas.fanout import get_engine
from brpnas.measure import (
    check_name,
    measure_device,
    measure_operations,
    measure_report,
    read_cells,
    select_cells,
    summary,
)
from brpnas.measure.store import store_name, task_of
from pipelines.config import MeasureConfig, parse
from pipelines.measuring import measure_settings

__all__ = ["measure_latency"]

logger = logging.getLogger(__name__)


def measure_latency(
    store: Path, known_devices: Mapping[str, Device], params: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], Device, dict[str, Any]]:
    """Measure cells and the operations they are made of, or what the store lacks of them.

    Args:
        store: Folder for the rows while they are measured; one file per task.
        known_devices: Devices that have been measured before.
        params: Parameters of the stage.

    Returns:
        The latency table by the name of the device; the table of operations alone in the same
        way, or nothing if not asked for; its entry for the catalogue; the report.

    Raises:
        MeasurementError: If nothing could be measured, or another device has that name.
        UnknownNameError: If the machine lacks the execution provider or torch device.
    """
    config = parse(MeasureConfig, params)
    settings = measure_settings(config)
    among = None if config.file is None else read_cells(Path(config.file))
    with get_engine(scheduler=config.scheduler) as engine:
        device, result = measure_device(
            select_cells(config.cells, among=among, seed=config.seed),
            settings,
            store,
            name=config.device,
            check=partial(check_name, known=known_devices),
            engine=engine,
            reference_every=config.reference_every,
            drift_limit=config.drift_limit,
            seed=config.seed,
        )
        operations = {}
        if config.operations:
            path = store / store_name(task_of(settings, result.machine))
            operations[device.name] = measure_operations(
                settings, path, device=device.name, engine=engine
            )
    report = measure_report(device, settings, result, drift_limit=config.drift_limit)
    logger.info(
        "Measured:\n%s\nTo train its predictor: "
        "kedro run --pipelines=ingest,featurise,train --params=device=%s",
        summary(report),
        device.name,
    )
    return {device.name: result.latency(device.name)}, operations, device, report

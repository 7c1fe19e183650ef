"""Nodes of the stage `train_candidates`: networks of cells, trained on images."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.candidates import (
    TrainingJob,
    accuracy_table,
    curve_table,
    never_recognised,
    stored_records,
    summary,
    train_jobs,
    training_report,
)
from brpnas.spaces.select import read_cells, select_cells
from pipelines.config import ImagesConfig, NetworkTrainingConfig, TrainCandidatesConfig, parse
from pipelines.network import network_config
from pipelines.training import image_source, job_config, training_engine

__all__ = ["list_jobs", "train_cells"]

logger = logging.getLogger(__name__)


def train_cells(
    store: Path,
    space: str,
    network: Mapping[str, Any],
    images: Mapping[str, Any],
    params: Mapping[str, Any],
    training: Mapping[str, Any],
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], dict[str, Any]]:
    """Train cells, except those already in the store.

    Args:
        store: Folder for the results during the training; a file per data set and settings.
        space: Name of the space of the cells.
        network: Size of the networks.
        images: Parameters of the images.
        params: Parameters of the stage.
        training: Parameters of `network_training`.

    Returns:
        The accuracy table by the name of the data set, with all results of the store for these
        settings; their learning curves, likewise; the report.

    Raises:
        SourceError: If the images cannot be read.
        TrainingError: If nothing could be trained.
    """
    config = parse(TrainCandidatesConfig, params)
    how = parse(NetworkTrainingConfig, training)
    source = image_source(parse(ImagesConfig, images))
    size = network_config(network)
    settings = job_config(how, size)
    if config.file is None:
        cells = select_cells(config.cells, distinct=True, seed=config.seed, space=space)
    else:
        among = read_cells(Path(config.file), space=space)
        cells = select_cells(config.cells, among=among, seed=config.seed, space=space)
    wanted = list_jobs(cells, config)
    began = time.perf_counter()
    with training_engine(how) as engine:
        given = source.sent() if how.send_images and how.scheduler else source
        train_jobs(wanted, given, settings, store, engine=engine, space=space)
    seconds = time.perf_counter() - began
    stored = stored_records(source, settings, store, space=space)
    runs = sorted(stored, key=lambda run: (run.arch_id, run.seed))
    report = training_report(runs, source.load(), settings, asked=len(wanted), seconds=seconds)
    logger.info(
        "Trained:\n%s\nTo search on it: "
        "kedro run --pipelines=ingest,featurise,train,search --params=dataset=%s",
        summary(report),
        source.name,
    )
    if never := never_recognised(report):
        logger.warning(
            "The best cell, %s, never recognises %d of %d classes on the test images: %s",
            report["best"]["arch_id"],
            len(never),
            len(report["images"]["label_names"]),
            ", ".join(map(repr, never)),
        )
    accuracies = accuracy_table(runs, source.name, settings.epochs, size)
    return {source.name: accuracies}, {source.name: curve_table(runs, source.name)}, report


def list_jobs(cells: Sequence[str], config: TrainCandidatesConfig) -> list[TrainingJob]:
    """Every training, seed after seed: an interrupted run then covers most cells."""
    more = config.more_seeds
    return [
        TrainingJob(arch_id, seed)
        for seed in range(max(config.seeds, more.seeds))
        for arch_id in (cells if seed < config.seeds else cells[: more.cells])
    ]

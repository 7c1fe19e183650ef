"""The reader of each kind of file: the functions called by stages and command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from brpnas.candidates import ImageSource, JobConfig, TrainedNetworkFile, stored_records
from brpnas.datasets import read_help_latency, read_latency, safe_load
from brpnas.devices import load_devices, read_device_table
from brpnas.graphs import SpaceGraphs
from brpnas.measure import MeasureSettings, MeasureStore, TorchEager, describe_machine
from brpnas.measure.store import task_of
from brpnas.predictors import PairwiseRanker, load_predictor
from brpnas.predictors.transfer import DevicePrior
from brpnas.search import FileOracle, Question, SearchStore
from brpnas.serving import OnnxPredictor
from brpnas.spaces import get_space
from brpnas.spaces.select import read_cells

__all__ = ["ENTRIES", "IMAGES", "SEARCH", "measure_task", "training_config"]

SEARCH = {"t": 1}
"""Task of the journals of searches."""
IMAGES = ImageSource()
"""Images of the journals of trainings."""


def measure_task() -> dict[str, object]:
    """Task of the journals of measurements, on this machine."""
    settings = MeasureSettings(TorchEager())
    return task_of(settings, describe_machine(settings.runtime))


def training_config() -> JobConfig:
    """Settings of the journals of trainings."""
    return JobConfig(channels=2, cells_per_stage=1, stages=1, epochs=1)


def _answers(path: Path) -> object:
    oracle = FileOracle(path.with_suffix(".asked"), path, "x")
    cell = get_space("nasbench201").enumerate()[0]
    return [answer for _, answer in oracle.answers([Question(0, cell)])]


def _images(path: Path) -> object:
    return ImageSource(str(path), cache=str(path.parent / "cache")).load()


ENTRIES: dict[str, Callable[[Path], object]] = {
    "pickle": safe_load,
    "latbench": lambda path: read_latency(path, "x"),
    "help": lambda path: read_help_latency(path, "x"),
    "graphs": SpaceGraphs.load,
    "latency": load_predictor,
    "ranker": PairwiseRanker.load,
    "prior": DevicePrior.load,
    "network": lambda path: TrainedNetworkFile.from_bytes(path.read_bytes()).module(),
    "onnx": OnnxPredictor,
    "devices": load_devices,
    "search": lambda path: SearchStore(path, SEARCH).close(),
    "measure": lambda path: MeasureStore(path, measure_task()).__exit__(None, None, None),
    "training": lambda path: stored_records(IMAGES, training_config(), path),
    "table": lambda path: read_device_table(path, get_space("nasbench201")),
    "cells": read_cells,
    "answers": _answers,
    "images": _images,
}
"""Readers by name."""

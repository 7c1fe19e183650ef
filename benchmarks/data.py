"""Common inputs of the benchmarks: the published tables and the project's settings."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from brpnas.candidates import JobConfig
from brpnas.datasets import fetch, get_source, list_architectures, read_accuracy, read_latency
from brpnas.datasets.help import read_help_latency
from brpnas.datasets.sources import fetch_group
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import TrainingConfig
from brpnas.spaces import get_space

__all__ = ["Benchmark", "candidate_config", "settings", "stopwatch", "training_config"]

ROOT = Path(__file__).resolve().parents[1]


def settings(group: str, environment: str = "base") -> dict[str, Any]:
    """Default parameters of a group.

    Args:
        group: Name of the group.
        environment: Folder of ``conf`` that overrides ``base``.
    """
    values: dict[str, Any] = {}
    for folder in dict.fromkeys(("base", environment)):
        for path in sorted((ROOT / "conf" / folder).glob("parameters*.yml")):
            values = _merged(values, (yaml.safe_load(path.read_text("utf-8")) or {}).get(group, {}))
    return values


def _merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Values with changes, key by key in their groups, as Kedro merges environments."""
    return values | {
        key: _merged(values[key], value) if isinstance(value, dict) and key in values else value
        for key, value in changes.items()
    }


def candidate_config() -> JobConfig:
    """Small networks, trained as the stage `train_candidates` trains."""
    known, values = JobConfig.__dataclass_fields__, settings("network_training")
    training = {key: value for key, value in values.items() if key in known}
    return JobConfig(channels=4, cells_per_stage=2, stages=2, **training)


def training_config(values: dict[str, Any]) -> TrainingConfig:
    """The training parameters of a stage."""
    known = TrainingConfig.__dataclass_fields__
    return TrainingConfig(**{key: value for key, value in values.items() if key in known})


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Seconds of the block, as the one element of the list."""
    seconds: list[float] = []
    start = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - start)


class Benchmark:
    """The published tables, read on first use."""

    space_name = "nasbench201"

    def __init__(self) -> None:
        mirror = os.environ.get("BRPNAS_MIRROR")
        self._mirror = Path(mirror) if mirror else None
        self._cache = ROOT / "data" / "01_raw"

    @functools.cached_property
    def graphs(self) -> SpaceGraphs:
        """The space in all views."""
        return get_space(self.space_name).graphs()

    @functools.cached_property
    def _files(self) -> dict[str, Path]:
        return fetch_group("nasbench201", mirror=self._mirror, cache=self._cache)

    @functools.cached_property
    def surrogate_files(self) -> dict[str, Path]:
        """Files of the surrogate of NAS-Bench-301."""
        return fetch_group("nasbench301", mirror=self._mirror, cache=self._cache)

    @functools.cached_property
    def accuracy(self) -> pd.DataFrame:
        """Accuracies of NAS-Bench-201."""
        return read_accuracy(self._files)

    @functools.cached_property
    def architectures(self) -> pd.DataFrame:
        """Architectures with parameters and FLOPs."""
        return list_architectures()

    def latency(self, device: str) -> pd.DataFrame:
        """Latencies of one LatBench device."""
        path = fetch(get_source(device), mirror=self._mirror, cache=self._cache)
        return read_latency(path, device)

    def help_latency(self, device: str) -> pd.DataFrame:
        """Latencies of one device of HELP."""
        path = fetch(get_source(device), mirror=self._mirror, cache=self._cache)
        return read_help_latency(path, device)

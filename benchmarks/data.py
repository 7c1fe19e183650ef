"""Common inputs of the benchmarks: the published tables and the project's settings."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from brpnas.candidates import JobConfig
from brpnas.datasets import fetch, get_source, list_architectures, read_accuracy, read_latency
from brpnas.datasets.help import read_help_latency
from brpnas.datasets.sources import fetch_group
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import TrainingConfig
from brpnas.predictors.transfer import SharedNetworkConfig
from brpnas.search import HeldOutScores, ListedPool, TableOracle
from brpnas.search.oracles import longest_runs
from brpnas.spaces import get_space

__all__ = [
    "CACHE",
    "ROOT",
    "Benchmark",
    "bench",
    "job_config",
    "mirror",
    "settings",
    "shared_network_config",
    "stopwatch",
    "training_config",
    "valid_runs",
]

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "data" / "01_raw"


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


def job_config() -> JobConfig:
    """Small networks, trained as the stage `train_candidates` trains."""
    known, values = JobConfig.__dataclass_fields__, settings("network_training")
    training = {key: value for key, value in values.items() if key in known}
    return JobConfig(channels=4, cells_per_stage=2, stages=2, **training)


def training_config(values: dict[str, Any]) -> TrainingConfig:
    """The training parameters of a stage."""
    known = TrainingConfig.__dataclass_fields__
    return TrainingConfig(**{key: value for key, value in values.items() if key in known})


def shared_network_config(**changes: Any) -> SharedNetworkConfig:
    """How the prior of devices is trained, with changes."""
    values = settings("pretrain") | changes
    return SharedNetworkConfig(**{k: values[k] for k in SharedNetworkConfig.__dataclass_fields__})


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Seconds of the block, as the one element of the list."""
    seconds: list[float] = []
    start = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - start)


def mirror() -> Path | None:
    """Folder of the published files, if ``BRPNAS_MIRROR`` names one."""
    named = os.environ.get("BRPNAS_MIRROR")
    return Path(named) if named else None


class Benchmark:
    """The published tables, read on first use."""

    @functools.cached_property
    def graphs(self) -> SpaceGraphs:
        """NAS-Bench-201 in all views."""
        return get_space("nasbench201").graphs()

    @functools.cached_property
    def surrogate_files(self) -> dict[str, Path]:
        """Files of the surrogate of NAS-Bench-301."""
        return fetch_group("nasbench301", mirror=mirror(), cache=CACHE)

    @functools.cached_property
    def accuracy(self) -> pd.DataFrame:
        """Accuracies of NAS-Bench-201."""
        return read_accuracy(fetch_group("nasbench201", mirror=mirror(), cache=CACHE))

    @functools.cached_property
    def architectures(self) -> pd.DataFrame:
        """Architectures with parameters and FLOPs."""
        return list_architectures()

    @functools.cache  # noqa: B019 - one instance per process
    def scores(self, dataset: str) -> HeldOutScores:
        """Test accuracy of each architecture."""
        return HeldOutScores.from_table(self.accuracy, dataset)

    def test(self, dataset: str) -> npt.NDArray[np.float64]:
        """Mean test accuracy of each architecture, in the order of the graphs."""
        mean = self.scores(dataset).mean
        return np.array([mean[arch_id] for arch_id in self.graphs.arch_ids])

    @functools.cache  # noqa: B019
    def oracle(self, dataset: str) -> TableOracle:
        """Answers of seed 0; `TableOracle.reseeded` gives those of others."""
        return TableOracle(self.accuracy, dataset, 0)

    def pool(self, view: str, seed: int = 0) -> ListedPool:
        """The unconstrained pool in a view."""
        return ListedPool.create(get_space("nasbench201"), self.graphs, seed=seed, view=view)

    def valid_runs(self, dataset: str) -> pd.DataFrame:
        """Validation accuracy of each architecture (rows) and training seed (columns)."""
        return valid_runs(self.accuracy, dataset).reindex(list(self.graphs.arch_ids))

    def latency(self, device: str) -> pd.DataFrame:
        """Latencies of one LatBench device."""
        return read_latency(fetch(get_source(device), mirror=mirror(), cache=CACHE), device)

    def help_latency(self, device: str) -> pd.DataFrame:
        """Latencies of one device of HELP."""
        return read_help_latency(fetch(get_source(device), mirror=mirror(), cache=CACHE), device)


@functools.cache
def bench() -> Benchmark:
    """The tables, read once in each process."""
    return Benchmark()


def valid_runs(accuracy: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Validation accuracy of each cell (rows) and training seed (columns), NaN where unknown."""
    runs = longest_runs(accuracy, dataset, "valid").dropna(subset=["seed"])
    return runs.pivot_table(index="arch_id", columns="seed", values="accuracy")

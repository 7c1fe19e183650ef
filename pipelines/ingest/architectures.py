"""The architectures of the project: a whole space, or a sample of one too large to list."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import list_architectures, read_nasbench101_architectures
from brpnas.devices import Intake
from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.spaces import SearchSpace, get_space
from pipelines.config import IngestConfig, parse
from pipelines.network import network_config

__all__ = ["make_architectures"]

Tables = Mapping[str, Callable[..., pd.DataFrame]]

_log = logging.getLogger(__name__)


def make_architectures(
    published_nasbench101: Callable[[], Mapping[str, Path]],
    trained: Tables,
    measured: Tables,
    brought: Mapping[str, Callable[..., Intake]],
    space: str,
    network: Mapping[str, Any],
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """All architectures of the space; or a random sample, plus every one in the tables.

    A whole space follows from its definition: no table is read.

    Args:
        published_nasbench101: Gives the files of NAS-Bench-101 by name.
        trained: Readers of the user's accuracy tables, by data set.
        measured: Readers of the tables of the stage `measure`, by device.
        brought: Readers of the latency files of owners, by device.
        space: Name of the space.
        network: Size of the networks for the listed parameters and multiply-adds, without dead
            operations.
        params: Parameters of the stage.

    Raises:
        ConfigurationError: If the whole space is requested and too large to list.
        UnknownNameError: If the space is unknown.
    """
    config = parse(IngestConfig, params)
    chosen, size = get_space(space), network_config(network)
    if config.sample is None:
        if not chosen.enumerable:
            raise ConfigurationError(
                f"The space {space!r} is too large to be listed: set ingest.sample to the number "
                "of random architectures to list, such as 20000."
            )
        return list_architectures(space=chosen, network=size)
    own: dict[str, Iterator[pd.DataFrame]] = {
        "trained": (read(space=space) for read in trained.values()),
        "measured": (read(space=space) for read in measured.values()),
        "devices": (read(space=space).table for read in brought.values()),
    }
    names = set[str]()
    for benchmark in config.benchmarks:
        for table in own.get(benchmark, ()):
            names |= _of_the_space(table, chosen)
    if "nasbench101" in config.benchmarks:
        names |= set(read_nasbench101_architectures(published_nasbench101())["arch_id"])
    drawn = chosen.sample(np.random.default_rng(config.seed), min(config.sample, len(chosen)))
    _log.info("%d architectures in tables, %d drawn at random", len(names), len(drawn))
    return list_architectures(sorted(names.union(drawn)), space=chosen, network=size)


def _of_the_space(table: pd.DataFrame, space: SearchSpace) -> set[str]:
    """Architectures in the notation of the space; the check of the table reports the others."""
    found = set()
    for arch_id in set(table["arch_id"].tolist()) if "arch_id" in table else ():
        try:
            if space.canonical(arch_id) == arch_id:
                found.add(arch_id)
        except ArchitectureError:
            continue
    return found

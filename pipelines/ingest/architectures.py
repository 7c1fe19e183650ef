"""The architectures of the project: a whole space, or a sample of one too large to list."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from brpnas.datasets import (
    list_architectures,
    read_fbnet_architectures,
    read_nasbench101_architectures,
)
from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.spaces import SearchSpace, get_space, size_of
from pipelines.ingest.own import OwnTables
from pipelines.ingest.settings import IngestSettings

__all__ = ["make_architectures"]

_log = logging.getLogger(__name__)


def make_architectures(
    settings: IngestSettings,
    own: OwnTables,
    published_nasbench101: Callable[[], Mapping[str, Path]],
    published_fbnet: Callable[[], Mapping[str, Path]],
) -> pd.DataFrame:
    """All architectures of the space; or a random sample, plus every one in the tables.

    A whole space follows from its definition: no table is read. Dead operations are left out of the
    listed parameters and multiply-adds.

    Args:
        settings: Parameters of the stage.
        own: The user's tables.
        published_nasbench101: Gives the files of NAS-Bench-101 by name.
        published_fbnet: Gives the files of FBNet by name.

    Raises:
        ConfigurationError: If the whole space is requested and too large to list.
        UnknownNameError: If the space is unknown.
    """
    config, size, space = settings.ingest, settings.network, get_space(settings.space)
    if config.sample is None:
        if not space.enumerable:
            raise ConfigurationError(
                f"The space {settings.space!r} is too large to be listed: set ingest.sample to the "
                "number of random architectures to list, such as 20000."
            )
        return list_architectures(space=space, network=size)
    names = {arch_id for arch_id in set(own.architectures()) if _is_of(arch_id, space)}
    if "nasbench101" in config.benchmarks:
        names |= set(read_nasbench101_architectures(published_nasbench101())["arch_id"])
    if "fbnet" in config.benchmarks:
        names |= set(read_fbnet_architectures(published_fbnet()))
    drawn = space.sample(np.random.default_rng(config.seed), min(config.sample, size_of(space)))
    _log.info("%d architectures in tables, %d drawn at random", len(names), len(drawn))
    return list_architectures(sorted(names.union(drawn)), space=space, network=size)


def _is_of(arch_id: str, space: SearchSpace) -> bool:
    """Whether it is in the notation of the space; the check of the table reports the others."""
    try:
        return space.canonical(arch_id) == arch_id
    except ArchitectureError:
        return False

"""The oracle of a search, built from the parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.candidates import TrainOracle
from brpnas.datasets.nasbench301 import Surrogate
from brpnas.errors import ConfigurationError
from brpnas.fanout import get_engine
from brpnas.search import FileOracle, Oracle, TableOracle
from brpnas.search.oracles.surrogate import SurrogateOracle
from pipelines.config import NetworkTrainingConfig, OracleConfig, parse
from pipelines.search.settings import SearchSettings
from pipelines.training import image_source, job_config

__all__ = ["Files", "OracleSetup", "set_up_oracle"]

Files = Callable[[], Mapping[str, Path]]


@dataclass(frozen=True)
class OracleSetup:
    """An unopened oracle: it requests nothing from a cluster before the search starts.

    Attributes:
        settings: Parameters of the search.
        training: Parameters of `network_training`, for the oracle ``train``.
        accuracy: The answers of the oracle ``table``.
        surrogate: Returns the files of NAS-Bench-301.
        store: Folder of the answers and the trained networks.
        by_hand: Folder of the questions and answers of the oracle ``file``.
    """

    settings: SearchSettings
    training: NetworkTrainingConfig
    accuracy: pd.DataFrame
    surrogate: Files
    store: Path
    by_hand: Path

    @property
    def config(self) -> OracleConfig:
        """The configured oracle."""
        return self.settings.search.oracle

    @contextmanager
    def opened(self) -> Iterator[Oracle]:
        """The oracle, with its training processes.

        Raises:
            ConfigurationError: If the images belong to another data set.
        """
        oracle, dataset, space = self.config, self.settings.dataset, self.settings.space
        if oracle.name == "file":
            files = self.by_hand / "questions.csv", self.by_hand / "answers.csv"
            yield FileOracle(*files, dataset, space)
        elif oracle.name != "train":
            yield self.factory()(self.settings.search.seed)
        else:
            source = image_source(self.settings.images)
            if source.name != dataset:
                raise ConfigurationError(
                    f"The parameter dataset is {dataset!r}, but search.oracle.name is 'train' and "
                    f"the images are {source.name!r}: set dataset to null, which means that of the "
                    "images, or images.path to the other images."
                )
            how = job_config(self.training, self.settings.network)
            with get_engine(self.training.workers, self.training.scheduler) as engine:
                folder = self.store / "trained"
                yield TrainOracle(source, how, folder, engine, space=space, metric=oracle.metric)

    @property
    def is_free(self) -> bool:
        """Whether answers cost nothing: from a table or a surrogate."""
        return self.config.name in {"table", "surrogate"}

    def factory(self) -> Callable[[int], Oracle]:
        """A function returning the oracle of a seed, if `is_free`; picklable."""
        if self.config.name == "surrogate":
            return functools.partial(_ask_surrogate, dict(self.surrogate()))
        return functools.partial(TableOracle, self.accuracy, self.settings.dataset)


def set_up_oracle(
    settings: SearchSettings,
    training: Mapping[str, Any],
    accuracy: pd.DataFrame,
    surrogate: Files,
    store: Path,
    by_hand: Path,
) -> OracleSetup:
    """Check the parameters of the oracle; see `OracleSetup` for the arguments."""
    config = parse(NetworkTrainingConfig, training)
    return OracleSetup(settings, config, accuracy, surrogate, store, by_hand)


def _ask_surrogate(files: Mapping[str, Path], seed: int) -> Oracle:
    """The surrogate has no noise, so the seed changes nothing."""
    del seed
    return SurrogateOracle(Surrogate.from_files(files))

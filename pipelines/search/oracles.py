"""The oracle of a search, built from the parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.datasets.nasbench301 import Surrogate
from brpnas.search import FileOracle, Oracle, TableOracle
from brpnas.search.oracles.surrogate import SurrogateOracle
from pipelines.config import NetworkTrainingConfig, OracleConfig, parse
from pipelines.search.settings import SearchSettings
from pipelines.training import TrainingTask, train_oracle

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
            task = TrainingTask(space, dataset, self.settings.network, oracle.metric)
            with train_oracle(task, self.settings.images, self.training, self.store) as trained:
                yield trained

    @property
    def trains_here(self) -> bool:
        """Whether networks are trained on this machine."""
        return self.config.name == "train" and self.training.scheduler is None

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

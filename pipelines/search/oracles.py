"""The oracle that answers a search, as the parameters ask for it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from brpnas.candidates import TrainOracle
from brpnas.datasets.nasbench301 import Surrogate
from brpnas.errors import ConfigurationError
from brpnas.fanout import Engine
from brpnas.search import FileOracle, Oracle, TableOracle
from brpnas.search.surrogate_oracle import SurrogateOracle
from brpnas.spaces.network import NetworkConfig
from pipelines.config import ImagesConfig, SearchConfig, TrainCandidatesConfig
from pipelines.training import candidate_config, image_source

__all__ = ["Files", "cheap_oracle", "make_oracle"]

Files = Callable[[], Mapping[str, Path]]


def make_oracle(  # noqa: PLR0913, PLR0917 - one argument per data set
    config: SearchConfig,
    candidates: TrainCandidatesConfig,
    accuracy: pd.DataFrame,
    surrogate: Files,
    space: str,
    dataset: str,
    network: NetworkConfig,
    images: ImagesConfig,
    by_hand: Path,
    store: Path,
    engine: Engine,
) -> Oracle:
    """The oracle that the configuration asks for.

    Args:
        config: Parameters of the search.
        candidates: Parameters of `train_candidates`, by which the oracle trains.
        accuracy: The table that answers, if it is the table.
        surrogate: Gives the files of NAS-Bench-301, if it is the surrogate.
        space: Name of the space.
        dataset: Data set of the accuracies.
        network: Size of the networks.
        images: What they are trained on.
        by_hand: Folder of the questions and answers, if these are given by hand.
        store: Folder in which trained networks are kept.
        engine: Where they are trained.

    Raises:
        ConfigurationError: If networks are to be trained on other images than those of the data
            set.
    """
    if config.oracle == "file":
        return FileOracle(by_hand / "questions.csv", by_hand / "answers.csv", dataset, space)
    if config.oracle != "train":
        return cheap_oracle(config, accuracy, surrogate, dataset)(config.seed)
    source = image_source(images, candidates)
    if source.name != dataset:
        raise ConfigurationError(
            f"The parameter dataset is {dataset!r}, but search.oracle is 'train' and the images "
            f"are {source.name!r}: set dataset to null, which means that of the images, or "
            "images.path to the other images."
        )
    settings = candidate_config(candidates, network)
    return TrainOracle(
        source, settings, store / "trained", engine, space=space, metric=config.metric
    )


def cheap_oracle(
    config: SearchConfig, accuracy: pd.DataFrame, surrogate: Files, dataset: str
) -> Callable[[int], Oracle]:
    """A function that makes the oracle of a seed, where an answer costs nothing; picklable."""
    if config.oracle == "surrogate":
        return functools.partial(_ask_surrogate, dict(surrogate()))
    return functools.partial(TableOracle, accuracy, dataset)


def _ask_surrogate(files: Mapping[str, Path], seed: int) -> Oracle:
    """Its answers have no noise, so the seed changes nothing."""
    del seed
    return SurrogateOracle(Surrogate.from_files(files))

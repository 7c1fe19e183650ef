"""Training of many candidates: on an engine, each result stored when it arrives, resumable."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from tqdm.auto import tqdm

from brpnas.candidates.images import ImageData, ImageSource
from brpnas.candidates.training import (
    CandidateConfig,
    TrainedCandidate,
    find_device,
    train_candidate,
)
from brpnas.datasets.schemas import ACCURACY, validate
from brpnas.errors import TaskError, TrainingError
from brpnas.fanout import Engine, SerialEngine
from brpnas.journal import Journal
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, space_fingerprint
from brpnas.typed import Finite, Fraction, parse_typed

__all__ = [
    "Candidate",
    "CandidateRun",
    "accuracy_table",
    "check_engine",
    "run_candidates",
    "store_name",
    "stored_candidates",
    "train_candidates",
    "training_fingerprint",
]

_log = logging.getLogger(__name__)
_ARITHMETIC = 2
"""2: channels-last."""


@dataclass(frozen=True)
class Candidate:
    """One training to do: an architecture and the seed of its weights and batches."""

    arch_id: str
    seed: int


@dataclass(frozen=True)
class CandidateRun:
    """What became of a training, as it is stored.

    Attributes:
        arch_id: The architecture.
        seed: Seed of the training.
        status: ``ok`` or ``failed``.
        valid_accuracy: Fraction; None if it failed, as are the next two.
        test_accuracy: Fraction.
        train_time_s: Seconds.
        message: What went wrong.
        valid_recall: Recall of each class on the validation images, None for a class without any;
            None if it failed, or the store is older than this field.
        test_recall: The same on the test images.
    """

    arch_id: str
    seed: int
    status: Literal["ok", "failed"]
    valid_accuracy: Fraction | None = None
    test_accuracy: Fraction | None = None
    train_time_s: Finite | None = None
    message: str = ""
    valid_recall: tuple[Fraction | None, ...] | None = None
    test_recall: tuple[Fraction | None, ...] | None = None

    def __post_init__(self) -> None:
        values = (self.valid_accuracy, self.test_accuracy)
        if any((value is None) == (self.status == "ok") for value in values):
            raise ValueError(f"status {self.status!r} does not go with the accuracies {values}")

    @property
    def candidate(self) -> Candidate:
        """What was to be trained."""
        return Candidate(self.arch_id, self.seed)


def run_candidates(
    candidates: Sequence[Candidate],
    source: ImageSource,
    config: CandidateConfig,
    engine: Engine,
    *,
    space: str = DEFAULT_SPACE,
    final: bool = False,
) -> Iterator[tuple[Candidate, TrainedCandidate | TaskError]]:
    """Train candidates on an engine; each comes back the moment it is done, in any order.

    A worker that reads other images than this process trains nothing. With ``final``, see
    `train_candidate`.
    """
    digest = source.load().digest
    task = functools.partial(
        _train, source=source, digest=digest, config=config, space=space, final=final
    )
    return engine.run(task, candidates)


def _train(
    candidate: Candidate,
    source: ImageSource,
    digest: str,
    config: CandidateConfig,
    space: str,
    final: bool,
) -> TrainedCandidate:
    data = source.load()
    if data.digest != digest:
        raise TrainingError(f"{source.path} holds other images on this worker.")
    return train_candidate(
        candidate.arch_id, candidate.seed, data, config, space=space, final=final
    )


def train_candidates(
    candidates: Sequence[Candidate],
    source: ImageSource,
    config: CandidateConfig,
    store: Path,
    *,
    engine: Engine | None = None,
    progress: bool = True,
    space: str = DEFAULT_SPACE,
) -> list[CandidateRun]:
    """Train candidates, or those that the store does not hold yet.

    An architecture whose training fails is recorded as failed, and the rest go on; it is tried
    again by the next call. The store takes any candidates of the same data and settings, so that
    more can be asked for later.

    Args:
        candidates: What to train; one asked twice is trained once.
        source: The images.
        config: How to train.
        store: File of results (`brpnas.journal`), or a folder for one file per data set and
            settings; what it holds is not trained again.
        engine: Where to train; in this process if left out.
        progress: Show a progress bar.
        space: Name of the space that the candidates are of; for one of one's own, its path must
            lead to the same file where they are trained.

    Returns:
        One result per distinct candidate, in the order asked.

    Raises:
        SourceError: If the images cannot be read.
        ConfigurationError: If the file of the space is not one.
        StoreError: If the store is of other data, settings or another space.
        TrainingError: If the workers cannot train at all, or no training succeeded.
    """
    wanted = list(dict.fromkeys(candidates))
    engine = engine or SerialEngine()
    data = source.load()
    with _Store(store, data, config, space) as stored:
        runs = stored.runs
        waiting = [c for c in wanted if c not in runs or runs[c].status == "failed"]
        done = len(wanted) - len(waiting)
        if done:
            _log.info("%d of %d trainings are in %s", done, len(wanted), stored.path)
        if waiting:
            check_engine(engine, source, data, config, space=space)
        with tqdm(
            total=len(wanted), initial=done, desc="train", unit="network", disable=not progress
        ) as bar:
            for run in _runs(waiting, source, config, engine, space):
                stored.add(run)
                bar.update()
    results = [runs[candidate] for candidate in wanted]
    if results and all(run.status == "failed" for run in results):
        raise TrainingError(
            f"All {len(results)} trainings failed, the first of them with: {results[0].message} "
            f"They are recorded in {stored.path}; mend the cause and run this again."
        )
    return results


def stored_candidates(
    source: ImageSource, config: CandidateConfig, store: Path, *, space: str = DEFAULT_SPACE
) -> list[CandidateRun]:
    """Last result of each training that the store holds, whoever asked for it.

    Args:
        source: The images.
        config: How they were trained.
        store: As for `train_candidates`.
        space: Name of the space that they are of.

    Raises:
        SourceError: If the images cannot be read.
        StoreError: If the store is of other data, settings or another space.
    """
    with _Store(store, source.load(), config, space) as stored:
        return list(stored.runs.values())


def store_name(source: ImageSource, config: CandidateConfig, *, space: str = DEFAULT_SPACE) -> str:
    """Name of a file for a data set, settings and a space, for folders that hold several.

    Raises:
        SourceError: If the images cannot be read.
    """
    return _store_name(source.load(), config, space)


def _store_name(data: ImageData, config: CandidateConfig, space: str) -> str:
    settings = json.dumps(training_fingerprint(data, config, space=space), sort_keys=True)
    return f"{data.name}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}.jsonl"


class _Store(Journal):
    """The journal of trainings, and the last result of each."""

    def __init__(self, store: Path, data: ImageData, config: CandidateConfig, space: str) -> None:
        path = store / _store_name(data, config, space) if store.is_dir() else store
        self.runs: dict[Candidate, CandidateRun] = {}
        task = training_fingerprint(data, config, space=space)
        super().__init__(path, task, self._keep, "store of trainings")

    def add(self, run: CandidateRun) -> None:
        """Put a result on the disk."""
        self.append(asdict(run))
        self.runs[run.candidate] = run

    def _keep(self, event: dict[str, Any]) -> None:
        run = parse_typed(CandidateRun, event)
        self.runs[run.candidate] = run


def check_engine(
    engine: Engine,
    source: ImageSource,
    data: ImageData,
    config: CandidateConfig,
    *,
    space: str = DEFAULT_SPACE,
) -> None:
    """Check that a worker has device, images and space; else all would fail alike.

    Raises:
        TrainingError: If it does not.
    """
    mine = {source.path: data.digest, space: space_fingerprint(space)}
    probe = functools.partial(_probe, config=config, space=space)
    for _, found in engine.run(probe, [source]):
        if isinstance(found, TaskError):
            raise TrainingError(f"No network can be trained. {found.message}")
        for (path, expected), there in zip(mine.items(), found, strict=True):
            if there != expected:
                what = "reads other images from" if path == source.path else "has another file"
                raise TrainingError(
                    f"A worker {what} {path} than this process. Give a path that leads to the "
                    "same file on every machine."
                )


def _probe(source: ImageSource, config: CandidateConfig, space: str) -> tuple[str, dict[str, str]]:
    find_device(config.device)
    return source.load().digest, space_fingerprint(space)


def _runs(
    candidates: Sequence[Candidate],
    source: ImageSource,
    config: CandidateConfig,
    engine: Engine,
    space: str,
) -> Iterator[CandidateRun]:
    for candidate, outcome in run_candidates(candidates, source, config, engine, space=space):
        if isinstance(outcome, TaskError):
            _log.warning("%s, seed %d: %s", candidate.arch_id, candidate.seed, outcome)
            yield CandidateRun(candidate.arch_id, candidate.seed, "failed", message=str(outcome))
        else:
            yield CandidateRun(
                candidate.arch_id,
                candidate.seed,
                "ok",
                outcome.valid_accuracy,
                outcome.test_accuracy,
                outcome.train_time_s,
                valid_recall=outcome.valid.recall if outcome.valid else None,
                test_recall=outcome.test.recall if outcome.test else None,
            )


def training_fingerprint(
    data: ImageData, config: CandidateConfig, *, space: str = DEFAULT_SPACE
) -> dict[str, object]:
    """What decides the result of a training but architecture and seed (JSON types).

    The version of torch is part of it, and a number that grows when the arithmetic here changes.
    """
    settings = {key: value for key, value in config.settings().items() if key != "device"}
    versions = {"torch": torch.__version__.partition("+")[0], "arithmetic": _ARITHMETIC}
    images = {"dataset": data.name, "images": data.digest}
    return {**images, **settings, **versions, **space_fingerprint(space)}


def accuracy_table(
    runs: Iterable[CandidateRun], dataset: str, epochs: int, network: NetworkConfig | None = None
) -> pd.DataFrame:
    """Accuracy table of the trainings that succeeded, a validation and a test row of each.

    Args:
        runs: Results of trainings.
        dataset: Name of the data set.
        epochs: Epochs that they were trained for.
        network: Size of the networks, where it is known.
    """
    size = None if network is None else network.size
    rows = [
        {
            "arch_id": run.arch_id,
            "dataset": dataset,
            "split": split,
            "seed": run.seed,
            "epochs": epochs,
            "accuracy": value,
            "train_time_s": run.train_time_s,
            "network_size": size,
        }
        for run in runs
        if run.status == "ok"
        for split, value in (("valid", run.valid_accuracy), ("test", run.test_accuracy))
    ]
    text = dict.fromkeys(("arch_id", "dataset", "split", "network_size"), "str")  # if empty too
    table = pd.DataFrame(rows, columns=list(ACCURACY.columns)).astype(text)
    return validate(table, ACCURACY, origin="the table of trained candidates")

"""Many training jobs on an engine: each result is stored at once, and a stopped run resumes."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from tqdm.auto import tqdm

from brpnas.candidates.checkpoints import Checkpoint, Checkpoints
from brpnas.candidates.images import ImageData, ImageSource
from brpnas.candidates.training import (
    JobConfig,
    JobResult,
    find_device,
    train_architecture,
)
from brpnas.datasets.schemas import ACCURACY, validate
from brpnas.errors import TaskError, TrainingError
from brpnas.fanout import Engine, SerialEngine
from brpnas.journal import Journal
from brpnas.search.stopping import StoppingRule
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, space_fingerprint
from brpnas.typed import Finite, Fraction, parse_typed

__all__ = [
    "JobRecord",
    "TrainingJob",
    "accuracy_table",
    "check_engine",
    "checkpoint_of",
    "run_jobs",
    "store_name",
    "stored_records",
    "train_jobs",
    "training_fingerprint",
    "training_task",
]

_log = logging.getLogger(__name__)
_ARITHMETIC = 2
"""Version of the arithmetic. 2: channels-last."""


@dataclass(frozen=True)
class TrainingJob:
    """A training.

    Attributes:
        arch_id: The architecture.
        seed: Seed of its weights and batches.
        rule: When it stops early; None for never. Not part of its identity.
    """

    arch_id: str
    seed: int
    rule: StoppingRule | None = field(default=None, compare=False)


@dataclass(frozen=True)
class JobRecord:
    """Stored result of a training job.

    Attributes:
        arch_id: The architecture.
        seed: Seed of the training.
        status: ``ok`` or ``failed``.
        valid_accuracy: Fraction; None after a failure, like the next two.
        test_accuracy: Fraction.
        train_time_s: Seconds.
        message: Error of a failure.
        valid_recall: Recall of each class on the validation images, None for a class without any;
            None after a failure, or in a store older than this field.
        test_recall: Recall of each class on the test images.
        curve: Validation accuracy after each epoch; None like ``valid_recall``.
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
    curve: tuple[Fraction, ...] | None = None

    def __post_init__(self) -> None:
        values = (self.valid_accuracy, self.test_accuracy)
        if any((value is None) == (self.status == "ok") for value in values):
            raise ValueError(f"status {self.status!r} contradicts the accuracies {values}")

    @property
    def job(self) -> TrainingJob:
        """The job."""
        return TrainingJob(self.arch_id, self.seed)


def run_jobs(
    jobs: Sequence[TrainingJob],
    source: ImageSource,
    config: JobConfig,
    engine: Engine,
    *,
    space: str = DEFAULT_SPACE,
    final: bool = False,
    checkpoints: Checkpoints | None = None,
) -> Iterator[tuple[TrainingJob, JobResult | TaskError]]:
    """Run jobs on an engine; yield each at its end, in any order.

    A worker with other images than this process trains nothing. For ``final`` see
    `train_architecture`. With ``checkpoints`` a job goes on where a killed one was; the caller
    removes a checkpoint (`checkpoint_of`) after it has stored the result.
    """
    task = training_task(source, config, space=space, final=final, checkpoints=checkpoints)
    return engine.run(task, jobs)


def training_task(
    source: ImageSource,
    config: JobConfig,
    *,
    space: str = DEFAULT_SPACE,
    final: bool = False,
    checkpoints: Checkpoints | None = None,
) -> Callable[[TrainingJob], JobResult]:
    """The function of an engine for `run_jobs`, with the same arguments."""
    return functools.partial(
        _train,
        source=source,
        digest=source.load().digest,
        config=config,
        space=space,
        final=final,
        checkpoints=checkpoints,
    )


def _train(
    job: TrainingJob,
    source: ImageSource,
    digest: str,
    config: JobConfig,
    *,
    space: str,
    final: bool,
    checkpoints: Checkpoints | None,
) -> JobResult:
    data = source.load()
    if data.digest != digest:
        raise TrainingError(
            f"{source.path} holds other images on this worker: {data.digest}, not {digest}."
        )
    checkpoint = None
    if checkpoints is not None:
        checkpoint = checkpoint_of(job, data, config, checkpoints, space=space, final=final)
    return train_architecture(
        job.arch_id,
        job.seed,
        data,
        config,
        space=space,
        final=final,
        checkpoint=checkpoint,
        rule=job.rule,
    )


def checkpoint_of(
    job: TrainingJob,
    data: ImageData,
    config: JobConfig,
    checkpoints: Checkpoints,
    *,
    space: str = DEFAULT_SPACE,
    final: bool = False,
) -> Checkpoint:
    """The checkpoint of a job, for its images and settings."""
    settings = training_fingerprint(data, config, space=space)
    task = {"arch_id": job.arch_id, "seed": job.seed, "final": final}
    return checkpoints.of({**settings, **task})


def train_jobs(
    jobs: Sequence[TrainingJob],
    source: ImageSource,
    config: JobConfig,
    store: Path,
    *,
    engine: Engine | None = None,
    progress: bool = True,
    space: str = DEFAULT_SPACE,
) -> list[JobRecord]:
    """Run the jobs that the store lacks.

    A failure is recorded, the rest go on, and the next call tries again. The store accepts any jobs
    of the same data and settings. Unfinished trainings keep a checkpoint beside the store, in a
    folder of its name with the suffix ``.checkpoints``.

    Args:
        jobs: The jobs; duplicates run once.
        source: The images.
        config: How to train.
        store: File of results (`brpnas.journal`), or a folder for one file per data set and
            settings.
        engine: Where to train; by default in this process.
        progress: Show a progress bar.
        space: Name of the space. The path of a custom space must lead to the same file on every
            worker.

    Returns:
        One record per distinct job, in the given order.

    Raises:
        SourceError: If the images cannot be read.
        ConfigurationError: If the file of the space is invalid.
        StoreError: If the store belongs to other data, settings or another space.
        TrainingError: If no worker can train, or every job failed.
    """
    wanted = list(dict.fromkeys(jobs))
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
            checkpoints = Checkpoints(stored.path.with_suffix(".checkpoints"))
            for run in _runs(waiting, source, config, engine, space, checkpoints):
                stored.add(run)
                if run.status == "ok":
                    checkpoint_of(run.job, data, config, checkpoints, space=space).remove()
                bar.update()
    results = [runs[job] for job in wanted]
    if results and all(run.status == "failed" for run in results):
        raise TrainingError(
            f"All {len(results)} trainings failed. First error: {results[0].message} "
            f"They are recorded in {stored.path}; remove the cause and run this again."
        )
    return results


def stored_records(
    source: ImageSource, config: JobConfig, store: Path, *, space: str = DEFAULT_SPACE
) -> list[JobRecord]:
    """Last record of each job in the store, from any call.

    Args:
        source: The images.
        config: How they were trained.
        store: As for `train_jobs`.
        space: Name of the space.

    Raises:
        SourceError: If the images cannot be read.
        StoreError: If the store belongs to other data, settings or another space.
    """
    with _Store(store, source.load(), config, space) as stored:
        return list(stored.runs.values())


def store_name(source: ImageSource, config: JobConfig, *, space: str = DEFAULT_SPACE) -> str:
    """File name for a data set, settings and a space in a folder of several stores.

    Raises:
        SourceError: If the images cannot be read.
    """
    return _store_name(source.load(), config, space)


def _store_name(data: ImageData, config: JobConfig, space: str) -> str:
    settings = json.dumps(training_fingerprint(data, config, space=space), sort_keys=True)
    return f"{data.name}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}.jsonl"


class _Store(Journal):
    """The journal of training jobs, with the last record of each."""

    def __init__(self, store: Path, data: ImageData, config: JobConfig, space: str) -> None:
        path = store / _store_name(data, config, space) if store.is_dir() else store
        self.runs: dict[TrainingJob, JobRecord] = {}
        task = training_fingerprint(data, config, space=space)
        super().__init__(path, task, self._keep, "store of trainings")

    def add(self, run: JobRecord) -> None:
        """Write a record to the disk."""
        self.append(asdict(run))
        self.runs[run.job] = run

    def _keep(self, event: dict[str, Any]) -> None:
        run = parse_typed(JobRecord, event)
        self.runs[run.job] = run


def check_engine(
    engine: Engine,
    source: ImageSource,
    data: ImageData,
    config: JobConfig,
    *,
    space: str = DEFAULT_SPACE,
) -> None:
    """Check device, images and space of a worker; without them every job would fail.

    Raises:
        TrainingError: If one is missing or different.
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


def _probe(source: ImageSource, config: JobConfig, space: str) -> tuple[str, dict[str, str]]:
    find_device(config.device)
    return source.load().digest, space_fingerprint(space)


def _runs(
    jobs: Sequence[TrainingJob],
    source: ImageSource,
    config: JobConfig,
    engine: Engine,
    space: str,
    checkpoints: Checkpoints,
) -> Iterator[JobRecord]:
    for job, outcome in run_jobs(
        jobs, source, config, engine, space=space, checkpoints=checkpoints
    ):
        if isinstance(outcome, TaskError):
            _log.warning("%s, seed %d: %s", job.arch_id, job.seed, outcome)
            yield JobRecord(job.arch_id, job.seed, "failed", message=str(outcome))
        else:
            yield JobRecord(
                job.arch_id,
                job.seed,
                "ok",
                outcome.valid_accuracy,
                outcome.test_accuracy,
                outcome.train_time_s,
                valid_recall=outcome.valid.recall if outcome.valid else None,
                test_recall=outcome.test.recall if outcome.test else None,
                curve=outcome.curve,
            )


def training_fingerprint(
    data: ImageData, config: JobConfig, *, space: str = DEFAULT_SPACE
) -> dict[str, object]:
    """Everything that determines a result beside architecture and seed (JSON types).

    It includes the version of torch and a number for the arithmetic here.
    """
    settings = {key: value for key, value in config.settings().items() if key != "device"}
    versions = {"torch": torch.__version__.partition("+")[0], "arithmetic": _ARITHMETIC}
    images = {"dataset": data.name, "images": data.digest}
    return {**images, **settings, **versions, **space_fingerprint(space)}


def accuracy_table(
    runs: Iterable[JobRecord], dataset: str, epochs: int, network: NetworkConfig | None = None
) -> pd.DataFrame:
    """Accuracy table of the successful jobs, with a validation and a test row for each.

    Args:
        runs: Records of jobs.
        dataset: Name of the data set.
        epochs: Epochs of training.
        network: Size of the networks, if known.
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
    return validate(table, ACCURACY, origin="the table of training jobs")

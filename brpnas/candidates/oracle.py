"""The training oracle: each query is answered by a network trained on the images."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from brpnas.atomic import atomic_path
from brpnas.candidates.batch import (
    JobRecord,
    TrainingJob,
    accuracy_table,
    check_engine,
    checkpoint_of,
    run_jobs,
    training_fingerprint,
    training_task,
)
from brpnas.candidates.checkpoints import Checkpoints
from brpnas.candidates.images import ImageSource
from brpnas.candidates.scores import METRICS, Metric
from brpnas.candidates.training import JobConfig, JobResult, network_config
from brpnas.candidates.weights import TrainedNetworkFile
from brpnas.errors import ConfigurationError, OracleError, SchemaError, TaskError, TrainingError
from brpnas.fanout import Engine, SerialEngine, TaskRun
from brpnas.search import Answer, Evaluations, Oracle, Question
from brpnas.spaces import DEFAULT_SPACE

__all__ = ["TrainOracle"]

_log = logging.getLogger(__name__)


class TrainOracle(Oracle):
    """Trains the queried architectures, a round in parallel if the engine has workers.

    A query gets the lowest training seed that is new for its architecture. The network is written
    to a file before the answer is returned: every stored answer can be deployed, and no search
    trains the same network twice. Unfinished trainings keep a checkpoint in the folder
    ``checkpoints`` beside the networks. A training stopped by the rule of its question has no file.

    Args:
        source: The images.
        config: How to train.
        folder: Folder of the trained networks, with a subfolder per setting.
        engine: Where to train; by default in this process.
        space: Name of the searched space.
        metric: Validation score of an answer: ``accuracy``, or ``balanced_accuracy``, the mean
            recall over the classes.

    Raises:
        SourceError: If the images cannot be read.
        ConfigurationError: If the file of the space is invalid, or the metric is unknown.
    """

    name = "train"

    def __init__(
        self,
        source: ImageSource,
        config: JobConfig,
        folder: Path,
        engine: Engine | None = None,
        *,
        space: str = DEFAULT_SPACE,
        metric: Metric = "accuracy",
    ) -> None:
        if metric not in METRICS:
            raise ConfigurationError(f"metric must be {' or '.join(METRICS)}, not {metric!r}.")
        self.source, self.config, self.space, self.metric = source, config, space, metric
        self._data = source.load()
        self._engine = engine or SerialEngine()
        settings = json.dumps(self._training(), sort_keys=True).encode()  # without the metric
        self.folder = folder / f"{self._data.name}-{hashlib.sha256(settings).hexdigest()[:16]}"
        self._checkpoints = Checkpoints(self.folder / "checkpoints")

    def answer(self, question: Question) -> Answer:
        """Train one network.

        Raises:
            OracleError: If the training fails.
        """
        ((_, outcome),) = self.answers([question])
        if isinstance(outcome, OracleError):
            raise outcome
        return outcome

    def answers(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Answer | OracleError]]:
        """Train the networks of a round; yield each answer after its network is stored.

        Raises:
            TrainingError: If no worker can train; then no query counts as failed.
        """
        with self.start() as evaluations:
            for question in questions:
                evaluations.submit(question)
            for _ in questions:
                yield evaluations.next_answer()

    def start(self) -> Evaluations:
        """Start without a question; each is trained as soon as a worker is free.

        Its `brpnas.search.Evaluations` raises a TrainingError if no worker can train.
        """
        return _Trainings(self)

    def _train(self, job: TrainingJob) -> TrainedNetworkFile | OracleError:
        """Train a network, and store it."""
        self.check_engine()
        ((_, outcome),) = self._run([job])
        return self.stored(job, outcome)

    def check_engine(self) -> None:
        """Check device, images and space of a worker.

        Raises:
            TrainingError: If one is missing or different.
        """
        check_engine(self._engine, self.source, self._data, self.config, space=self.space)

    def start_jobs(self) -> TaskRun:
        """Start a run of training jobs on the engine."""
        task = training_task(
            self.source, self.config, space=self.space, checkpoints=self._checkpoints
        )
        return self._engine.start(task)

    def stored(
        self, job: TrainingJob, outcome: JobResult | TaskError
    ) -> TrainedNetworkFile | OracleError:
        """The network of an outcome, after it is stored."""
        if isinstance(outcome, TaskError):
            _log.warning("%s, seed %d: %s", job.arch_id, job.seed, outcome)
            return OracleError(str(outcome))
        named = (job.arch_id, job.seed)
        file = TrainedNetworkFile.of(*named, outcome, self._data, self.config, space=self.space)
        self._keep(job, self._path(job), file)
        return file

    def stopped(self, job: TrainingJob, outcome: JobResult) -> Answer:
        """The answer of a training that was stopped; its checkpoint is dropped."""
        named = job, self._data, self.config, self._checkpoints
        checkpoint_of(*named, space=self.space).remove()
        curve = outcome.curve
        return Answer(curve[-1], job.seed, outcome.train_time_s, curve, stopped=True)

    def describe(self) -> dict[str, object]:
        """Name, metric, images, settings and versions, but not the engine."""
        return {"metric": self.metric, **self._training()}

    def _training(self) -> dict[str, object]:
        settings = training_fingerprint(self._data, self.config, space=self.space)
        return {"name": self.name, **settings}

    def answer_of(self, file: TrainedNetworkFile) -> Answer:
        """The answer of a trained network."""
        curve = file.valid_curve or None
        return Answer(file.valid_score(self.metric), file.seed, file.train_time_s, curve)

    def final(self, arch_id: str, seed: int) -> TrainedNetworkFile:
        """Train a network of the search again, on training and validation images together.

        It is stored beside the others, and the same call reads it later. Its test accuracy is
        unknown; the exported file is scored.

        Args:
            arch_id: An architecture that the search has trained.
            seed: Seed of both trainings.

        Raises:
            OracleError: If the network of the search is missing.
            TrainingError: If the training fails.
        """
        job = TrainingJob(arch_id, seed)
        path = self._path(job, "-final")
        try:
            return TrainedNetworkFile.from_bytes(path.read_bytes())
        except FileNotFoundError:
            pass
        except SchemaError as error:
            _log.warning("%s: %s It is trained again.", path, error)
        chosen = self.network(arch_id, seed)
        parts = self._data.parts
        _log.info(
            "Final training of %s on %d training and %d validation images",
            arch_id,
            len(parts["train"]),
            len(parts["valid"]),
        )
        self.check_engine()
        ((_, outcome),) = self._run([job], final=True)
        if isinstance(outcome, TaskError):
            raise TrainingError(
                f"The final training of {arch_id}, seed {seed}, failed: {outcome} Run the same "
                "command again to repeat only this training, or set search.oracle.final_training "
                "to false to deliver the network of the search."
            )
        file = chosen.retrained(outcome, self._data)
        self._keep(job, path, file)
        return file

    def trained(self, arch_id: str, seed: int) -> TrainedNetworkFile:
        """A stored network of the search.

        Raises:
            OracleError: If its file is missing.
            SchemaError: If its file is damaged.
        """
        return self._read(
            TrainingJob(arch_id, seed),
            lambda path: TrainedNetworkFile.from_bytes(path.read_bytes()),
        )

    def _read(
        self, job: TrainingJob, read: Callable[[Path], TrainedNetworkFile]
    ) -> TrainedNetworkFile:
        path = self._path(job)
        try:
            return read(path)
        except FileNotFoundError as error:
            raise OracleError(
                f"{path}, the trained network of {job.arch_id!r}, is missing. Put it back, or "
                "delete the store of the search (in the pipeline 07_model_output/store/*.jsonl of "
                "the workspace) to search again; existing networks are reused."
            ) from error
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from error

    def _scored(self, job: TrainingJob) -> TrainedNetworkFile:
        """A network without its weights, see `network`."""
        try:
            return self._read(job, TrainedNetworkFile.without_weights)
        except SchemaError as error:
            return self._again(job, error)

    def _again(self, job: TrainingJob, damage: SchemaError) -> TrainedNetworkFile:
        """Train a network with a damaged file again; the seed gives the same network."""
        _log.warning("%s It is trained again.", damage)
        outcome = self._train(job)
        if isinstance(outcome, OracleError):
            raise outcome
        return outcome

    def network(self, arch_id: str, seed: int) -> TrainedNetworkFile:
        """A network of the search; trained again if its file is damaged.

        Raises:
            OracleError: If its file is missing, or the training fails.
        """
        try:
            return self.trained(arch_id, seed)
        except SchemaError as error:
            return self._again(TrainingJob(arch_id, seed), error)

    def accuracy(self, history: pd.DataFrame) -> pd.DataFrame:
        """Validation and test scores of the networks in a search's history.

        Weights are not read. A network with a damaged file is trained again.

        Returns:
            An accuracy table with the additional column ``balanced_accuracy``.

        Raises:
            OracleError: If a file is missing, or the training fails.
        """
        answered = history[history["status"] == "ok"]
        files = [
            self._scored(TrainingJob(arch_id, int(seed)))
            for arch_id, seed in zip(answered["arch_id"], answered["seed"], strict=True)
        ]
        runs = [
            JobRecord(f.arch_id, f.seed, "ok", f.valid_accuracy, f.test_accuracy, f.train_time_s)
            for f in files
        ]
        network = network_config(self._data, self.config)
        table = accuracy_table(runs, self._data.name, self.config.epochs, network)
        balanced = {(f.arch_id, f.seed, "valid"): f.valid_balanced_accuracy for f in files} | {
            (f.arch_id, f.seed, "test"): f.test_balanced_accuracy for f in files
        }
        keys = zip(table["arch_id"], table["seed"], table["split"], strict=True)
        scores = pd.Series([balanced[key] for key in keys], table.index, dtype="float64")
        return table.assign(balanced_accuracy=scores)

    def _run(
        self, jobs: Sequence[TrainingJob], *, final: bool = False
    ) -> Iterator[tuple[TrainingJob, JobResult | TaskError]]:
        return run_jobs(
            jobs,
            self.source,
            self.config,
            self._engine,
            space=self.space,
            final=final,
            checkpoints=self._checkpoints,
        )

    def _keep(self, job: TrainingJob, path: Path, file: TrainedNetworkFile) -> None:
        """Write a network atomically, also while another search writes it; drop its checkpoint."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as partial:
            partial.write_bytes(file.to_bytes())
        checkpoint_of(
            job, self._data, self.config, self._checkpoints, space=self.space, final=file.final
        ).remove()

    def _path(self, job: TrainingJob, suffix: str = "") -> Path:
        short = hashlib.sha256(job.arch_id.encode()).hexdigest()[:16]
        return self.folder / f"{short}-{job.seed}{suffix}.safetensors"


class _Trainings(Evaluations):
    """The trainings in flight of an oracle; a stored network answers at once."""

    def __init__(self, oracle: TrainOracle) -> None:
        self._trains = oracle
        self._stored: deque[tuple[Question, Answer]] = deque()
        self._jobs: dict[TrainingJob, Question] = {}
        self._run: TaskRun | None = None

    def submit(self, question: Question) -> None:
        """Look the network up, or submit its training."""
        job = TrainingJob(question.arch_id, _seed(question), question.rule)
        try:
            file = self._trains.trained(job.arch_id, job.seed)
        except OracleError:
            pass
        except SchemaError as error:
            _log.warning("%s It is trained again.", error)
        else:
            self._stored.append((question, self._trains.answer_of(file)))
            return
        if self._run is None:
            self._trains.check_engine()
            self._run = self._trains.start_jobs()
        self._jobs[job] = question
        self._run.submit([job])

    def next_answer(self) -> tuple[Question, Answer | OracleError]:
        """Wait for the next training, and store its network."""
        if self._stored:
            return self._stored.popleft()
        if self._run is None:
            raise OracleError("No training is in flight.")
        job, outcome = self._run.next_outcome()
        question = self._jobs.pop(job)
        if isinstance(outcome, JobResult) and outcome.stopped:
            return question, self._trains.stopped(job, outcome)
        file = self._trains.stored(job, outcome)
        answer = file if isinstance(file, OracleError) else self._trains.answer_of(file)
        return question, answer

    def close(self) -> None:
        """Cancel the trainings in flight."""
        if self._run is not None:
            self._run.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def _seed(question: Question) -> int:
    return next(seed for seed in range(len(question.revealed) + 1) if seed not in question.revealed)

"""The oracle that trains: each query is answered by the network really trained on the images."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from brpnas.atomic import atomic_path
from brpnas.candidates.batch import (
    Candidate,
    CandidateRun,
    accuracy_table,
    check_engine,
    run_candidates,
    training_fingerprint,
)
from brpnas.candidates.images import ImageSource
from brpnas.candidates.scores import METRICS, Metric
from brpnas.candidates.training import CandidateConfig, network_config
from brpnas.candidates.weights import TrainedNetworkFile
from brpnas.errors import ConfigurationError, OracleError, SchemaError, TaskError, TrainingError
from brpnas.fanout import Engine, SerialEngine
from brpnas.search import Answer, Oracle, Question
from brpnas.spaces import DEFAULT_SPACE

__all__ = ["TrainOracle"]

_log = logging.getLogger(__name__)


class TrainOracle(Oracle):
    """Trains the asked architectures, a whole round side by side if the engine has the workers.

    A query gets the lowest training seed that this architecture has not had. The network is kept in
    a file before its answer is given, so that whatever the search has stored can also be deployed,
    and so that no search trains it again on the same images with the same settings.

    Args:
        source: The images.
        config: How to train.
        folder: Where the trained networks are kept, in a folder of their own for each setting.
        engine: Where to train; in this process if left out.
        space: Name of the space that is searched.
        metric: Validation score that answers a query: ``accuracy``, or ``balanced_accuracy``, the
            mean recall over the classes, where small classes count as much as large ones.

    Raises:
        SourceError: If the images cannot be read.
        ConfigurationError: If the file of the space is not one, or there is no such metric.
    """

    name = "train"

    def __init__(
        self,
        source: ImageSource,
        config: CandidateConfig,
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
        settings = json.dumps(self._training(), sort_keys=True).encode()  # whatever the metric
        self.folder = folder / f"{self._data.name}-{hashlib.sha256(settings).hexdigest()[:16]}"

    def ask(self, question: Question) -> Answer:
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
        """Train the networks of a round; each answer comes when its network is kept.

        Raises:
            TrainingError: If the workers cannot train at all; nothing is then answered as failed.
        """
        asked = {Candidate(question.arch_id, _seed(question)): question for question in questions}
        waiting = []
        for candidate, question in asked.items():
            try:
                file = self.trained(candidate.arch_id, candidate.seed)
            except OracleError:
                waiting.append(candidate)
                continue
            except SchemaError as error:
                _log.warning("%s It is trained again.", error)
                waiting.append(candidate)
                continue
            yield question, self._answer(file)
        for candidate, outcome in self._train(waiting):
            answer = outcome if isinstance(outcome, OracleError) else self._answer(outcome)
            yield asked[candidate], answer

    def _train(
        self, candidates: Sequence[Candidate]
    ) -> Iterator[tuple[Candidate, TrainedNetworkFile | OracleError]]:
        """Train networks and keep each before it is handed out."""
        if candidates:
            check_engine(self._engine, self.source, self._data, self.config, space=self.space)
        for candidate, outcome in run_candidates(
            candidates, self.source, self.config, self._engine, space=self.space
        ):
            if isinstance(outcome, TaskError):
                _log.warning("%s, seed %d: %s", candidate.arch_id, candidate.seed, outcome)
                yield candidate, OracleError(str(outcome))
                continue
            named = (candidate.arch_id, candidate.seed)
            file = TrainedNetworkFile.of(*named, outcome, self._data, self.config, space=self.space)
            _write(self._path(candidate), file)
            yield candidate, file

    def describe(self) -> dict[str, object]:
        """Name, metric, images, settings and versions; not where it trains."""
        return {"metric": self.metric, **self._training()}

    def _training(self) -> dict[str, object]:
        settings = training_fingerprint(self._data, self.config, space=self.space)
        return {"name": self.name, **settings}

    def _answer(self, file: TrainedNetworkFile) -> Answer:
        return Answer(file.valid_score(self.metric), file.seed, file.train_time_s)

    def final(self, arch_id: str, seed: int) -> TrainedNetworkFile:
        """A network of the search, trained again on training and validation images together.

        It is kept beside the other networks: the same call again, after an interruption too, reads
        it. Its test accuracy is not known; the exported file is scored.

        Args:
            arch_id: An architecture that the search has trained.
            seed: Seed of that training, and of this one.

        Raises:
            OracleError: If the network of the search is gone.
            TrainingError: If the training fails.
        """
        candidate = Candidate(arch_id, seed)
        path = self._path(candidate, "-final")
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
        check_engine(self._engine, self.source, self._data, self.config, space=self.space)
        ((_, outcome),) = run_candidates(
            [candidate], self.source, self.config, self._engine, space=self.space, final=True
        )
        if isinstance(outcome, TaskError):
            raise TrainingError(
                f"The final training of {arch_id}, seed {seed}, failed: {outcome} Run the same "
                "command again to try it again (nothing else is trained again), or set "
                "search.final_training to false to deliver the network of the search."
            )
        file = chosen.retrained(outcome, self._data)
        _write(path, file)
        return file

    def trained(self, arch_id: str, seed: int) -> TrainedNetworkFile:
        """A network that this or an earlier run of the search has trained.

        Raises:
            OracleError: If its file is gone.
            SchemaError: If its file is damaged.
        """
        return self._read(
            Candidate(arch_id, seed),
            lambda path: TrainedNetworkFile.from_bytes(path.read_bytes()),
        )

    def _read(
        self, candidate: Candidate, read: Callable[[Path], TrainedNetworkFile]
    ) -> TrainedNetworkFile:
        path = self._path(candidate)
        try:
            return read(path)
        except FileNotFoundError as error:
            raise OracleError(
                f"{path}, the trained network of {candidate.arch_id!r}, is gone. Put it back, or "
                "delete the store of the search (of the pipeline 07_model_output/store/*.jsonl in "
                "the workspace) to search again; networks that are there are not trained again."
            ) from error
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from error

    def _scored(self, candidate: Candidate) -> TrainedNetworkFile:
        """A network without its weights, see `network`."""
        try:
            return self._read(candidate, TrainedNetworkFile.without_weights)
        except SchemaError as error:
            return self._again(candidate, error)

    def _again(self, candidate: Candidate, damage: SchemaError) -> TrainedNetworkFile:
        """Train a network whose file is damaged again: its seed gives the same one."""
        _log.warning("%s It is trained again.", damage)
        ((_, outcome),) = self._train([candidate])
        if isinstance(outcome, OracleError):
            raise outcome
        return outcome

    def network(self, arch_id: str, seed: int) -> TrainedNetworkFile:
        """A network that the search has trained; trained again if its file is damaged.

        Raises:
            OracleError: If its file is gone, or the training fails.
        """
        try:
            return self.trained(arch_id, seed)
        except SchemaError as error:
            return self._again(Candidate(arch_id, seed), error)

    def accuracy(self, history: pd.DataFrame) -> pd.DataFrame:
        """Scores, validation and test, of the networks that a search's history names.

        Weights are not read. A network whose file is damaged is trained again.

        Returns:
            An accuracy table with one more column, ``balanced_accuracy``.

        Raises:
            OracleError: If a file is gone, or the training fails.
        """
        answered = history[history["status"] == "ok"]
        files = [
            self._scored(Candidate(arch_id, int(seed)))
            for arch_id, seed in zip(answered["arch_id"], answered["seed"], strict=True)
        ]
        runs = [
            CandidateRun(f.arch_id, f.seed, "ok", f.valid_accuracy, f.test_accuracy, f.train_time_s)
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

    def _path(self, candidate: Candidate, suffix: str = "") -> Path:
        short = hashlib.sha256(candidate.arch_id.encode()).hexdigest()[:16]
        return self.folder / f"{short}-{candidate.seed}{suffix}.safetensors"


def _write(path: Path, file: TrainedNetworkFile) -> None:
    """Put a network on the disk, whole or not at all, also while another search keeps it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as partial:
        partial.write_bytes(file.to_bytes())


def _seed(question: Question) -> int:
    return next(seed for seed in range(len(question.revealed) + 1) if seed not in question.revealed)

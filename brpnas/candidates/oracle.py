"""The oracle that trains: each query is answered by the network really trained on the images."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from brpnas.candidates.batch import (
    Candidate,
    CandidateRun,
    accuracy_table,
    check_engine,
    run_candidates,
    training_fingerprint,
)
from brpnas.candidates.images import ImageSource
from brpnas.candidates.training import CandidateConfig, TrainedCandidate
from brpnas.candidates.weights import TrainedNetworkFile
from brpnas.errors import OracleError, SchemaError, TaskError
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

    Raises:
        SourceError: If the images cannot be read.
        ConfigurationError: If the file of the space is not one.
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
    ) -> None:
        self.source, self.config, self.space = source, config, space
        self._data = source.load()
        self._engine = engine or SerialEngine()
        settings = json.dumps(self.describe(), sort_keys=True).encode()
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
            yield question, Answer(file.valid_accuracy, file.seed, file.train_time_s)
        if waiting:
            check_engine(self._engine, self.source, self._data, self.config, space=self.space)
        for candidate, outcome in run_candidates(
            waiting, self.source, self.config, self._engine, space=self.space
        ):
            if isinstance(outcome, TaskError):
                _log.warning("%s, seed %d: %s", candidate.arch_id, candidate.seed, outcome)
                yield asked[candidate], OracleError(str(outcome))
            else:
                self._keep(candidate, outcome)
                answer = Answer(outcome.valid_accuracy, candidate.seed, outcome.train_time_s)
                yield asked[candidate], answer

    def describe(self) -> dict[str, object]:
        """Name, images, settings and versions; not where it trains."""
        settings = training_fingerprint(self._data, self.config, space=self.space)
        return {"name": self.name, **settings}

    def trained(self, arch_id: str, seed: int) -> TrainedNetworkFile:
        """A network that this or an earlier run of the search has trained.

        Raises:
            OracleError: If its file is gone.
            SchemaError: If its file is damaged.
        """
        path = self._path(Candidate(arch_id, seed))
        try:
            return TrainedNetworkFile.from_bytes(path.read_bytes())
        except FileNotFoundError as error:
            raise OracleError(
                f"{path}, the trained network of {arch_id!r}, is gone. Put it back, or delete the "
                "store of the search to search again."
            ) from error
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from error

    def accuracy(self, history: pd.DataFrame) -> pd.DataFrame:
        """Accuracy table, validation and test, of the networks that a search's history names."""
        answered = history[history["status"] == "ok"]
        files = [
            self.trained(arch_id, int(seed))
            for arch_id, seed in zip(answered["arch_id"], answered["seed"], strict=True)
        ]
        runs = [
            CandidateRun(f.arch_id, f.seed, "ok", f.valid_accuracy, f.test_accuracy, f.train_time_s)
            for f in files
        ]
        return accuracy_table(runs, self._data.name, self.config.epochs)

    def _path(self, candidate: Candidate) -> Path:
        short = hashlib.sha256(candidate.arch_id.encode()).hexdigest()[:16]
        return self.folder / f"{short}-{candidate.seed}.safetensors"

    def _keep(self, candidate: Candidate, trained: TrainedCandidate) -> None:
        file = TrainedNetworkFile.of(
            candidate.arch_id, candidate.seed, trained, self._data, self.config, space=self.space
        )
        path = self._path(candidate)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two searches may keep the same network at the same time.
        partial = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.partial")
        with partial.open("wb") as opened:
            opened.write(file.to_bytes())
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(path)


def _seed(question: Question) -> int:
    return next(seed for seed in range(len(question.revealed) + 1) if seed not in question.revealed)

"""Ensembles: networks trained from different seeds, averaged, and saved in one file.

`train_members` trains them in parallel processes, one thread each; `GraphEnsemble` averages them. A
single network is an ensemble of one member.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, JsonValue
from torch import Tensor, nn
from tqdm import tqdm

from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.fanout.pools import process_pool
from brpnas.graphs import OUTPUT, GraphBatch
from brpnas.predictors.backbones import build_network
from brpnas.predictors.files import (
    SavedModel,
    as_config,
    check_finite,
    checked,
    count_parts,
    part,
    read_file,
    refuse_file,
    write_file,
)
from brpnas.predictors.tensors import to_tensors
from brpnas.predictors.training import (
    TrainedNetwork,
    TrainingConfig,
    TrainingTask,
    train_network,
)

__all__ = [
    "GraphEnsemble",
    "Members",
    "SavedEnsemble",
    "Vocabulary",
    "train_members",
    "training_pool",
]

_CHUNK = 1024


@contextmanager
def training_pool(workers: int) -> Iterator[Executor | None]:
    """Processes for `train_members`; None for one worker, to train in this process.

    Also None if the machine allows no pool, see `brpnas.fanout.pools.process_pool`.

    Raises:
        ConfigurationError: If ``workers`` is not positive.
    """
    if workers < 1:
        raise ConfigurationError(f"workers must be 1 or more, not {workers}.")
    if workers == 1:
        yield None
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["brpnas.predictors.training"])
    with process_pool(workers, context) or nullcontext() as pool:
        yield pool


def train_members(
    tasks: Sequence[TrainingTask], pool: Executor | None = None, *, progress: bool = False
) -> list[TrainedNetwork]:
    """Train one network per task, in the order of the tasks, in the pool if given."""
    bar = tqdm(total=len(tasks), desc="train", unit="network", disable=not progress, leave=False)
    with bar:
        if pool is None:
            trained = []
            for task in tasks:
                trained.append(train_network(task))
                bar.update()
            return trained
        futures = [pool.submit(train_network, task) for task in tasks]
        for _ in as_completed(futures):
            bar.update()
        return [future.result() for future in futures]


class GraphEnsemble(nn.Module):
    """The mean of several networks of equal size."""

    def __init__(self, config: TrainingConfig, num_ops: int, members: int) -> None:
        super().__init__()
        self.config, self.num_ops = config, num_ops
        with torch.random.fork_rng(devices=[]):  # these weights will be overwritten
            self.members = nn.ModuleList(
                build_network(
                    config.backbone, num_ops, config.hidden, config.layers, config.dropout
                )
                for _ in range(members)
            )

    @classmethod
    def of(
        cls, trained: Sequence[TrainedNetwork], config: TrainingConfig, num_ops: int
    ) -> GraphEnsemble:
        """Make an ensemble of trained networks."""
        ensemble = cls(config, num_ops, len(trained))
        for member, network in zip(ensemble.members, trained, strict=True):
            member.load_state_dict({k: torch.from_numpy(v) for k, v in network.weights.items()})
        return ensemble.eval()

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        """Mean output of the members, shape ``[B]``."""
        return torch.stack([member(ops, adj) for member in self.members]).mean(dim=0)

    def outputs(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Mean output for any number of graphs, shape ``[N]``; on the caller's threads.

        Tensors hold a chunk of graphs at a time, so graphs mapped from a file are never in memory
        as a whole.

        Raises:
            SchemaError: If the graphs have another vocabulary than in training.
        """
        if graphs.num_ops != self.num_ops:
            raise SchemaError(
                f"The predictor knows {self.num_ops} operations and these graphs have "
                f"{graphs.num_ops}: it was trained in another search space. Name the space of its "
                "training, or train again."
            )
        with torch.inference_mode():
            parts = [
                self(*to_tensors(graphs[i : i + _CHUNK])) for i in range(0, len(graphs), _CHUNK)
            ]
        return torch.cat(parts).double().numpy() if parts else np.empty(0)

    def save(
        self,
        path: Path,
        kind: str,
        extra: Mapping[str, object],
        tensors: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> None:
        """Write the weights as safetensors with everything needed to read them back.

        Args:
            path: The file.
            kind: Kind of the predictor.
            extra: More metadata.
            tensors: More tensors.
        """
        metadata = {
            "config": asdict(self.config),
            "num_ops": self.num_ops,
            "members": len(self.members),
            **extra,
        }
        write_file(path, kind, metadata, {**self.state_dict(), **tensors})

    @classmethod
    def load(
        cls, path: Path, kind: str, model: type[S], *, besides: Sequence[str] = ()
    ) -> tuple[GraphEnsemble, S, dict[str, dict[str, Tensor]]]:
        """Read the file of `save`.

        Args:
            path: The file.
            kind: Kind of the predictor.
            model: Class of the metadata.
            besides: First parts of the names of more tensors.

        Returns:
            The ensemble, its metadata, and by each of these first parts the other
            tensors by the rest of their names.

        Raises:
            SchemaError: If the file is not a predictor of this kind, its metadata do not match its
                weights, or its outputs are not finite.
        """
        metadata, weights = read_file(path, kind)
        saved = checked(path, metadata, model)
        others = {first: part(weights, first) for first in besides}
        for tensors in others.values():
            check_finite(path, tensors)
        taken = {f"{first}.{name}" for first, tensors in others.items() for name in tensors}
        own = {name: weights[name] for name in weights.keys() - taken}
        ensemble = cls.of_saved(path, saved.config, saved.num_ops, saved.members, own)
        return ensemble, saved, others

    @classmethod
    def of_saved(
        cls,
        path: Path,
        settings: Mapping[str, JsonValue],
        num_ops: int,
        members: int,
        weights: Mapping[str, Tensor],
    ) -> GraphEnsemble:
        """Make an ensemble from the weights of a file and the claims of its metadata.

        Raises:
            SchemaError: If these contradict one another, or the outputs are not finite.
        """
        config = as_config(path, settings, TrainingConfig)
        check_finite(path, weights)
        _check_sizes(path, config, num_ops, members, weights)
        try:
            with torch.device("meta"):  # no allocation: the tensors of the file are used
                ensemble = cls(config, num_ops, members)
            ensemble.load_state_dict(weights, assign=True)
        except (UnknownNameError, RuntimeError) as error:
            refuse_file(path, str(error), error)
        ensemble.eval()
        if not np.isfinite(ensemble.outputs(_probe(num_ops))).all():
            refuse_file(path, "its outputs are not finite")
        return ensemble


Vocabulary = Annotated[int, Field(gt=OUTPUT, le=127)]
"""Number of operations; codes have 8 bits."""
Members = Annotated[int, Field(gt=0)]
"""Number of networks."""


class SavedEnsemble(SavedModel):
    """Metadata of a saved ensemble.

    Attributes:
        num_ops: Size of the operation vocabulary.
        members: Number of networks.
    """

    num_ops: Vocabulary
    members: Members


S = TypeVar("S", bound=SavedEnsemble)


def _check_sizes(
    path: Path, config: TrainingConfig, num_ops: int, members: int, weights: Mapping[str, Tensor]
) -> None:
    """Compare the claims of the metadata with the tensors of the file."""
    embedding = weights.get("members.0.embedding.weight", torch.empty(0, 0))
    there = {
        "members": count_parts(weights, "members."),
        "layers": count_parts(weights, "members.0.convolutions."),
        "num_ops, hidden": tuple(embedding.shape),
        "dtypes": {tensor.dtype for tensor in weights.values()},
    }
    claimed = {
        "members": members,
        "layers": config.layers,
        "num_ops, hidden": (num_ops, config.hidden),
        "dtypes": {torch.float32},
    }
    for name, value in claimed.items():
        if there[name] != value:
            refuse_file(path, f"it claims {name} = {value}, but its tensors have {there[name]}")


def _probe(num_ops: int) -> GraphBatch:
    """A graph with every operation once, each reading all before it."""
    ops = np.arange(num_ops, dtype=np.int8)[None]
    adj = np.triu(np.ones((1, num_ops, num_ops), np.int8))
    return GraphBatch(ops, adj, num_ops)

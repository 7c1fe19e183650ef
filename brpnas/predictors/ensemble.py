"""Several networks trained from different seeds, averaged, and kept in one file.

`train_members` trains them in parallel processes, one thread each; `GraphEnsemble` averages them.
One member is an ensemble too, so the predictors know nothing else.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from tqdm import tqdm

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.graphs import GraphBatch
from brpnas.predictors.backbones import build_network
from brpnas.predictors.files import read_file, write_file
from brpnas.predictors.tensors import to_tensors
from brpnas.predictors.training import (
    TrainedNetwork,
    TrainingConfig,
    TrainingTask,
    train_network,
)

__all__ = ["GraphEnsemble", "train_members", "training_pool"]

_CHUNK = 1024


@contextmanager
def training_pool(workers: int) -> Iterator[Executor | None]:
    """Processes for `train_members`; None for one worker, which then trains in this process.

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
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield pool


def train_members(
    tasks: Sequence[TrainingTask], pool: Executor | None = None, *, progress: bool = False
) -> list[TrainedNetwork]:
    """Train one network per task, in the pool if there is one, in the order of the tasks."""
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
    """The mean of networks of one architecture.

    Args:
        config: Size of each network.
        num_ops: Size of the operation vocabulary.
        members: Number of networks.
    """

    def __init__(self, config: TrainingConfig, num_ops: int, members: int) -> None:
        super().__init__()
        self.config, self.num_ops = config, num_ops
        with torch.random.fork_rng(devices=[]):  # these weights are only there to be overwritten
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

        Tensors are made of a few graphs at a time, so that graphs which are mapped from a file are
        never in memory as a whole.
        """
        with torch.inference_mode():
            parts = [
                self(*to_tensors(graphs[i : i + _CHUNK])) for i in range(0, len(graphs), _CHUNK)
            ]
        return torch.cat(parts).double().numpy() if parts else np.empty(0)

    def save(self, path: Path, kind: str, extra: Mapping[str, object]) -> None:
        """Write the weights as safetensors with everything needed to read them back."""
        metadata = {
            "config": asdict(self.config),
            "num_ops": self.num_ops,
            "members": len(self.members),
            **extra,
        }
        write_file(path, kind, metadata, self.state_dict())

    @classmethod
    def load(cls, path: Path, kind: str) -> tuple[GraphEnsemble, dict[str, Any]]:
        """Read what `save` wrote: the ensemble, and its metadata.

        Raises:
            SchemaError: If the file is not a predictor of that kind.
        """
        metadata, weights = read_file(path, kind)
        try:
            config = TrainingConfig(**metadata["config"])
            ensemble = cls(config, metadata["num_ops"], metadata["members"])
            ensemble.load_state_dict(weights)
        except (KeyError, TypeError, RuntimeError) as error:
            raise SchemaError(
                f"{path} was written by another version ({error}): run train again."
            ) from error
        return ensemble.eval(), metadata

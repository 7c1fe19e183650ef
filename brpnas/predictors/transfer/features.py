"""Features of a cell for the kernel: counts and places of operations, paths.

`GraphFeatures` reads both views of a cell and gives groups of columns, scaled to equal weight at
any width. It works for any search space: operations are codes, positions are nodes. It is a torch
module, so it is exported with the predictor.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.graphs import OUTPUT, GraphBatch, View
from brpnas.predictors.tensors import to_tensors

__all__ = ["GraphFeatures", "GroupScaler", "both_views"]

_SYNTHETIC = 32
_MOST_OPS = 32
"""Largest vocabulary with features of pairs and paths. A larger one names places too, as in FBNet:
there a pair of operations hardly occurs twice."""


def both_views(views: Mapping[View, GraphBatch]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Tensors of both views in the order of all modules of this package.

    Returns:
        Operations and adjacencies of the pruned view, then of the raw one.
    """
    return (*to_tensors(views["pruned"]), *to_tensors(views["raw"]))


class GroupScaler(nn.Module):
    """Centres columns and divides them by their deviation and by the root of their number."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def fit(self, values: Tensor) -> None:
        """Take mean and deviation of values, shape ``[N, width]``; a constant column becomes 0."""
        deviation = values.std(dim=0)
        varies = deviation > 1e-6
        width = max(1, int(varies.sum()))
        self.mean.copy_(values.mean(dim=0))
        self.scale.copy_(torch.where(varies, 1 / (deviation.clamp(min=1e-6) * width**0.5), 0.0))

    def forward(self, values: Tensor) -> Tensor:
        """Scaled values, shape ``[N, width]``."""
        return (values - self.mean) * self.scale


class GraphFeatures(nn.Module):
    """Groups of features of a cell's graph.

    - ``raw_nodes``, ``pruned_nodes``: operation of each node, one-hot.
    - ``raw_counts``, ``pruned_counts``: counts of each operation; pruned, also edges and sums of
      several tensors.
    - ``pruned_edges``: counts of pairs of connected operations.
    - ``paths``: most operations of each kind, and of any, on one path.
    - ``raw_sums``, ``pruned_sums``: logarithms of sums of operations with random costs, the
      latencies of synthetic devices with sequential execution.

    Spaces of more than 32 operations have no groups ``pruned_edges`` and ``paths``.
    """

    def __init__(self, num_nodes: int, num_ops: int) -> None:
        super().__init__()
        self.num_nodes, self.num_ops = num_nodes, num_ops
        places = num_nodes - 1
        kinds = num_ops - OUTPUT - 1
        generator = torch.Generator().manual_seed(0)
        self._costs = {
            "raw": _random_costs(kinds, generator),
            "pruned": _random_costs(kinds + 1, generator),
        }
        widths = {
            "raw_nodes": places * num_ops,
            "raw_counts": kinds,
            "pruned_nodes": places * num_ops,
            "pruned_counts": kinds + 2,
            "pruned_edges": num_ops**2,
            "paths": kinds + 1,
            "raw_sums": _SYNTHETIC,
            "pruned_sums": _SYNTHETIC,
        }
        if num_ops > _MOST_OPS:
            del widths["pruned_edges"], widths["paths"]
        self.scalers = nn.ModuleDict({name: GroupScaler(width) for name, width in widths.items()})

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in the order of `forward`."""
        return tuple(self.scalers)

    def fit(self, views: Mapping[View, GraphBatch]) -> None:
        """Learn the scales from the graphs of a space."""
        with torch.no_grad():
            for name, values in self._values(*both_views(views)).items():
                scaler = self.scalers[name]
                assert isinstance(scaler, GroupScaler)
                scaler.fit(values)

    def forward(
        self, pruned_ops: Tensor, pruned_adj: Tensor, raw_ops: Tensor, raw_adj: Tensor
    ) -> list[Tensor]:
        """Features of each group, each of shape ``[B, width]``."""
        values = self._values(pruned_ops, pruned_adj, raw_ops, raw_adj)
        return [self.scalers[name](values[name]) for name in self.scalers]

    def _values(
        self, pruned_ops: Tensor, pruned_adj: Tensor, raw_ops: Tensor, _: Tensor
    ) -> dict[str, Tensor]:
        raw = F.one_hot(raw_ops[:, 1:], self.num_ops).float()
        pruned = F.one_hot(pruned_ops[:, 1:], self.num_ops).float()
        edges = pruned_adj[:, 1:, 1:] * (1 - torch.eye(self.num_nodes - 1))
        sums = (edges.sum(dim=1) - 1).clamp(min=0).sum(dim=1, keepdim=True)
        raw_counts = raw[:, :, OUTPUT + 1 :].sum(dim=1)
        counts = pruned[:, :, OUTPUT + 1 :].sum(dim=1)
        values = {
            "raw_nodes": raw.flatten(1),
            "raw_counts": raw_counts,
            "pruned_nodes": pruned.flatten(1),
            "pruned_counts": torch.cat([counts, sums, edges.sum(dim=(1, 2))[:, None]], dim=1),
            "raw_sums": _log_sums(raw_counts, *self._costs["raw"]),
            "pruned_sums": _log_sums(torch.cat([counts, sums], dim=1), *self._costs["pruned"]),
        }
        if "paths" in self.scalers:
            pairs = torch.bmm(torch.bmm(pruned.transpose(1, 2), edges), pruned)
            values |= {"pruned_edges": pairs.flatten(1), "paths": self._paths(pruned, edges)}
        return values

    def _paths(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """Greatest weight of a path, by kind of operation and for all, shape ``[B, kinds + 1]``."""
        kinds = nodes[:, :, OUTPUT + 1 :]
        weights = torch.cat([kinds, kinds.sum(dim=2, keepdim=True)], dim=2)  # [B, V, K]
        reach = weights
        for _ in range(self.num_nodes - 2):
            before = edges[:, :, :, None] * reach[:, :, None, :]  # [B, from, to, K]
            reach = weights + before.amax(dim=1)
        return reach.amax(dim=1)


def _random_costs(kinds: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    costs = torch.exp(1.2 * torch.randn(kinds, _SYNTHETIC, generator=generator))
    base = torch.exp(0.8 * torch.randn(_SYNTHETIC, generator=generator))
    return costs / costs.mean(dim=0), base


def _log_sums(counts: Tensor, costs: Tensor, base: Tensor) -> Tensor:
    return torch.log(base + counts @ costs)

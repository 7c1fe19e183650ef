"""Modules shared by the export tests: a small graph predictor and sample graphs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from brpnas.graphs import GraphBatch
from brpnas.spaces import NasBench201


class SmallGCN(nn.Module):
    """An ensemble of two-layer graph networks over both directions, as the real predictors are."""

    def __init__(self, num_ops: int, width: int = 16, members: int = 3) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.num_ops = num_ops
        sizes = ((num_ops, width), (width, width), (width, width))
        self.weights = nn.ParameterList(
            torch.randn(members, 1, *size, generator=generator) / size[0] ** 0.5 for size in sizes
        )
        self.back = nn.Parameter(torch.randn(members, 1, width, width, generator=generator) / 4)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(width, 1)

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        x = nn.functional.one_hot(ops, self.num_ops).to(adj.dtype) @ self.weights[0]
        for weight in list(self.weights)[1:]:
            x = adj @ x @ weight + adj.transpose(1, 2) @ x @ self.back
            x = self.dropout(self.norm(torch.relu(x)))
        return self.head(x[:, :, 0]).squeeze(-1).mean(0).exp()


def sample_graphs(count: int = 40) -> GraphBatch:
    space = NasBench201()
    return space.encode(space.sample(np.random.default_rng(1), count), "pruned")

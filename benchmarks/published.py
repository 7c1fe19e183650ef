"""The published recipe of the binary relation predictor, kept slow, to compare with.

Written from the paper (Dudziak et al., arXiv 2007.08668, 3.2): a GCN of 4 layers and width 600 in
float64 that sums over successors only; both embeddings of a pair side by side into a linear layer
of two outputs (not antisymmetric); one pair a step, all ordered pairs of the training set in each
of 250 epochs; targets the softmax of the two accuracies (in percent), loss KL divergence; AdamW
with a cosine schedule, dropout 0.2. A space is ranked by a comparison sort that asks the network
about one pair at a time.
"""

from __future__ import annotations

import functools
import itertools
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.graphs import BLANK, GraphBatch
from brpnas.predictors.tensors import to_tensors

__all__ = ["PublishedRecipe", "PublishedRelation"]


class PublishedRelation(nn.Module):
    """Logits that a is better than b, and b than a."""

    def __init__(self, num_ops: int, hidden: int = 600, layers: int = 4) -> None:
        super().__init__()
        widths = [num_ops, *[hidden] * layers]
        self.num_ops = num_ops
        self.convolutions = nn.ModuleList(
            nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)
        )
        self.head = nn.Linear(2 * hidden, 2)

    def embed(self, ops: Tensor, adj: Tensor) -> Tensor:
        """Embedding of the global node, shape ``[B, hidden]``."""
        x = F.one_hot(ops, self.num_ops).to(adj.dtype) * (ops != BLANK).unsqueeze(-1)
        for convolution in self.convolutions:
            x = F.dropout(F.relu(adj @ convolution(x)), 0.2, self.training)
        return x[:, 0]

    def forward(self, a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
        """Log probabilities, shape ``[B, 2]``."""
        both = torch.cat([self.embed(*a), self.embed(*b)], dim=1)
        return F.log_softmax(self.head(both), dim=1)


@dataclass
class PublishedRecipe:
    """Training and ranking of the published relation, timed.

    Attributes:
        pair_s: Seconds of one training pair, after `fit`.
        comparisons: Comparisons that the last `rank` made.
    """

    epochs: int = 250
    pair_s: float = float("nan")
    comparisons: int = 0

    def fit(self, graphs: GraphBatch, accuracy: np.ndarray, seed: int) -> None:
        """Train on all ordered pairs, one at a time."""
        torch.manual_seed(seed)
        ops, adj = to_tensors(graphs)
        adj, percent = adj.double(), torch.from_numpy(100 * np.asarray(accuracy, np.float64))
        self.network = PublishedRelation(graphs.num_ops).double().train()
        pairs = list(itertools.permutations(range(len(graphs)), 2))
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=3.5e-4, weight_decay=5e-4)
        steps = self.epochs * len(pairs)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        start = time.perf_counter()
        for _ in range(self.epochs):
            for i in torch.randperm(len(pairs)).tolist():
                a, b = pairs[i]
                logits = self.network((ops[[a]], adj[[a]]), (ops[[b]], adj[[b]]))
                target = torch.softmax(percent[[a, b]], dim=0)[None]
                loss = F.kl_div(logits, target, reduction="batchmean")
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        self.pair_s = (time.perf_counter() - start) / steps

    def rank(self, graphs: GraphBatch) -> np.ndarray:
        """Rows from best to worst, by a comparison sort on one pair at a time."""
        ops, adj = to_tensors(graphs)
        adj = adj.double()
        self.network.eval()
        self.comparisons = 0

        def compare(a: int, b: int) -> int:
            self.comparisons += 1
            logits = self.network((ops[[a]], adj[[a]]), (ops[[b]], adj[[b]]))
            return -1 if float(logits[0, 0]) > float(logits[0, 1]) else 1

        with torch.inference_mode():
            return np.array(sorted(range(len(graphs)), key=functools.cmp_to_key(compare)))

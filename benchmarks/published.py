"""The published recipes of both predictors, slow as published, for comparison.

Written from the paper (Dudziak et al., arXiv 2007.08668, 3.2) and its released settings.

`PublishedRecipe` is the pairwise ranker (the binary relation predictor of the paper): a GCN of 4
layers and width 600 in float64 that sums over successors only; the two embeddings of a pair
concatenated into a linear layer of two outputs (not antisymmetric); one pair per step, all ordered
pairs of the training set in each of 250 epochs; targets: softmax of the two accuracies (in
percent), loss: KL divergence; AdamW with a cosine schedule, dropout 0.2. A comparison sort ranks
the space, one pair per call. The released code computes embeddings once and calls only the head per
pair; pairs can also be trained in batches: both options are here, for a lenient comparison.

`PublishedLatency` is the latency predictor: the same GCN with one output, batches of 10, the sum of
absolute errors of the latency divided by its mean, AdamW with a rate halved when the validation
loss stalls for 10 epochs, dropout 0.002, at most 250 epochs and an early stop after 35 without
progress.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.graphs import BLANK, GraphBatch
from brpnas.predictors.tensors import to_tensors

__all__ = ["PublishedGCN", "PublishedLatency", "PublishedRanker", "PublishedRecipe"]


class PublishedGCN(nn.Module):
    """Embedding of the global node by graph convolutions over successors."""

    def __init__(self, num_ops: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        widths = [num_ops, *[hidden] * layers]
        self.num_ops, self.dropout = num_ops, dropout
        self.convolutions = nn.ModuleList(
            nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)
        )

    def embed(self, ops: Tensor, adj: Tensor) -> Tensor:
        """Embedding of the global node, shape ``[B, hidden]``."""
        x = F.one_hot(ops, self.num_ops).to(adj.dtype) * (ops != BLANK).unsqueeze(-1)
        for convolution in self.convolutions:
            x = F.dropout(F.relu(adj @ convolution(x)), self.dropout, self.training)
        return x[:, 0]


class PublishedRanker(PublishedGCN):
    """Logits of a better than b, and b better than a."""

    def __init__(self, num_ops: int, hidden: int = 600, layers: int = 4) -> None:
        super().__init__(num_ops, hidden, layers, dropout=0.2)
        self.head = nn.Linear(2 * hidden, 2)

    def forward(self, a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
        """Log probabilities, shape ``[B, 2]``."""
        return self.compare(self.embed(*a), self.embed(*b))

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        """Log probabilities from embeddings, shape ``[B, 2]``."""
        return F.log_softmax(self.head(torch.cat([a, b], dim=1)), dim=1)


@dataclass
class PublishedRecipe:
    """Training and ranking of the published ranker, timed.

    Attributes:
        epochs: Passes over all ordered pairs.
        batch: Pairs per step; one as published.
        hidden: Width of the layers.
        pair_s: Seconds of one training pair, after `fit`.
        comparisons: Comparisons of the last `rank`.
    """

    epochs: int = 250
    batch: int = 1
    hidden: int = 600
    pair_s: float = float("nan")
    comparisons: int = 0

    def fit(self, graphs: GraphBatch, accuracy: np.ndarray, seed: int) -> None:
        """Train on all ordered pairs, ``batch`` at a time."""
        torch.manual_seed(seed)
        ops, adj = to_tensors(graphs)
        adj, percent = adj.double(), torch.from_numpy(100 * np.asarray(accuracy, np.float64))
        self.network = PublishedRanker(graphs.num_ops, self.hidden).double().train()
        pairs = torch.tensor(list(itertools.permutations(range(len(graphs)), 2)))
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=3.5e-4, weight_decay=5e-4)
        steps = self.epochs * math.ceil(len(pairs) / self.batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        start = time.perf_counter()
        for _ in range(self.epochs):
            for rows in torch.randperm(len(pairs)).split(self.batch):
                a, b = pairs[rows].T
                logits = self.network((ops[a], adj[a]), (ops[b], adj[b]))
                target = torch.softmax(percent[pairs[rows]], dim=1)
                loss = F.kl_div(logits, target, reduction="batchmean")
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        self.pair_s = (time.perf_counter() - start) / (self.epochs * len(pairs))

    def rank(self, graphs: GraphBatch, *, embedded: bool = False) -> np.ndarray:
        """Rows from best to worst, by a comparison sort on one pair at a time.

        Args:
            graphs: Graphs to rank.
            embedded: Compute the embeddings once, and call only the head for each pair.
        """
        ops, adj = to_tensors(graphs)
        adj = adj.double()
        self.network.eval()
        self.comparisons = 0

        with torch.inference_mode():
            known = self.network.embed(ops, adj) if embedded else None

            def compare(a: int, b: int) -> int:
                self.comparisons += 1
                if known is None:
                    logits = self.network((ops[[a]], adj[[a]]), (ops[[b]], adj[[b]]))
                else:
                    logits = self.network.compare(known[[a]], known[[b]])
                return -1 if float(logits[0, 0]) > float(logits[0, 1]) else 1

            return np.array(sorted(range(len(graphs)), key=functools.cmp_to_key(compare)))


class PublishedLatency(PublishedGCN):
    """The published latency predictor; use `fit` and `predict`.

    Args:
        num_ops: Size of the operation vocabulary.
        hidden: Width of the layers.
    """

    def __init__(self, num_ops: int, hidden: int = 600) -> None:
        super().__init__(num_ops, hidden, layers=4, dropout=2e-3)
        self.head = nn.Linear(hidden, 1)
        self.unit_ms = 1.0

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        """Latency in units of the mean of the training rows, shape ``[B]``."""
        return self.head(self.embed(ops, adj)).squeeze(1)

    def predict(self, graphs: GraphBatch) -> np.ndarray:
        """Latency in ms, shape ``[N]``."""
        ops, adj = to_tensors(graphs)
        self.eval()
        with torch.inference_mode():
            parts = zip(ops.split(1024), adj.double().split(1024), strict=True)
            return self.unit_ms * torch.cat([self(*part) for part in parts]).numpy()

    def fit(
        self,
        train: tuple[GraphBatch, np.ndarray],
        valid: tuple[GraphBatch, np.ndarray],
        epochs: int = 250,
    ) -> int:
        """Train on graphs and latencies in ms, keep the weights of the best epoch.

        Returns:
            Number of epochs until it stopped.
        """
        self.unit_ms = float(train[1].mean())
        (ops, adj), target = to_tensors(train[0]), torch.from_numpy(train[1] / self.unit_ms)
        adj = adj.double()
        self.double()
        optimiser = torch.optim.AdamW(self.parameters(), lr=8e-4, weight_decay=5e-4)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser, factor=0.5, patience=10, threshold=0.01
        )
        best, best_epoch, kept = math.inf, 0, copy.deepcopy(self.state_dict())
        for epoch in range(epochs):
            self.train()
            for rows in torch.randperm(len(target)).split(10):
                loss = F.l1_loss(self(ops[rows], adj[rows]), target[rows], reduction="sum")
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            valid_loss = float(np.abs(self.predict(valid[0]) - valid[1]).mean()) / self.unit_ms
            if valid_loss < best:
                best, best_epoch, kept = valid_loss, epoch, copy.deepcopy(self.state_dict())
            if epoch > 20:
                schedule.step(valid_loss)
                if epoch - max(best_epoch, 20) >= 35:
                    break
        self.load_state_dict(kept)
        return epoch + 1

"""Graph networks from a padded graph to one number, read from the global node.

`DenseGCN` is the predictor of BRP-NAS and the default. `DenseGIN` and `DenseGAT` wrap PyTorch
Geometric's dense layers, for comparison. `build_network` makes one by name. All are called as
``network(ops [B, V] int64, adj [B, V, V] float32) -> [B]``, ignore blank nodes, and do not depend
on the order of the nodes after the global one. PyTorch Geometric takes seconds to import, so it is
imported only for its layers.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.errors import UnknownNameError
from brpnas.graphs import BLANK

__all__ = ["BACKBONES", "DenseGAT", "DenseGCN", "DenseGIN", "both_directions", "build_network"]


def both_directions(adj: Tensor) -> Tensor:
    """Successors and predecessors of every node, ``[B, V, 2, V]`` from ``[B, V, V]``."""
    return torch.stack([adj, adj.transpose(1, 2)], dim=2)


class DenseGCN(nn.Module):
    """Graph convolutional network on dense adjacencies (Dudziak et al., arXiv 2007.08668, 3.1).

    Every layer sums over successors and over predecessors with separate weights,
    ``H' = ReLU(LayerNorm([A H, A^T H] W + b))``. ``A`` has self-loops, holds the edges of the
    global node, and is not normalised. The paper sums over one direction only; both directions fit
    latency better from the same rows. The last layer is computed for the global node alone, with
    equal output.

    Args:
        num_ops: Size of the operation vocabulary, blank included.
        hidden: Width of every layer.
        layers: Number of graph convolutions.
        dropout: Probability of dropping a feature after each layer in training.
        outputs: Number of outputs of `vector`; `forward` gives the first.

    Examples:
        >>> network = DenseGCN(num_ops=9, hidden=8, layers=2)
        >>> network(torch.ones(3, 4, dtype=torch.long), torch.eye(4).repeat(3, 1, 1)).shape
        torch.Size([3])
    """

    def __init__(
        self, num_ops: int, hidden: int, layers: int, dropout: float = 0.0, outputs: int = 1
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_ops, hidden, padding_idx=BLANK)
        self.convolutions = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.head = nn.Linear(hidden, outputs)
        self.dropout = dropout

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        """Output of the global node, shape ``[B]``."""
        return self.vector(ops, adj)[:, 0]

    def vector(self, ops: Tensor, adj: Tensor) -> Tensor:
        """All outputs of the global node, shape ``[B, outputs]``."""
        x: Tensor = self.embedding(ops)
        neighbours = both_directions(adj)
        last = len(self.convolutions) - 1
        for depth, (linear, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            rows = neighbours[:, :1] if depth == last else neighbours
            summed = torch.bmm(rows.flatten(1, 2), x)  # [B, rows * 2, H]
            x = F.relu(norm(linear(summed.view(-1, rows.shape[1], 2 * x.shape[2]))))
            x = F.dropout(x, self.dropout, self.training)
        return self.head(x[:, 0])  # type: ignore[no-any-return]


class _DenseLayers(nn.Module):
    """PyTorch Geometric's dense layers over the undirected graph, with the same interface."""

    add_loop = False
    """Whether the layer adds self-loops; graphs have them, except for blank nodes."""

    def __init__(self, layers: list[nn.Module], num_ops: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_ops, hidden, padding_idx=BLANK)
        self.convolutions = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in layers)
        self.head = nn.Linear(hidden, 1)
        self.dropout = dropout

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        """Output of the global node, shape ``[B]``."""
        x: Tensor = self.embedding(ops)
        undirected = torch.maximum(adj, adj.transpose(1, 2))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(x, undirected, add_loop=self.add_loop)))
            x = F.dropout(x, self.dropout, self.training)
        return self.head(x[:, 0]).squeeze(-1)  # type: ignore[no-any-return]


class DenseGIN(_DenseLayers):
    """Graph isomorphism network (Xu et al., ICLR 2019) on PyTorch Geometric's `DenseGINConv`."""

    def __init__(self, num_ops: int, hidden: int, layers: int, dropout: float = 0.0) -> None:
        from torch_geometric.nn import DenseGINConv  # noqa: PLC0415

        def mlp() -> nn.Module:
            return nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden))

        super().__init__([DenseGINConv(mlp()) for _ in range(layers)], num_ops, hidden, dropout)


class DenseGAT(_DenseLayers):
    """Graph attention network (Velickovic et al., ICLR 2018) on `DenseGATConv`, four heads.

    Attention ignores edge counts, so ``function`` equals ``pruned``.
    """

    add_loop = True  # attention of a blank node without a loop is NaN for all nodes

    def __init__(self, num_ops: int, hidden: int, layers: int, dropout: float = 0.0) -> None:
        from torch_geometric.nn import DenseGATConv  # noqa: PLC0415

        convolutions = [
            DenseGATConv(hidden, hidden, heads=4, concat=False, dropout=dropout)
            for _ in range(layers)
        ]
        super().__init__(convolutions, num_ops, hidden, dropout)


BACKBONES: Mapping[str, type[DenseGCN] | type[DenseGIN] | type[DenseGAT]] = {
    "gcn": DenseGCN,
    "gin": DenseGIN,
    "gat": DenseGAT,
}
"""Networks by the name used in configuration."""


def build_network(
    backbone: str, num_ops: int, hidden: int, layers: int, dropout: float = 0.0
) -> nn.Module:
    """Make a network by the name of its backbone.

    Raises:
        UnknownNameError: If the backbone is unknown.
    """
    if backbone not in BACKBONES:
        raise UnknownNameError("backbone", backbone, BACKBONES)
    return BACKBONES[backbone](num_ops, hidden, layers, dropout)

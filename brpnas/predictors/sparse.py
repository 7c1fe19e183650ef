"""The GCN on PyTorch Geometric's sparse message passing, a slower check of `DenseGCN`."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import GCNConv

from brpnas.predictors.backbones import DenseGCN

__all__ = ["SparseGCN"]


class SparseGCN(nn.Module):
    """A copy of a `DenseGCN` with its weights on two `GCNConv` a layer."""

    def __init__(self, dense: DenseGCN) -> None:
        super().__init__()
        hidden = dense.embedding.embedding_dim
        self.embedding, self.norms, self.head = dense.embedding, dense.norms, dense.head
        self.successors, self.predecessors = nn.ModuleList(), nn.ModuleList()
        for linear in dense.convolutions:
            assert isinstance(linear, nn.Linear)
            for part, side in enumerate((self.successors, self.predecessors)):
                convolution = GCNConv(
                    hidden, hidden, normalize=False, add_self_loops=False, bias=part == 0
                )
                convolution = convolution.to(linear.weight.dtype)
                with torch.no_grad():
                    weight = linear.weight[:, part * hidden : (part + 1) * hidden]
                    convolution.lin.weight.copy_(weight)
                    if part == 0:
                        convolution.bias.copy_(linear.bias)
                side.append(convolution)

    def forward(self, batch: Batch) -> Tensor:
        """Output of each graph's global node, shape ``[B]``."""
        x = self.embedding(batch.x)
        towards_source = batch.edge_index.flip(0)  # messages then run from successors to nodes
        for successors, predecessors, norm in zip(
            self.successors, self.predecessors, self.norms, strict=True
        ):
            summed = successors(x, towards_source) + predecessors(x, batch.edge_index)
            x = F.relu(norm(summed))
        return self.head(x[batch.ptr[:-1]]).squeeze(-1)  # type: ignore[no-any-return]

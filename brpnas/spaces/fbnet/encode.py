"""Dense graphs of FBNet architectures, vectorised over architectures.

An architecture is a chain of 22 blocks between input and output, with the global node 25 nodes. A
graph network sees the operation of a node but not its place. So a block has a code of its own for
each shape of layer: in the first layer of a stage, and in the other layers of this stage. The sum
of a residual block belongs to the block.
"""

from __future__ import annotations

import numpy as np

from brpnas.graphs import BLANK, INPUT, OUTPUT, GraphBatch, Int8Array, with_global_node
from brpnas.spaces.fbnet.blocks import BLOCKS, LAYERS, SKIP, STAGE_OF, STAGES

__all__ = ["FIRST_OP", "VOCABULARY", "fbnet_graphs"]

_IS_FIRST = np.diff(np.array(STAGE_OF), prepend=-1) > 0
_KIND_OF_LAYER = tuple(
    f"stage{stage + 1}{'_first' if is_first and STAGES[stage] > 1 else ''}"
    for stage, is_first in zip(STAGE_OF, _IS_FIRST, strict=True)
)
_KINDS = tuple(dict.fromkeys(_KIND_OF_LAYER))
VOCABULARY: tuple[str, ...] = (
    "blank",
    "global",
    "input",
    "output",
    *(f"{kind}_{block}" for kind in _KINDS for block in BLOCKS),
)
FIRST_OP: Int8Array = np.array(
    [4 + len(BLOCKS) * _KINDS.index(kind) for kind in _KIND_OF_LAYER], np.int8
)
"""Node operation code of the first block in each layer, shape ``[22]``."""
_KEEPS = ~_IS_FIRST | (np.array(STAGE_OF) == 0)


def fbnet_graphs(codes: Int8Array, pruned: bool) -> GraphBatch:
    """Graphs of 25 nodes, from the codes of the blocks ``[N, 22]``.

    If ``pruned``, bypass `skip` where it is the identity. In the first layer of a stage except the
    first stage it is a convolution and stays.
    """
    n = len(codes)
    ops = np.empty((n, LAYERS + 2), np.int8)
    ops[:, 0], ops[:, -1] = INPUT, OUTPUT
    ops[:, 1:-1] = codes + FIRST_OP
    if pruned:
        ops[:, 1:-1][(codes == SKIP) & _KEEPS] = BLANK
    kept = ops != BLANK
    adj = np.zeros((n, LAYERS + 2, LAYERS + 2), np.int8)
    rows = np.arange(n)
    last = np.zeros(n, np.int64)
    for node in range(1, LAYERS + 2):
        here = kept[:, node]
        adj[rows[here], last[here], node] = 1
        last[here] = node
    return with_global_node(ops, adj, len(VOCABULARY))

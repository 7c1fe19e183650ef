from __future__ import annotations

import numpy as np
import pytest

from brpnas.graphs import BLANK, INPUT, OUTPUT
from brpnas.spaces import FbNet
from brpnas.spaces.fbnet.encode import VOCABULARY
from tests.spaces.fbnet.examples import FBNET_C, chain_of

SPACE = FbNet()


def chain(arch_id: str, view: str) -> list[str]:
    """Names of the nodes along the edges, from input to output."""
    graph = SPACE.to_graph(arch_id, view)
    inner = graph.adj - np.diag(np.diag(graph.adj))
    inner[0] = 0
    node, found = int(np.flatnonzero(graph.ops == INPUT)[0]), []
    while graph.ops[node] != OUTPUT:
        (node,) = np.flatnonzero(inner[node])
        found.append(VOCABULARY[graph.ops[node]])
    return found[:-1]


def test_the_vocabulary_fits_into_a_byte():
    assert len(VOCABULARY) == 4 + 12 * 9 <= np.iinfo(np.int8).max


def test_blocks_are_told_by_the_shape_of_their_layer():
    names = chain(FBNET_C, "raw")
    blocks = FBNET_C.split("-")
    assert len(names) == 22
    assert all(name.endswith(f"_{block}") for name, block in zip(names, blocks, strict=True))
    assert names[:4] == ["stage1_k3_e1", "stage2_first_k3_e6", "stage2_skip", "stage2_k3_e1"]
    assert names[20:] == ["stage6_k5_e6", "stage7_k3_e6"]


@pytest.mark.parametrize("view", ["pruned", "function"])
def test_the_identity_is_bypassed_and_the_convolution_stays(view):
    whole = chain(FBNET_C, "raw")
    assert chain(FBNET_C, view) == [name for name in whole if name != "stage2_skip"]
    stays = [f"stage{stage}_first_skip" for stage in range(2, 7)] + ["stage7_skip"]
    assert chain(chain_of("skip"), view) == stays
    assert len(chain(chain_of("skip"), "raw")) == 22


def test_isomorphic_architectures_have_one_chain(rng_sample):
    ids = SPACE.isomorphism_ids(rng_sample)
    for arch_id, same in zip(rng_sample[:60], ids, strict=False):
        assert chain(arch_id, "pruned") == chain(same, "pruned")
    different = {tuple(chain(name, "pruned")) for name in dict.fromkeys(ids)}
    assert len(different) == len(set(ids))


def test_bypassed_nodes_are_blank():
    graph = SPACE.to_graph(FBNET_C, "pruned")
    assert np.flatnonzero(graph.ops == BLANK).tolist() == [4]
    assert not graph.adj[4].any()

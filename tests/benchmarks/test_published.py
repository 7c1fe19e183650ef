"""The published recipes match their description, in the fast and in the slow path."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.published import PublishedLatency, PublishedRanker, PublishedRecipe
from brpnas.metrics import spearman
from brpnas.predictors.tensors import to_tensors
from brpnas.spaces import get_space

SPACE = get_space("nasbench201")
CELLS = SPACE.sample(np.random.default_rng(0), 120)
GRAPHS = SPACE.encode(CELLS, "pruned")
WORK = np.array([1 + 3 * c.count("nor_conv_3x3") + c.count("nor_conv_1x1") for c in CELLS], float)


def test_embedding_sums_over_successors_as_a_loop_does() -> None:
    torch.manual_seed(0)
    network = PublishedRanker(GRAPHS.num_ops, hidden=5, layers=2).double().eval()
    ops, adj = to_tensors(GRAPHS[:3])
    adj = adj.double()
    embedded = network.embed(ops, adj)
    for graph in range(3):
        x = torch.zeros(len(ops[graph]), GRAPHS.num_ops, dtype=torch.float64)
        for node, op in enumerate(ops[graph].tolist()):
            x[node, op] = float(op != 0)
        for convolution in network.convolutions:
            y = x @ convolution.weight.T
            x = torch.stack(
                [sum((adj[graph, i, j] * y[j] for j in range(len(y))), torch.zeros(5)) for i in
                 range(len(y))]
            ).clamp(min=0)  # fmt: skip
        torch.testing.assert_close(embedded[graph], x[0])


def test_ranking_by_embeddings_is_the_ranking_by_pairs() -> None:
    recipe = PublishedRecipe(epochs=20, batch=16, hidden=32)
    recipe.fit(GRAPHS[80:90], WORK[80:90] / 10, 0)
    slow = recipe.rank(GRAPHS[:26])
    assert recipe.comparisons > 26
    np.testing.assert_array_equal(recipe.rank(GRAPHS[:26], embedded=True), slow)
    assert sorted(slow) == list(range(26))


def test_ranker_learns_an_order() -> None:
    recipe = PublishedRecipe(epochs=20, batch=16, hidden=64)
    recipe.fit(GRAPHS[:20], WORK[:20] / 10, 0)
    place = np.empty(60)
    place[recipe.rank(GRAPHS[20:80], embedded=True)] = -np.arange(60)
    assert spearman(place, WORK[20:80]) > 0.5


def test_latency_is_learnt_in_ms_and_stops_early() -> None:
    torch.manual_seed(0)
    predictor = PublishedLatency(GRAPHS.num_ops, hidden=48)
    train, valid = (GRAPHS[:80], WORK[:80]), (GRAPHS[80:100], WORK[80:100])
    epochs = predictor.fit(train, valid, epochs=40)
    assert 1 <= epochs <= 40
    predicted = predictor.predict(GRAPHS[100:])
    assert spearman(predicted, WORK[100:]) > 0.8
    assert np.abs(predicted - WORK[100:]).mean() < np.abs(WORK[100:] - WORK[:80].mean()).mean() / 2

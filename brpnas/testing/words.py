"""A small search task for contract tests: words of four letters, with accuracies and latencies."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import ArchitectureError
from brpnas.graphs import INPUT, OUTPUT, GraphBatch, View, with_global_node
from brpnas.search.limits import Limits
from brpnas.search.oracles import TableOracle
from brpnas.search.pools.listed import ListedPool
from brpnas.search.pools.sampled import SampledPool
from brpnas.spaces import NetworkConfig, SearchSpace

__all__ = [
    "LENGTH",
    "LETTERS",
    "SEEDS",
    "ToySpace",
    "accuracy_table",
    "additive_accuracy",
    "comparable",
    "limits_of",
    "make_oracle",
    "make_pool",
    "make_sampled_pool",
    "predict_latency",
]

LENGTH, LETTERS = 4, "abcd"
SEEDS = (777, 888, 999)
"""Training seeds of the accuracies."""


class ToySpace(SearchSpace):
    """Words of four letters; the ends may be swapped without changing the function."""

    name = "toy"
    vocabulary = ("blank", "global", "input", "output", *LETTERS)

    def __reduce__(self) -> tuple[type[ToySpace], tuple[()]]:  # type: ignore[override]
        return type(self), ()

    def __len__(self) -> int:
        return int(len(LETTERS) ** LENGTH)

    def enumerate(self) -> list[str]:
        """All 256 words."""
        return ["".join(word) for word in itertools.product(LETTERS, repeat=LENGTH)]

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        """Different random words."""
        return [str(w) for w in rng.choice(self.enumerate(), count, replace=False)]

    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Another letter in one place."""
        place = int(rng.integers(LENGTH))
        others = [letter for letter in LETTERS if letter != arch_id[place]]
        return arch_id[:place] + others[int(rng.integers(len(others)))] + arch_id[place + 1 :]

    def recombine(self, first: str, second: str, rng: np.random.Generator) -> str:
        """Each letter from either word."""
        pairs = zip(first, second, strict=True)
        return "".join(pair[int(rng.integers(2))] for pair in pairs)

    def canonical(self, text: str) -> str:
        """The word without blanks around it."""
        word = text.strip()
        if len(word) != LENGTH or set(word) - set(LETTERS):
            raise ArchitectureError(f"{word!r} is no word of the toy space.")
        return word

    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """A chain of four letters between input and output."""
        codes = np.array([[LETTERS.index(x) + 4 for x in word] for word in arch_ids], np.int8)
        codes = codes.reshape(-1, LENGTH)
        ends = np.full((len(codes), 1), INPUT, np.int8), np.full((len(codes), 1), OUTPUT, np.int8)
        ops = np.concatenate([ends[0], codes, ends[1]], axis=1)
        chain = np.eye(ops.shape[1], k=1, dtype=np.int8)
        return with_global_node(ops, np.broadcast_to(chain, (len(ops), *chain.shape)), 8)

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Parameters and multiply-adds, which the letters decide."""
        flops = np.array([sum(10.0 ** LETTERS.index(x) for x in word) for word in arch_ids])
        return 2 * flops, flops

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """The word with its ends in order."""
        return ["".join(sorted(w[0] + w[-1])) + w[1:-1] for w in arch_ids]


def additive_accuracy(words: Sequence[str], seed: int = 0) -> npt.NDArray[np.float64]:
    """Accuracy of each word in 0.5..0.9: a weight for each letter at each place; the ends alike."""
    rng = np.random.default_rng(seed)
    weights = rng.random((LENGTH, len(LETTERS)))
    weights[-1] = weights[0]
    codes = np.array([[LETTERS.index(x) for x in word] for word in words])
    total = weights[np.arange(LENGTH), codes].sum(axis=1)
    return np.asarray(0.5 + 0.4 * total / LENGTH)


def accuracy_table(
    arch_ids: Sequence[str], true: npt.NDArray[np.float64], noise: float = 0.005, seed: int = 1
) -> pd.DataFrame:
    """Three validation runs and the published mean of the test runs of each architecture."""
    rng = np.random.default_rng(seed)
    valid = [
        pd.DataFrame(
            {
                "arch_id": arch_ids,
                "dataset": "toys",
                "split": "valid",
                "seed": run,
                "epochs": 200,
                "accuracy": true + rng.normal(0, noise, len(true)),
                "train_time_s": 10.0,
            }
        )
        for run in SEEDS
    ]
    test = valid[0].assign(split="test", accuracy=true, train_time_s=np.nan)
    test["seed"] = pd.Series(pd.NA, test.index, dtype="object")
    return pd.concat([*valid, test]).astype({"seed": "Int64"})


def limits_of(limit: float | None = None, **choices: Any) -> Limits:
    """A limit of latency, or none."""
    return Limits.parse([] if limit is None else [f"latency_ms <= {limit}"], **choices)


def make_pool(
    seed: int = 0, limit: float | None = None, limits: Limits | None = None
) -> ListedPool:
    """All words; with a limit, those whose latency (sum of places of letters) is within."""
    space = ToySpace()
    latency = predict_latency(space.enumerate())["latency_ms"]
    return ListedPool.create(
        space,
        space.graphs(),
        seed=seed,
        limits=limits or limits_of(limit),
        predicted={"latency_ms": latency},
    )


def predict_latency(arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Latency of words: the sum of the places of their letters in the alphabet."""
    return {"latency_ms": np.array([float(sum(map(LETTERS.index, word))) for word in arch_ids])}


def make_sampled_pool(
    seed: int = 0,
    limit: float | None = None,
    candidates: int = 30,
    limits: Limits | None = None,
) -> SampledPool:
    """The same pool without a list of the words."""
    return SampledPool.create(
        ToySpace(),
        seed=seed,
        candidates=candidates,
        predict=predict_latency,
        limits=limits or limits_of(limit),
    )


def make_oracle(seed: int = 0, noise: float = 0.005) -> TableOracle:
    """The toy benchmark."""
    return _oracle(noise).reseeded(seed)


@functools.cache
def _oracle(noise: float) -> TableOracle:
    words = ToySpace().enumerate()
    return TableOracle(accuracy_table(words, additive_accuracy(words), noise), "toys", 0)


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """A history without the time of day."""
    return frame.drop(columns="asked_at")

from __future__ import annotations

import json
import logging
import pickle
import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from brpnas.errors import BudgetError, ConfigurationError, ConstraintError, InfeasibleError
from brpnas.graphs import GraphBatch
from brpnas.search.compare import compare
from brpnas.search.events import EventLog
from brpnas.search.history import History
from brpnas.search.limits import Limits
from brpnas.search.loop import run_search, search_fingerprint
from brpnas.search.oracles import Answer, Question, TableOracle
from brpnas.search.pools import sampled as module
from brpnas.search.samplers import (
    BRPSampler,
    EvolutionSampler,
    RandomSampler,
    ReevaluateLeaders,
    Sampler,
)
from brpnas.search.store import SearchStore
from brpnas.search.trace import HeldOutScores
from tests.search.toy import (
    RidgeRanker,
    ToySpace,
    accuracy_table,
    additive_accuracy,
    comparable,
    history_of,
    make_oracle,
    make_sampled_pool,
    predict_latency,
)

BUDGET = 30
SAMPLERS: list[Sampler] = [
    RandomSampler(),
    EvolutionSampler(population=6),
    BRPSampler(RidgeRanker, rounds=4, neighbours=20),
    ReevaluateLeaders(BRPSampler(RidgeRanker, rounds=4), 5),
]
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: str(s.describe()))
create = module.SampledPool.create


class Interrupted(TableOracle):
    """The toy benchmark, stopped after some answers as Ctrl-C would."""

    @classmethod
    def after(cls, count: int) -> Interrupted:
        oracle = make_oracle()
        oracle.__class__ = cls
        assert isinstance(oracle, cls)
        oracle.left = count
        return oracle

    left: int

    def answer(self, question: Question) -> Answer:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().answer(question)


@every_sampler
def test_interrupted_anywhere_and_resumed_equals_uninterrupted(
    sampler: Sampler, tmp_path: Path
) -> None:
    want = run_search(make_sampled_pool(0, 7), sampler, make_oracle(), BUDGET, progress=False)
    rng = random.Random(0)
    while True:
        pool = make_sampled_pool(0, 7)  # as in a new process: it has met nothing
        fingerprint = search_fingerprint(pool, sampler, make_oracle())
        with SearchStore(tmp_path / "search.jsonl", fingerprint) as store:
            oracle = Interrupted.after(rng.randint(1, 5))
            try:
                got = run_search(pool, sampler, oracle, BUDGET, store=store, progress=False)
            except KeyboardInterrupt:
                continue
            break
    pd.testing.assert_frame_equal(comparable(got.history), comparable(want.history))


@every_sampler
def test_what_was_met_before_makes_no_difference(sampler: Sampler) -> None:
    fresh, used = make_sampled_pool(1, 6), make_sampled_pool(1, 6)
    used.shortlist(History())
    for word in ToySpace().enumerate():
        used.is_feasible(word)
    results = [run_search(c, sampler, make_oracle(), 25, progress=False) for c in (fresh, used)]
    pd.testing.assert_frame_equal(*[comparable(result.history) for result in results])


@every_sampler
def test_the_whole_space_can_be_queried(sampler: Sampler) -> None:
    functions = len(make_sampled_pool(0, 3).fresh(History(), 1000))
    result = run_search(make_sampled_pool(0, 3), sampler, make_oracle(), functions, progress=False)
    assert len(result.history) == functions
    assert result.history["predicted_latency_ms"].max() == 3
    if sampler.describe().get("reevaluations") is None:
        assert result.history["isomorphism_id"].is_unique
        with pytest.raises(BudgetError, match=f" after {functions} of"):
            run_search(make_sampled_pool(0, 3), sampler, make_oracle(), functions + 1)


def test_a_budget_beyond_the_space_is_refused_at_once() -> None:
    log = EventLog()
    with pytest.raises(BudgetError, match="at most 256"):
        run_search(make_sampled_pool(), RandomSampler(), make_oracle(), 257, store=log)
    assert log.plans == []


def test_each_round_ranks_a_new_uniform_sample_of_what_is_open() -> None:
    pool = make_sampled_pool(0, candidates=30)
    one, two = history_of(("aaaa", 0.5)), history_of(("aaaa", 0.5), ("aaab", 0.5))
    first, second = (pool.shortlist(history) for history in (one, two))
    assert len(first) == len(second) == 30
    assert first.arch_ids != second.arch_ids
    assert second.is_open.all()
    assert not {"aaab", "baaa"} & set(second.arch_ids)
    counts = np.zeros(256)
    words = ToySpace().enumerate()
    for seed in range(300):
        for name in make_sampled_pool(seed, candidates=8).shortlist(one).arch_ids:
            counts[words.index(name)] += 1
    assert counts[0] == 0
    assert counts[1:].min() > 0
    assert counts.max() < 26  # 9.4 on average


def test_a_large_space_is_drawn_in_blocks_until_there_are_enough() -> None:
    class Long(ToySpace):
        """A space with blocks much smaller than itself."""

        def sample(self, rng: np.random.Generator, count: int) -> list[str]:
            assert count < 256
            return super().sample(rng, count)

    class Counted(Long):
        def __len__(self) -> int:
            return 200

    pool = create(Counted(), seed=0, candidates=120)
    assert len(pool.shortlist(History())) == 120
    assert len(pool.fresh(History(), 130)) == 130


def test_few_feasible_make_a_short_list(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_sampled_pool(0, 2, candidates=100)
    with caplog.at_level(logging.INFO):
        assert len(pool.shortlist(History())) == len(pool.fresh(History(), 1000))
    assert re.search(r"\b100\b", caplog.text)
    monkeypatch.setattr(module, "_PATIENCE", 1)
    nothing = Limits.parse(["latency_ms >= 99"])
    with pytest.raises(InfeasibleError, match=r" 256 .* toy .*'latency_ms >= 99'"):
        make_sampled_pool(limits=nothing).fresh(History(), 1)
    assert len(make_sampled_pool(limits=nothing).shortlist(History(), ["aaaa"])) == 0
    with pytest.raises(InfeasibleError, match="loosen"):
        BRPSampler(RidgeRanker).ask(make_sampled_pool(limits=nothing), history_of(("aaaa", 0.5)), 9)


def test_neighbours_of_the_leaders_are_ranked_but_not_explored() -> None:
    class Distance(RidgeRanker):
        """Prefers words similar to the best answer."""

        def fit(self, graphs, accuracy, seed):  # type: ignore[no-untyped-def]
            self.best = graphs.ops[np.argmax(accuracy)]

        def score(self, graphs):  # type: ignore[no-untyped-def]
            return (graphs.ops == self.best).sum(axis=1).astype(float)

    history = history_of(("dcda", 0.9), ("abab", 0.1), ("bbbb", 0.2))
    for fraction, expected in ((1.0, 3), (0.5, 2)):
        pool = make_sampled_pool(0, candidates=12)
        sampler = BRPSampler(Distance, rounds=2, exploit_fraction=fraction, neighbours=400)
        asked = sampler.ask(pool, history, 6)
        sample = set(pool.shortlist(history).arch_ids)
        near = [sum(x != y for x, y in zip(word, "dcda", strict=True)) for word in asked]
        assert near[:expected] == [1] * expected
        assert not set(asked[:expected]) <= sample
        assert set(asked[expected:]) <= sample
    assert "neighbours" not in BRPSampler(RidgeRanker).describe()
    assert sampler.describe()["neighbours"] == 400
    with pytest.raises(ConfigurationError, match="neighbours"):
        BRPSampler(RidgeRanker, neighbours=-1)


def test_only_the_three_best_are_mutated() -> None:
    class Flat(RidgeRanker):
        def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
            return np.arange(len(graphs), dtype=np.float64)  # mutations come last: best-ranked

    rows = [("aaaa", 0.5), ("bbbb", 0.9), ("cccc", 0.8), ("dddd", 0.7), ("abab", 0.6)]
    sampler = BRPSampler(Flat, rounds=2, exploit_fraction=1, neighbours=60)
    asked = sampler.ask(make_sampled_pool(0, candidates=5), history_of(*rows), 20)
    parents = [
        {w for w, _ in rows if sum(x != y for x, y in zip(w, word, strict=True)) == 1}
        for word in asked
    ]
    assert all(found & {"bbbb", "cccc", "dddd"} for found in parents)
    assert set.union(*parents) >= {"bbbb", "cccc", "dddd"}


def test_goes_to_other_processes_without_what_it_has_met() -> None:
    pool = make_sampled_pool(2, 6)
    before = len(pickle.dumps(pool))
    run_search(pool, RandomSampler(), make_oracle(), 20, progress=False)
    assert len(pickle.dumps(pool)) == before
    again = pickle.loads(pickle.dumps(pool))
    assert again.describe() == pool.describe()
    assert again.fresh(History(), 9) == pool.fresh(History(), 9)


def test_comparison_reseeds_it_and_runs_it_in_processes() -> None:
    words = ToySpace().enumerate()
    table = accuracy_table(words, additive_accuracy(words))
    scores = HeldOutScores.from_table(table, "toys")
    tables = [
        compare(
            make_sampled_pool(),
            {"BRP": SAMPLERS[2], "chance": RandomSampler()},
            TableOracle(table, "toys", 0).reseeded,
            scores,
            budget=20,
            seeds=[5, 3],
            workers=workers,
            progress=False,
        )
        for workers in (1, 2)
    ]
    pd.testing.assert_frame_equal(*tables)
    chance = tables[0][tables[0]["sampler"] == "chance"].set_index(["seed", "query"])["chosen"]
    assert chance[5].tolist() != chance[3].tolist()
    alone = run_search(
        replace(make_sampled_pool(), seed=5), RandomSampler(), TableOracle(table, "toys", 5), 20
    )
    assert chance[5].iloc[-1] == alone.chosen


def test_description_is_json_and_tells_tasks_apart() -> None:
    base = make_sampled_pool(0, 6)
    others = [
        make_sampled_pool(1, 6),
        make_sampled_pool(0, 5),
        make_sampled_pool(0, 6, candidates=31),
        replace(base, view="raw"),
        replace(base, predictor="another"),
    ]
    said = [json.dumps(pool.describe()) for pool in (base, *others)]
    assert len(set(said)) == len(said)
    assert json.dumps(make_sampled_pool(0, 6).describe()) == said[0]


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"seed": -1}, ConfigurationError, "not -1 and 5"),
        ({"candidates": 0}, ConfigurationError, "at least 1 candidate"),
        ({"predict": None}, ConfigurationError, "'latency_ms < 3': give `predict`"),
        (
            {"limits": Limits.parse(["latency < 3"], ["latency"])},
            ConstraintError,
            "needs 'latency'",
        ),
    ],
)
def test_says_what_does_not_fit(
    changes: dict[str, object], error: type[Exception], said: str
) -> None:
    good = {"seed": 0, "candidates": 5, "predict": predict_latency}
    with pytest.raises(error, match=said):
        create(ToySpace(), **{**good, "limits": Limits.parse(["latency_ms < 3"]), **changes})  # type: ignore[arg-type]

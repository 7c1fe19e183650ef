"""Searches with latency measured before each query."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import (
    ConfigurationError,
    InfeasibleError,
    MeasurementError,
    OracleError,
    StoreError,
    TaskError,
)
from brpnas.search import (
    HeldOutScores,
    Limits,
    ListedPool,
    Measurement,
    MetricFilter,
    Oracle,
    Question,
    SearchResult,
    SearchStore,
    TableMetrics,
    compare,
    search_fingerprint,
)
from brpnas.search.events import EventLog
from brpnas.search.history import Plan
from brpnas.search.oracles import Answer
from brpnas.search.pools.sampled import SampledPool
from brpnas.search.samplers import (
    BRPSampler,
    EvolutionSampler,
    RandomSampler,
    ReevaluateLeaders,
    Sampler,
)
from tests.search.toy import (
    RidgeRanker,
    ToySpace,
    accuracy_table,
    additive_accuracy,
    comparable,
    history_of,
    make_oracle,
    make_pool,
    make_sampled_pool,
    measured_limits,
    predict_latency,
    run_search,
)

BUDGET, LIMIT = 24, 6.0
WORDS = ToySpace().enumerate()
PREDICTED = dict(zip(WORDS, predict_latency(WORDS)["latency_ms"].tolist(), strict=True))
TRUE = {w: max(0.1, v + float(e)) for (w, v), e in zip(
    PREDICTED.items(), np.random.default_rng(3).normal(0, 1.5, len(WORDS)), strict=True
)}  # fmt: skip
SAMPLERS: list[Sampler] = [
    RandomSampler(),
    EvolutionSampler(population=6),
    BRPSampler(RidgeRanker, rounds=4),
    BRPSampler(RidgeRanker, rounds=4, choose_by="ranker"),
    BRPSampler(RidgeRanker, rounds=4, flops_prior=5),
    ReevaluateLeaders(BRPSampler(RidgeRanker, rounds=4), 5),
]
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: str(s.describe()))
POOLS = [make(limits=measured_limits(LIMIT, 9)) for make in (make_pool, make_sampled_pool)]
INFEASIBLE = BRPSampler(RidgeRanker, rounds=4, infeasible_share=0.5)
every_pool = pytest.mark.parametrize("pool", POOLS, ids=["listed", "open"])


def table_of(latency_ms: Mapping[str, float]) -> TableMetrics:
    return TableMetrics({"latency_ms": latency_ms})


class Counting:
    """Measures by the table of true latencies, stops after some, and keeps its measurements."""

    def __init__(self, stop_after: int | None = None, *, shuffled: bool = False) -> None:
        self.measured: list[str] = []
        self.stop_after, self.shuffled = stop_after, shuffled

    def __call__(self, arch_ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, float]]]:
        """As an engine does, in any order."""
        outcomes = list(table_of(TRUE)(arch_ids))
        if self.shuffled:
            random.shuffle(outcomes)
        for arch_id, latency in outcomes:
            if len(self.measured) == self.stop_after:
                raise KeyboardInterrupt
            self.measured.append(arch_id)
            yield arch_id, latency


def filter_of(measure: Counting | TableMetrics | None = None) -> MetricFilter:
    return MetricFilter(measure or Counting(), "toy")


def search(
    sampler: Sampler,
    metric_filter: MetricFilter | None,
    pool: ListedPool | SampledPool = POOLS[0],
    log: EventLog | None = None,
    oracle: Oracle | None = None,
    budget: int = BUDGET,
) -> SearchResult:
    oracle = oracle or make_oracle()
    return run_search(
        pool, sampler, oracle, budget, metric_filter=metric_filter, store=log, progress=False
    )


@every_pool
@every_sampler
def test_only_what_is_truly_within_is_asked_and_nothing_is_measured_twice(
    sampler: Sampler, pool: ListedPool | SampledPool
) -> None:
    measure = Counting()
    result = search(sampler, filter_of(measure), pool)
    history = result.history
    assert len(history) == BUDGET
    assert all(TRUE[arch_id] <= LIMIT for arch_id in history["arch_id"])
    assert history["latency_ms"].tolist() == [TRUE[arch_id] for arch_id in history["arch_id"]]
    table = result.measurements
    assert table["arch_id"].tolist() == measure.measured
    assert table["arch_id"].is_unique
    assert set(history["arch_id"]) <= set(measure.measured)
    assert table["latency_ms"].tolist() == [TRUE[arch_id] for arch_id in measure.measured]
    assert table["within"].tolist() == [TRUE[arch_id] <= LIMIT for arch_id in measure.measured]
    assert not table["within"].all(), "no refusal, so that nothing was tested"
    assert table["predicted_latency_ms"].tolist() == [PREDICTED[a] for a in measure.measured]


@every_pool
def test_an_unconstrained_start_measures_only_what_may_be_within(
    pool: ListedPool | SampledPool,
) -> None:
    measure = Counting()
    history = search(INFEASIBLE, filter_of(measure), pool).history
    assert len(history) == BUDGET
    start = history["round"] < 2
    over = np.array([TRUE[w] > LIMIT or not pool.is_feasible(w) for w in history["arch_id"]])
    assert over[start].any()
    assert history["feasible"].tolist() == (~over).tolist()
    assert not over[~start].any()
    assert len(measure.measured) == len(set(measure.measured))
    assert all(pool.is_feasible(arch_id) for arch_id in measure.measured)
    known = {w for w in history["arch_id"] if pool.is_feasible(w)}
    assert known <= set(measure.measured)
    assert TRUE[search(INFEASIBLE, filter_of(), pool).chosen] <= LIMIT


@every_pool
@every_sampler
def test_what_is_clearly_within_is_not_measured_and_the_choice_is(
    sampler: Sampler, pool: ListedPool | SampledPool
) -> None:
    measure = Counting()
    make = make_pool if isinstance(pool, ListedPool) else make_sampled_pool
    limits = measured_limits(LIMIT, 9, 4)
    result = search(sampler, filter_of(measure), make(limits=limits))
    assert len(result.history) == BUDGET
    sure = [arch_id for arch_id in measure.measured if PREDICTED[arch_id] <= 4]
    assert len(sure) <= len(set(sure) & set(result.history["arch_id"])) <= limits.measurements
    unmeasured = result.history[result.history["latency_ms"].isna()]
    assert len(unmeasured) > 0
    assert all(PREDICTED[arch_id] <= 4 for arch_id in unmeasured["arch_id"])
    assert TRUE[result.chosen] <= LIMIT
    assert result.chosen in measure.measured


def test_a_choice_that_is_over_the_limit_gives_way_to_the_next() -> None:
    first = search(SAMPLERS[2], None, make_pool(limit=98)).chosen[0]
    true = {word: 99.0 if word[0] == first else 1.0 for word in WORDS}
    pool = make_pool(limits=measured_limits(98, 999, 97))
    found = search(SAMPLERS[2], filter_of(table_of(true)), pool)
    assert found.chosen[0] != first
    over = found.measurements[~found.measurements["within"]]
    assert len(over) > 0
    assert set(over["arch_id"]) <= set(found.history["arch_id"])
    by_name = found.history.set_index("arch_id")["feasible"]
    assert not by_name[over["arch_id"]].any()


@every_sampler
def test_no_more_is_measured_than_the_budget_and_then_only_the_clear_are_asked(
    sampler: Sampler,
) -> None:
    for measurements in (0, 7, 12):
        measure = Counting()
        pool = make_pool(limits=measured_limits(LIMIT, 9, 4, measurements=measurements))
        result = search(sampler, filter_of(measure), pool)
        assert len(measure.measured) <= measurements
        assert len(result.history) == BUDGET
        for arch_id in result.history["arch_id"]:
            assert PREDICTED[arch_id] <= 4 or TRUE[arch_id] <= LIMIT


@every_sampler
def test_what_no_table_holds_uses_no_measurement(sampler: Sampler) -> None:
    """Half of the words are in the table."""
    table = {word: TRUE[word] for word in WORDS[::2]}
    limits = measured_limits(LIMIT, 9, 4)
    limits = replace(limits, sources={"latency_ms": "table"}, tables={"latency_ms": table})
    result = search(sampler, filter_of(TableMetrics(limits.looked_up)), make_pool(limits=limits))
    assert len(result.history) == BUDGET
    assert set(result.measurements["arch_id"]) <= set(table)
    assert result.measurements["latency_ms"].notna().all()
    for arch_id in result.history["arch_id"]:
        assert PREDICTED[arch_id] <= 4 or table[arch_id] <= LIMIT


def test_without_a_confidence_the_choice_alone_is_measured_until_one_is_within() -> None:
    over = search(SAMPLERS[3], None, make_pool(limit=LIMIT)).chosen
    measure = Counting()
    limits = Limits.parse([f"latency_ms <= {LIMIT}"], sources={"latency_ms": "device"})
    result = search(SAMPLERS[3], filter_of(measure), make_pool(limits=limits))
    assert len(result.history) == BUDGET
    assert all(PREDICTED[arch_id] <= LIMIT for arch_id in result.history["arch_id"])
    assert measure.measured[0] == over
    assert measure.measured[-1] == result.chosen
    assert [TRUE[word] <= LIMIT for word in measure.measured] == [
        *[False] * (len(measure.measured) - 1),
        True,
    ]


def test_a_search_that_must_measure_needs_a_filter() -> None:
    with pytest.raises(ConfigurationError, match=r"latency_ms.*`metric_filter`"):
        search(SAMPLERS[0], None)


class Interrupted(Oracle):
    """Stops the process after some answers, as Ctrl-C would."""

    name = "interrupted"

    def __init__(self, after: int) -> None:
        self.inner, self.left = make_oracle(), after

    def answer(self, question: Question) -> Answer:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self.inner.answer(question)


@every_pool
@pytest.mark.parametrize("sampler", [*SAMPLERS, INFEASIBLE], ids=lambda s: str(s.describe()))
def test_interrupted_anywhere_and_resumed_equals_uninterrupted(
    sampler: Sampler, pool: ListedPool | SampledPool, tmp_path: Path
) -> None:
    make = make_pool if isinstance(pool, ListedPool) else make_sampled_pool
    pool = make(limits=measured_limits(LIMIT, 9, 3, measurements=15))
    want, rng = search(sampler, filter_of(), pool), random.Random(1)
    path = tmp_path / "search.jsonl"
    task = search_fingerprint(pool, sampler, make_oracle(), filter_of())
    measured, interruptions = [], 0
    for _ in range(500):
        measure = Counting(stop_after=rng.randint(0, 5), shuffled=True)
        with SearchStore(path, task) as log:
            try:
                oracle = Interrupted(rng.randint(0, 5))
                got = search(sampler, filter_of(measure), pool, log, oracle)
            except KeyboardInterrupt:
                interruptions += 1
            else:
                break
            finally:
                measured += measure.measured
    assert interruptions >= 8
    pd.testing.assert_frame_equal(comparable(got.history), comparable(want.history))
    by_name = want.measurements.sort_values("arch_id", ignore_index=True)
    pd.testing.assert_frame_equal(
        got.measurements.sort_values("arch_id", ignore_index=True), by_name
    )
    assert sorted(measured) == by_name["arch_id"].tolist(), "measured once over all runs"
    with SearchStore(path, task) as log:
        nothing = filter_of(Counting(stop_after=0))
        again = search(sampler, nothing, pool, log, Interrupted(0))
    pd.testing.assert_frame_equal(again.history, got.history)


@every_pool
@pytest.mark.parametrize("sampler", [*SAMPLERS, INFEASIBLE], ids=lambda s: str(s.describe()))
def test_if_nothing_is_within_an_error_says_what_to_do(
    sampler: Sampler, pool: ListedPool | SampledPool
) -> None:
    with pytest.raises(InfeasibleError, match=r"^\d+ architectures .*measured"):
        search(sampler, filter_of(table_of(dict.fromkeys(WORDS, 99.0))), pool)


@every_sampler
def test_a_search_that_runs_out_of_architectures_ends_with_what_it_has(
    sampler: Sampler, caplog: pytest.LogCaptureFixture
) -> None:
    limit = 0.5
    pool = make_pool(limits=measured_limits(limit, 9))
    within = {w for w in WORDS if pool.is_feasible(w) and TRUE[w] <= limit}
    functions = set(ToySpace().isomorphism_ids(sorted(within)))
    assert 2 < len(functions) < BUDGET
    log = EventLog()
    result = search(sampler, filter_of(), pool, log)
    assert 0 < len(result.history) < BUDGET
    assert set(result.history["arch_id"]) <= within
    assert f" {len(result.history)} queries" in caplog.text
    assert result.chosen in within
    again = search(sampler, filter_of(Counting(stop_after=0)), pool, log, Interrupted(0))
    pd.testing.assert_frame_equal(again.history, result.history)


def test_a_measured_latency_counts_an_unknown_one_is_predicted_a_failed_one_is_refused() -> None:
    constraints = ["latency_ms <= 6", "latency_ms + params_m <= 10"]
    limits = Limits.parse(
        constraints,
        sources={"latency_ms": "device"},
        confidence=0.5,
        errors={"latency_ms": np.log([1.3])},
    )
    # Latency, predicted: 2, 5, 5, 3, 3.
    words = ["abba", "dcaa", "aacd", "daaa", "aaad"]
    outcomes = {
        "abba": {"latency_ms": 6.5},
        "dcaa": {"latency_ms": 5.5},
        "aacd": {},
        "daaa": {},
        "aaad": TaskError("out of memory"),
    }
    pool = make_pool()
    params = np.full(len(pool.arch_ids), 4.0)
    pool = ListedPool.create(
        pool.space,
        ToySpace().graphs(),
        seed=0,
        limits=limits,
        predicted={**pool.predicted, "params_m": params},
    )
    mine = MetricFilter(lambda names: ((n, outcomes[n]) for n in names), "mine")
    assert list(mine.apply(pool, words, 2)) == [
        Measurement(2, "abba", False, {"latency_ms": 6.5}),  # over the first limit
        Measurement(2, "dcaa", True, {"latency_ms": 5.5}),  # 5.5 + 4 is within the second
        Measurement(2, "aacd", False),  # 1.3 * 5 is over the first
        Measurement(2, "daaa", True),  # 1.3 * 3
        Measurement(2, "aaad", False, message="out of memory"),
    ]
    assert mine.describe() == {"source": "mine"}


def test_a_search_in_which_measuring_fails_says_how() -> None:
    def broken(arch_ids: Sequence[str]) -> Iterator[tuple[str, TaskError]]:
        return ((arch_id, TaskError("gone-7")) for arch_id in arch_ids)

    sampler, log = SAMPLERS[2], EventLog()
    with pytest.raises(MeasurementError, match=r"\b10 measurements .*gone-7"):
        search(sampler, MetricFilter(broken, "toy"), log=log)
    # After a repair of the device, failed cells are measured again, and the search is unaffected.
    got, want = search(sampler, filter_of(), log=log), search(sampler, filter_of())
    pd.testing.assert_frame_equal(comparable(got.history), comparable(want.history))
    assert (got.measurements["message"] == "").all()


def test_one_that_cannot_be_measured_is_left_out() -> None:
    def sometimes(arch_ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, float] | TaskError]]:
        for arch_id in arch_ids:
            fails = arch_id[1] == "a"
            yield arch_id, TaskError("unsupported") if fails else {"latency_ms": TRUE[arch_id]}

    result = search(SAMPLERS[2], MetricFilter(sometimes, "toy"))
    assert len(result.history) == BUDGET
    assert all(arch_id[1] != "a" for arch_id in result.history["arch_id"])
    failed = result.measurements[result.measurements["message"] != ""]
    assert set(failed["message"]) == {"unsupported"}
    assert failed["latency_ms"].isna().all()


def test_measuring_nothing_of_an_architecture_is_an_error() -> None:
    silent = MetricFilter(lambda names: iter(()), "toy")
    with pytest.raises(MeasurementError, match=r"'\w{4}'"):
        search(SAMPLERS[0], silent)


def test_a_search_whose_trainings_fail_says_so_and_not_that_nothing_is_within() -> None:
    class Failing(Interrupted):
        def answer(self, question: Question) -> Answer:
            raise OracleError("diverged")

    pool = make_pool(limits=measured_limits(0.5, 9))
    result = search(SAMPLERS[0], filter_of(), pool, oracle=Failing(0))
    assert len(result.history) > 0
    with pytest.raises(OracleError, match="diverged"):
        _ = result.chosen


def test_the_filter_is_part_of_the_task() -> None:
    pool, sampler, oracle = make_pool(), SAMPLERS[0], make_oracle()
    plain = search_fingerprint(pool, sampler, oracle)
    assert "filter" not in plain
    filtered = search_fingerprint(pool, sampler, oracle, filter_of())
    assert filtered == {**plain, "filter": filter_of().describe()}
    assert filtered != search_fingerprint(
        pool, sampler, oracle, replace(filter_of(), source="other")
    )


def test_a_comparison_filters_every_search() -> None:
    table = accuracy_table(WORDS, additive_accuracy(WORDS))
    metric_filter, seeds = filter_of(table_of(TRUE)), [4, 1]
    traces = {
        workers: compare(
            POOLS[0],
            {"brp": SAMPLERS[2], "random": SAMPLERS[0]},
            make_oracle().reseeded,
            HeldOutScores.from_table(table, "toys"),
            budget=12,
            seeds=seeds,
            metric_filter=metric_filter,
            workers=workers,
            progress=False,
        )
        for workers in (1, 2)
    }
    pd.testing.assert_frame_equal(traces[1], traces[2])
    assert all(TRUE[arch_id] <= LIMIT for arch_id in traces[1]["chosen"])


def test_what_is_refused_makes_no_other_draw() -> None:
    """Those drawn at random before a refusal are asked after it: they are measured already."""
    sampler = BRPSampler(RidgeRanker, rounds=3)
    history = history_of(*[(w, a) for w, a in zip(
        WORDS[:40], additive_accuracy(WORDS[:40]), strict=True
    )])  # fmt: skip
    first = sampler.ask(make_pool(), history, 60)
    history.note([Measurement(1, arch_id, arch_id != first[0]) for arch_id in first])
    second = sampler.ask(make_pool(), history, 60)
    assert first[0] not in second
    assert len(second) == len(first)
    assert len(set(first) - set(second)) <= 2  # the one refused, and one of the explored at most
    # In later rounds the refused are not among those that the top of the ranking is taken of.
    assert first[0] not in sampler.ask(make_pool(), history, 90)


def test_the_log_takes_a_measurement_for_the_next_round_and_only_once() -> None:
    log = EventLog()
    log.add_measurement(Measurement(0, "aaaa", True, {"latency_ms": 1.0}))
    with pytest.raises(StoreError, match="second measurement"):
        log.add_measurement(Measurement(0, "aaaa", True, {"latency_ms": 1.0}))
    with pytest.raises(StoreError, match="round 1"):
        log.add_measurement(Measurement(1, "aaab", True, {"latency_ms": 1.0}))
    log.add_plan(Plan(0, "random", 0, ("aaaa",)))
    log.add_measurement(Measurement(1, "aaab", False, {"latency_ms": 9.0}))
    assert [m.arch_id for m in log.measured_until(1)] == ["aaaa"]
    assert [m.arch_id for m in log.measured_until(2)] == ["aaaa", "aaab"]


def test_measurements_come_back_from_the_store(tmp_path: Path) -> None:
    known = [
        Measurement(0, "aaaa", True, {"latency_ms": 0.1 + 0.2, "energy_mj@box": 3.0}),
        Measurement(0, "b", False, message="é\n"),
    ]
    with SearchStore(tmp_path / "search.jsonl", {}) as store:
        for measurement in known:
            store.add_measurement(measurement)
    with SearchStore(tmp_path / "search.jsonl", {}) as store:
        assert list(store.measurements.values()) == known


@every_sampler
@every_pool
def test_with_evaluations_in_flight_no_limit_is_violated(
    pool: ListedPool | SampledPool, sampler: Sampler
) -> None:
    one, other = (
        run_search(
            pool, sampler, make_oracle(), BUDGET,
            metric_filter=filter_of(), progress=False, parallel=5,
        )
        for _ in range(2)
    )  # fmt: skip
    history = one.history
    assert len(history) == BUDGET
    assert all(TRUE[name] <= LIMIT for name in history["arch_id"])
    assert set(history["arch_id"]) <= set(one.measurements["arch_id"])
    pd.testing.assert_frame_equal(comparable(history), comparable(other.history))


def test_with_evaluations_in_flight_the_search_ends_early_too() -> None:
    pool = make_pool(limits=measured_limits(0.5, 9))
    for sampler in SAMPLERS[:3]:
        result = run_search(
            pool, sampler, make_oracle(), pool.capacity,
            metric_filter=filter_of(), progress=False, parallel=5,
        )  # fmt: skip
        in_rounds = run_search(
            pool,
            sampler,
            make_oracle(),
            pool.capacity,
            metric_filter=filter_of(),
            progress=False,
        )
        asked = [set(each.history["isomorphism_id"]) for each in (result, in_rounds)]
        assert asked[0] == asked[1] != set()

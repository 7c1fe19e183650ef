from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from brpnas.errors import (
    BudgetError,
    ConfigurationError,
    InfeasibleError,
    OracleError,
    StoreError,
)
from brpnas.search.events import EventLog
from brpnas.search.history import History
from brpnas.search.loop import run_search, search_fingerprint
from brpnas.search.oracles import Answer, Evaluations, Oracle, Question, TableOracle
from brpnas.search.pools.listed import ListedPool
from brpnas.search.result import chosen, leaderboard
from brpnas.search.samplers import (
    BRPSampler,
    EvolutionSampler,
    RandomSampler,
    ReevaluateLeaders,
    Sampler,
)
from brpnas.search.stopping import EarlyStopping
from brpnas.search.store import SearchStore
from tests.search.toy import RidgeRanker, comparable, make_oracle, make_pool, record

BUDGET = 30
SAMPLERS: list[Sampler] = [
    RandomSampler(),
    EvolutionSampler(population=6),
    BRPSampler(RidgeRanker, rounds=4),
    ReevaluateLeaders(BRPSampler(RidgeRanker, rounds=4), 5),
    ReevaluateLeaders(EvolutionSampler(population=6), 5),
]
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: str(s.describe()))


class Wrapped(Oracle):
    """The toy benchmark, with something added by the test."""

    name = "wrapped"

    def __init__(self, inner: TableOracle | None = None) -> None:
        self.inner = inner or make_oracle()
        self.asked: list[int] = []

    def answer(self, question: Question) -> Answer:
        self.asked.append(question.query)
        return self.inner.answer(question)


class Interrupted(Wrapped):
    """Stops the process after some answers, as Ctrl-C would."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def answer(self, question: Question) -> Answer:
        if len(self.asked) == self.after:
            raise KeyboardInterrupt
        return super().answer(question)


class CountingRanker(RidgeRanker):
    fits = 0

    def fit(self, graphs, accuracy, seed):  # type: ignore[no-untyped-def]
        type(self).fits += 1
        super().fit(graphs, accuracy, seed)


def search(
    sampler: Sampler,
    budget: int = BUDGET,
    oracle: Oracle | None = None,
    store: EventLog | None = None,
    pool: ListedPool | None = None,
    parallel: int | None = None,
    stopping: EarlyStopping | None = None,
) -> pd.DataFrame:
    pool, oracle = pool or make_pool(limit=8), oracle or make_oracle()
    return run_search(
        *(pool, sampler, oracle, budget),
        store=store,
        progress=False,
        parallel=parallel,
        stopping=stopping,
    ).history


def on_disk(path: Path, sampler: Sampler) -> SearchStore:
    return SearchStore(path, search_fingerprint(make_pool(limit=8), sampler, make_oracle()))


def assert_same(got: pd.DataFrame, want: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(comparable(got), comparable(want))


@every_sampler
def test_interrupted_anywhere_and_resumed_equals_uninterrupted(
    sampler: Sampler, tmp_path: Path
) -> None:
    want = search(sampler)
    path = tmp_path / "search.jsonl"
    rng = random.Random(0)
    answered = 0
    for _ in range(BUDGET):
        steps = rng.randint(0, 4)
        with on_disk(path, sampler) as store:
            assert len(store.answers) == answered
            if answered + steps >= BUDGET:
                break
            with pytest.raises(KeyboardInterrupt):
                search(sampler, oracle=Interrupted(steps), store=store)
        answered += steps
    with on_disk(path, sampler) as store:
        assert_same(search(sampler, store=store), want)


@every_sampler
def test_every_answer_is_stored_before_the_next_question(sampler: Sampler, tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"

    class Watching(Wrapped):
        def answer(self, question: Question) -> Answer:
            assert path.read_text().count('"event":"answer"') == len(self.asked)
            assert re.findall(r'"event":"plan".*', path.read_text())[-1].count(question.arch_id)
            return super().answer(question)

    with on_disk(path, sampler) as store:
        assert len(search(sampler, oracle=Watching(), store=store)) == BUDGET


@every_sampler
def test_a_complete_store_is_only_read(sampler: Sampler, tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    with on_disk(path, sampler) as store:
        first = search(sampler, store=store)
    before = path.read_bytes()
    oracle = Wrapped()
    with on_disk(path, sampler) as store:
        again = search(sampler, oracle=oracle, store=store)
        fewer = search(sampler, budget=10, oracle=oracle, store=store)
    pd.testing.assert_frame_equal(again, first)  # the time of day included
    pd.testing.assert_frame_equal(fewer, first)
    assert oracle.asked == []
    assert path.read_bytes() == before


@every_sampler
def test_a_raised_budget_goes_on(sampler: Sampler) -> None:
    log = EventLog()
    first = search(sampler, store=log)
    oracle = Wrapped()
    more = search(sampler, budget=BUDGET + 12, oracle=oracle, store=log)
    assert_same(more[:BUDGET], first)
    assert oracle.asked == list(range(BUDGET, BUDGET + 12))
    assert more["accuracy"].cummax().iloc[-1] >= first["accuracy"].max()


@pytest.mark.parametrize(
    "sampler", [RandomSampler(), EvolutionSampler(population=6)], ids=lambda s: s.name
)
def test_a_raised_budget_finds_what_it_would_have_found_at_once(sampler: Sampler) -> None:
    log = EventLog()
    search(sampler, budget=3, store=log)
    search(sampler, budget=17, store=log)
    raised = search(sampler, store=log)
    columns = ["query", "arch_id", "accuracy", "seed"]
    pd.testing.assert_frame_equal(raised[columns], search(sampler)[columns])


def test_resuming_within_a_round_trains_nothing_again() -> None:
    sampler = BRPSampler(CountingRanker, rounds=3)
    log = EventLog()
    with pytest.raises(KeyboardInterrupt):
        search(sampler, oracle=Interrupted(15), store=log)  # in round 1 of rounds of 10
    CountingRanker.fits = 0
    search(sampler, budget=20, store=log)
    assert CountingRanker.fits == 0


def test_a_failing_architecture_is_recorded_and_counts() -> None:
    class Failing(Wrapped):
        def answer(self, question: Question) -> Answer:
            if question.query % 3 == 1:
                raise OracleError(f"diverged at {question.arch_id}")
            answer = super().answer(question)
            return Answer(float("nan")) if question.query % 3 == 2 else answer

    log = EventLog()
    for sampler in SAMPLERS:
        oracle = Failing()
        frame = search(sampler, oracle=oracle)
        assert len(frame) == BUDGET
        assert (frame["status"] == "ok").tolist() == [query % 3 == 0 for query in range(BUDGET)]
        assert frame["accuracy"].notna().equals(frame["status"] == "ok")
        assert frame["message"].iloc[1] == f"diverged at {frame['arch_id'].iloc[1]}"
        assert "no accuracy" in frame["message"].iloc[2]
        log = EventLog()
        first = search(sampler, oracle=Failing(), budget=BUDGET, store=log)
        assert_same(search(sampler, oracle=Failing(), store=log), first)


def test_an_oracle_without_a_single_answer_does_not_end_the_search() -> None:
    class Broken(Wrapped):
        def answer(self, question: Question) -> Answer:
            raise OracleError("no GPU")

    for sampler in SAMPLERS:
        frame = search(sampler, oracle=Broken())
        assert (frame["status"] == "failed").all()
        assert frame["isomorphism_id"].is_unique


def test_another_error_of_the_oracle_ends_the_run_and_keeps_the_store(tmp_path: Path) -> None:
    class Crashing(Wrapped):
        def answer(self, question: Question) -> Answer:
            if question.query == 7:
                raise MemoryError
            return super().answer(question)

    sampler = RandomSampler()
    path = tmp_path / "search.jsonl"
    with on_disk(path, sampler) as store, pytest.raises(MemoryError):
        search(sampler, oracle=Crashing(), store=store)
    with on_disk(path, sampler) as store:
        assert len(store.answers) == 7
        assert_same(search(sampler, store=store), search(sampler))


@every_sampler
def test_answers_in_any_order_make_the_same_search(sampler: Sampler) -> None:
    class Shuffling(Wrapped):
        def answers(
            self, questions: Sequence[Question]
        ) -> Iterator[tuple[Question, Answer | OracleError]]:
            for question in random.Random(0).sample(questions, len(questions)):
                yield question, self.answer(question)
                if self.stop and len(self.asked) == 13:
                    raise KeyboardInterrupt

        stop = False

    want = search(sampler)
    assert_same(search(sampler, oracle=Shuffling()), want)
    log, oracle = EventLog(), Shuffling()
    oracle.stop = True
    with pytest.raises(KeyboardInterrupt):
        search(sampler, oracle=oracle, store=log)
    oracle.stop = False
    assert_same(search(sampler, oracle=oracle, store=log), want)


def test_an_oracle_that_leaves_queries_out_ends_the_run() -> None:
    class Forgetful(Wrapped):
        def answers(
            self, questions: Sequence[Question]
        ) -> Iterator[tuple[Question, Answer | OracleError]]:
            yield from super().answers(questions[:-2])

    log = EventLog()
    with pytest.raises(OracleError, match="'wrapped' left 2 queries unanswered"):
        search(RandomSampler(), oracle=Forgetful(), store=log)
    assert_same(search(RandomSampler(), store=log), search(RandomSampler()))


@pytest.mark.parametrize("budget", [0, -3, 10_000])
def test_a_budget_that_does_not_fit_writes_nothing(budget: int) -> None:
    log = EventLog()
    functions = len(make_pool(limit=8).representatives)
    with pytest.raises(BudgetError, match=f"at most {functions}"):
        search(RandomSampler(), budget=budget, store=log)
    assert log.plans == []


@every_sampler
def test_the_whole_pool_can_be_queried(sampler: Sampler) -> None:
    pool = make_pool(limit=4)
    frame = search(sampler, budget=len(pool.representatives), pool=pool)
    assert len(frame) == len(pool.representatives)
    fresh = frame.drop_duplicates("arch_id")
    assert fresh["isomorphism_id"].is_unique


class Fixed(Sampler):
    """Proposes the given architectures."""

    name = "fixed"

    def __init__(self, *arch_ids: str) -> None:
        self.arch_ids = list(arch_ids)

    def ask(self, pool: ListedPool, history: History, budget: int) -> list[str]:
        return self.arch_ids


@pytest.mark.parametrize(
    ("sampler", "error", "said"),
    [
        (Fixed("dddd"), InfeasibleError, "'dddd', .*feasible"),
        (Fixed("nowhere"), InfeasibleError, "'nowhere', .*feasible"),
        (Fixed("aaab", "baaa"), BudgetError, "'baaa', .*queried"),
        (Fixed("aaab", "aaab"), BudgetError, "'aaab', .*queried"),
        (Fixed(), BudgetError, " 0 of 30"),
    ],
)
def test_a_sampler_that_breaks_the_contract_is_stopped(
    sampler: Sampler, error: type[Exception], said: str
) -> None:
    log = EventLog()
    with pytest.raises(error, match=said):
        search(sampler, store=log)
    assert log.plans == []


def test_a_sampler_that_asks_too_much_is_cut_off() -> None:
    assert search(Fixed("aaaa", "aaab", "aaac"), budget=2)["arch_id"].tolist() == ["aaaa", "aaab"]


def test_the_fingerprint_is_the_task_but_not_its_budget(tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    with on_disk(path, SAMPLERS[2]) as store:
        run_search(make_pool(limit=8), SAMPLERS[2], make_oracle(), 2, store=store, progress=False)
    on_disk(path, SAMPLERS[2]).close()
    for other in (SAMPLERS[0], SAMPLERS[3], BRPSampler(RidgeRanker, rounds=5)):
        with pytest.raises(StoreError, match=r"sampler\.|sampler "):
            on_disk(path, other)
    fingerprint = search_fingerprint(make_pool(seed=1, limit=7), SAMPLERS[2], make_oracle(1))
    with pytest.raises(StoreError) as error:
        SearchStore(path, fingerprint)
    for key in ("seed", "feasible_sha256", "oracle.seed"):
        assert f"{key} (" in str(error.value)


def test_progress_bar_counts_queries(capsys: pytest.CaptureFixture[str]) -> None:
    run_search(make_pool(), RandomSampler(), make_oracle(), 12)
    assert "12/12" in capsys.readouterr().err
    run_search(make_pool(), RandomSampler(), make_oracle(), 12, progress=False)
    assert capsys.readouterr().err == ""


class LateEvaluations(Evaluations):
    """Keeps the open questions and answers the newest, or another one drawn from a seed."""

    def __init__(self, oracle: Late) -> None:
        super().__init__(oracle)
        self.late = oracle

    def next_answer(self) -> tuple[Question, Answer | OracleError]:
        self.late.most = max(self.late.most, len(self._open))
        self.late.seen.append(set(self._open))
        if len(self.late.asked) == self.late.after:
            raise KeyboardInterrupt
        query = self.late.rng.choice(sorted(self._open))
        question = self._open.pop(query)
        try:
            return question, self.late.answer(question)
        except OracleError as error:
            return question, error


class Late(Wrapped):
    """Answers in a random order; ends the run after a number of answers."""

    def __init__(self, seed: int = 0, after: int = -1) -> None:
        super().__init__()
        self.rng, self.after, self.most = random.Random(seed), after, 0
        self.seen: list[set[int]] = []

    def start(self) -> Evaluations:
        return LateEvaluations(self)


@every_sampler
@pytest.mark.parametrize("parallel", [1, 4, 100])
def test_in_flight_no_function_is_asked_twice_and_the_budget_is_kept(
    sampler: Sampler, parallel: int
) -> None:
    oracle, log = Late(), EventLog()
    frame = search(sampler, oracle=oracle, store=log, parallel=parallel)
    assert frame["query"].tolist() == sorted(oracle.asked) == list(range(BUDGET))
    fresh = frame.drop_duplicates("arch_id")
    assert fresh["isomorphism_id"].is_unique
    assert not frame.duplicated(["arch_id", "seed"]).any()
    assert oracle.most == min(parallel, BUDGET) or isinstance(sampler, ReevaluateLeaders)
    assert oracle.most <= parallel


def test_as_soon_as_one_answers_the_next_is_submitted() -> None:
    for sampler in SAMPLERS[:3]:
        oracle = Late()
        search(sampler, oracle=oracle, parallel=4)
        assert [len(open_) for open_ in oracle.seen] == [4] * (BUDGET - 3) + [3, 2, 1]


@every_sampler
def test_in_flight_it_resumes_with_the_open_queries(sampler: Sampler, tmp_path: Path) -> None:
    path, rng, answered = tmp_path / "search.jsonl", random.Random(1), 0
    open_: set[int] = set()
    while True:
        steps, oracle = rng.randint(0, 5), Late(rng.randint(0, 99))
        oracle.after = steps if answered + steps < BUDGET else -1
        with on_disk(path, sampler) as store:
            assert len(store.answers) == answered
            if oracle.after < 0:
                frame = search(sampler, oracle=oracle, store=store, parallel=4)
                break
            with pytest.raises(KeyboardInterrupt):
                search(sampler, oracle=oracle, store=store, parallel=4)
            assert open_ <= oracle.seen[0]
            planned = {query for _, query, _ in store.open_queries}
            open_ = oracle.seen[-1]
            assert open_ <= planned
        answered += steps
    assert open_ <= oracle.seen[0]
    assert frame["query"].tolist() == list(range(BUDGET))
    assert frame.drop_duplicates("arch_id")["isomorphism_id"].is_unique


@every_sampler
def test_in_flight_a_table_makes_one_search_also_resumed(sampler: Sampler, tmp_path: Path) -> None:
    want = search(sampler, parallel=4)
    path = tmp_path / "search.jsonl"
    for steps in (3, 0, 9, 5):
        with on_disk(path, sampler) as store, pytest.raises(KeyboardInterrupt):
            search(sampler, oracle=Interrupted(steps), store=store, parallel=4)
    with on_disk(path, sampler) as store:
        assert_same(search(sampler, store=store, parallel=4), want)


def test_one_in_flight_is_a_search_in_rounds_for_samplers_of_one_query() -> None:
    sampler = EvolutionSampler(population=1)
    assert_same(search(sampler, parallel=1), search(sampler))


def test_in_flight_failures_are_recorded_and_the_rest_goes_on() -> None:
    class Failing(Late):
        def answer(self, question: Question) -> Answer:
            answer = super().answer(question)
            if question.query % 3 == 1:
                raise OracleError("diverged")
            return answer

    for sampler in SAMPLERS:
        frame = search(sampler, oracle=Failing(), parallel=4)
        assert (frame["status"] == "failed").tolist() == [q % 3 == 1 for q in range(BUDGET)]


def test_in_flight_the_ranker_is_trained_once_a_round() -> None:
    CountingRanker.fits = 0
    search(BRPSampler(CountingRanker, rounds=6), oracle=Late(), parallel=4)
    assert 1 <= CountingRanker.fits <= 6


def test_in_flight_the_whole_pool_can_be_queried() -> None:
    pool = make_pool(limit=4)
    for sampler in SAMPLERS[:3]:
        frame = search(sampler, budget=len(pool.representatives), pool=pool, parallel=5)
        assert frame["isomorphism_id"].is_unique


def test_a_budget_may_be_lowered_and_raised_with_queries_in_flight() -> None:
    log, sampler = EventLog(), SAMPLERS[2]
    with pytest.raises(KeyboardInterrupt):
        search(sampler, oracle=Late(after=10), store=log, parallel=4)
    assert len(search(sampler, budget=5, oracle=Late(), store=log, parallel=4)) == 10
    assert len(search(sampler, budget=12, oracle=Late(), store=log, parallel=2)) == 12
    raised = search(sampler, oracle=Late(), store=log, parallel=4)
    assert raised["query"].tolist() == list(range(BUDGET))


def test_a_number_in_flight_must_be_positive() -> None:
    log = EventLog()
    with pytest.raises(ConfigurationError, match="parallel"):
        search(RandomSampler(), store=log, parallel=0)
    assert log.plans == []


def test_a_search_without_rounds_has_a_fingerprint_of_its_own() -> None:
    pool, sampler, oracle = make_pool(), RandomSampler(), make_oracle()
    rounds = search_fingerprint(pool, sampler, oracle)
    four, eight = (search_fingerprint(pool, sampler, oracle, parallel=n) for n in (4, 8))
    assert four == eight != rounds


def test_an_architecture_in_flight_is_not_asked_again() -> None:
    sampler = Fixed("aaaa", "aaab")
    with pytest.raises(BudgetError, match="'aaaa'"):
        search(sampler, parallel=3)


class Trains(Interrupted):
    """Answers with a learning curve of four epochs, which rises evenly to the accuracy."""

    def __init__(self, after: int = 10**6) -> None:
        super().__init__(after)
        self.rules: list[bool] = []

    def answer(self, question: Question) -> Answer:
        found = super().answer(question)
        self.rules.append(question.rule is not None)
        curve = tuple(found.accuracy * share for share in (0.4, 0.6, 0.8, 1.0))
        for epochs in (1, 2, 3):
            if question.rule is not None and question.rule.stops(curve[:epochs]):
                stopped = curve[:epochs]
                return Answer(stopped[-1], found.seed, 1.0 * epochs, stopped, stopped=True)
        return Answer(found.accuracy, found.seed, 4.0, curve)


class TestEarlyStopping:
    sampler = ReevaluateLeaders(BRPSampler(RidgeRanker, rounds=5, choose_by="ranker"), 4)
    stopping = EarlyStopping(best=2, least_curves=5)
    budget = 40

    def search(self, oracle: Oracle | None = None, **choices: object) -> pd.DataFrame:
        oracle = oracle or Trains()
        return search(self.sampler, self.budget, oracle, stopping=self.stopping, **choices)  # type: ignore[arg-type]

    def test_stopped_trainings_have_no_accuracy_and_are_not_chosen(self) -> None:
        frame = self.search()
        stopped = frame["status"] == "stopped"
        assert 5 < stopped.sum() < 35
        assert (frame["epochs"] < 4).tolist() == stopped.tolist()
        assert frame["accuracy"].isna().equals(stopped)
        has_forecast = stopped & (frame["epochs"] >= 2).astype(bool)
        assert frame["forecast"].notna().tolist() == has_forecast.tolist()
        trained = set(frame["arch_id"][~stopped])
        assert set(frame["leader"].dropna()) <= trained
        assert chosen(frame) in trained
        assert set(leaderboard(frame)["arch_id"]) == trained

    def test_second_seeds_and_the_first_trainings_have_no_rule(self) -> None:
        oracle = Trains()
        frame = self.search(oracle)
        again = frame["arch_id"].duplicated().tolist()
        assert sum(again) == 4
        assert not any(oracle.rules[:5])
        assert oracle.rules[10:] == [not second for second in again[10:]]

    def test_without_it_no_training_stops(self) -> None:
        oracle = Trains()
        frame = search(self.sampler, self.budget, oracle)
        assert not any(oracle.rules)
        assert (frame["status"] == "ok").all()
        assert (frame["epochs"] == 4).all()

    def test_interrupted_anywhere_and_resumed_equals_uninterrupted(self, tmp_path: Path) -> None:
        want, answered = self.search(), 0
        for steps in (3, 0, 7, 9, 4, 11):
            with on_disk(tmp_path / "search.jsonl", self.sampler) as store:
                assert len(store.answers) == answered
                with pytest.raises(KeyboardInterrupt):
                    self.search(Trains(steps), store=store)
            answered += steps
        with on_disk(tmp_path / "search.jsonl", self.sampler) as store:
            assert_same(self.search(store=store), want)

    def test_without_rounds(self) -> None:
        frame = self.search(parallel=3)
        assert len(frame) == self.budget
        assert (frame["status"] == "stopped").sum() > 5

    def test_the_ranker_learns_from_forecasts_and_the_choice_does_not(self) -> None:
        history = History(
            [record(0, "abcd", 0.5), record(1, "dcba", status="stopped", forecast=0.4)]
        )
        assert history.means() == {"abcd": 0.5, "dcba": 0.4}
        assert history.choosable() == {"abcd": 0.5}
        history.extend([record(2, "dcba", 0.7)])
        assert history.means() == history.choosable() == {"abcd": 0.5, "dcba": 0.7}

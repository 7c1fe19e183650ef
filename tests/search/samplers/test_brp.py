from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.stats

from brpnas.errors import ConfigurationError, OracleError
from brpnas.graphs import GraphBatch, SpaceGraphs
from brpnas.search.events import EventLog
from brpnas.search.filter import MetricFilter
from brpnas.search.history import History, Measurement
from brpnas.search.oracles import Answer, Question, TableOracle
from brpnas.search.pools.listed import ListedPool
from brpnas.search.pools.sampled import SampledPool
from brpnas.search.result import leaderboard
from brpnas.search.samplers import (
    BRPSampler,
    EvolutionSampler,
    RandomSampler,
    Sampler,
    fit_ranker,
)
from brpnas.search.samplers.brp import ChooseBy, _Ranking, _size, expected_improvement
from brpnas.search.trace import HeldOutScores, trace
from brpnas.spaces import NasBench201, SearchSpace
from brpnas.testing import OnOpenSpace, SamplerContract, WithReevaluations
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
    pool_of,
    predict_latency,
    record,
    run_search,
)
from tests.seeds import first_of


class TestBRP(SamplerContract):
    def make(self) -> Sampler:
        return BRPSampler(RidgeRanker, rounds=4)


class TestBRPOnOpenSpace(OnOpenSpace, TestBRP):
    pass


class TestBRPChoosingByItsRanker(SamplerContract):
    def make(self) -> Sampler:
        return BRPSampler(RidgeRanker, rounds=4, choose_by="ranker")


class TestBRPWithReevaluations(WithReevaluations, TestBRP):
    pass


class TestBRPWithAnUnconstrainedStart(SamplerContract):
    def make(self) -> Sampler:
        return BRPSampler(RidgeRanker, rounds=4, infeasible_share=0.25)

    @pytest.mark.parametrize("seed", first_of(range(3)))
    def test_never_asks_the_infeasible(self, seed: int) -> None:
        frame = self.run(seed, limit=4, budget=20)
        start = frame["round"] < 1
        assert (frame["predicted_latency_ms"] > 4)[start].any(), "nothing infeasible was asked"
        assert frame["feasible"].equals(frame["predicted_latency_ms"] <= 4)
        assert frame["feasible"][~start].all()


class TestBRPWithAnUnconstrainedStartOnOpenSpace(OnOpenSpace, TestBRPWithAnUnconstrainedStart):
    pass


class TestBRPWithAnUnconstrainedStartAndRepeats(WithReevaluations, TestBRPWithAnUnconstrainedStart):
    pass


class TestBRPWithAPrior(SamplerContract):
    def make(self) -> Sampler:
        return BRPSampler(RidgeRanker, rounds=4, flops_prior=5)


class TestBRPWithAPriorOnOpenSpace(OnOpenSpace, TestBRPWithAPrior):
    pass


class TestBRPWithAPriorAndRepeats(WithReevaluations, TestBRPWithAPrior):
    pass


class Clairvoyant:
    """Knows the true accuracy of every word: its ranking is the same in each round."""

    def fit(self, graphs: GraphBatch, accuracy: npt.NDArray[np.float64], seed: int) -> None:
        pass

    def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        words = ["".join("abcd"[code - 4] for code in ops[2:-1]) for ops in graphs.ops]
        return additive_accuracy(words)


def run(sampler: Sampler, budget: int, log: EventLog | None = None, seed: int = 0) -> pd.DataFrame:
    return run_search(
        make_pool(seed), sampler, make_oracle(seed), budget, store=log, progress=False
    ).history


def true_ranking(pool: ListedPool) -> list[str]:
    words = pool.names(pool.representatives)
    return [words[i] for i in np.argsort(-additive_accuracy(words), kind="stable")]


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_rounds_exploit_and_explore_as_published(fraction: float) -> None:
    sampler = BRPSampler(Clairvoyant, rounds=4, exploit_fraction=fraction)
    frame = run(sampler, 24)
    assert frame["round"].value_counts().sort_index().tolist() == [6] * 4
    ranking = true_ranking(make_pool())
    queried = set(frame["arch_id"][:6])
    for number in (1, 2, 3):
        asked = frame["arch_id"][frame["round"] == number].tolist()
        exploited = math.ceil(6 * fraction)
        left = [word for word in ranking if word not in queried]
        assert asked[:exploited] == left[:exploited]
        top = set(ranking[: math.ceil(len(ranking) / 2**number)])
        assert set(asked[exploited:]) <= top - queried - set(asked[:exploited])
        queried |= set(asked)


def test_exploration_reaches_the_whole_top_and_no_further() -> None:
    ranking = true_ranking(make_pool())
    seen: set[str] = set()
    for seed in range(60):
        frame = run(BRPSampler(Clairvoyant, rounds=2, exploit_fraction=0), 40, seed=seed)
        pool = make_pool(seed)
        seen |= {pool.isomorphism_id(a) for a in frame["arch_id"][frame["round"] == 1]}
    pool = make_pool()
    assert seen == {pool.isomorphism_id(word) for word in ranking[: len(ranking) // 2]}


def test_an_exhausted_top_is_filled_by_the_next_best() -> None:
    frame = run(BRPSampler(Clairvoyant, rounds=6, exploit_fraction=0), 60)
    ranking = true_ranking(make_pool())
    before = set(frame["arch_id"][:50])
    asked = frame["arch_id"][50:].tolist()
    top = [w for w in ranking[: math.ceil(len(ranking) / 2**5)] if w not in before]
    left = [w for w in ranking if w not in before]
    assert sorted(asked) == sorted([*top, *[w for w in left if w not in top][: 10 - len(top)]])


@pytest.mark.parametrize(
    ("rounds", "budget", "sizes"),
    [(4, 43, [10, 11, 11, 11]), (3, 10, [3, 3, 4]), (10, 19, [1] + [2] * 9), (1, 7, [7])],
)
def test_there_are_as_many_rounds_as_asked_for(rounds: int, budget: int, sizes: list[int]) -> None:
    frame = run(BRPSampler(Clairvoyant, rounds=rounds), budget)
    assert frame["round"].value_counts().sort_index().tolist() == sizes


def test_a_raised_budget_keeps_the_round_size_and_exploits() -> None:
    log = EventLog()
    sampler = BRPSampler(Clairvoyant, rounds=4)
    run(sampler, 40, log)
    frame = run(sampler, 65, log)
    assert frame["round"].value_counts().sort_index().tolist() == [10] * 6 + [5]
    before = set(frame["arch_id"][:40])
    left = [word for word in true_ranking(make_pool()) if word not in before]
    assert frame["arch_id"][40:].tolist() == left[:25]


def test_a_budget_below_the_rounds_still_works() -> None:
    assert run(BRPSampler(RidgeRanker, rounds=9), 3)["round"].tolist() == [0, 1, 2]


def test_the_ranker_learns_from_every_answer_once_by_its_mean() -> None:
    fitted: list[tuple[int, list[float], int]] = []

    class Watching(RidgeRanker):
        def fit(self, graphs: GraphBatch, accuracy: npt.NDArray[np.float64], seed: int) -> None:
            fitted.append((len(graphs), accuracy.tolist(), seed))
            super().fit(graphs, accuracy, seed)

    history = history_of(("aaaa", 0.5), ("aaab", None), ("abcd", 0.7), ("aaaa", 0.6))
    pool = make_pool()
    ranker = fit_ranker(Watching, pool, history)
    again = fit_ranker(Watching, pool, history)
    assert fitted[0] == (2, [pytest.approx(0.55), 0.7], fitted[0][2])
    assert fitted[0] == fitted[1]
    assert np.array_equal(ranker.score(pool.graphs), again.score(pool.graphs))
    longer = history_of(("aaaa", 0.5), ("abcd", 0.7))
    fit_ranker(Watching, pool, longer)
    assert fitted[2][2] != fitted[0][2]


def test_a_ranker_needs_two_answers() -> None:
    history = history_of(("aaaa", 0.5), ("aaab", None), ("aaaa", 0.6))
    with pytest.raises(OracleError, match="two answered"):
        fit_ranker(RidgeRanker, make_pool(), history)


def test_scores_that_are_no_number_come_last_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Clairvoyant):
        def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
            scores = super().score(graphs)
            scores[np.argmax(scores)] = np.nan
            return scores

    frame = run(BRPSampler(Broken, rounds=2, exploit_fraction=1), 20)
    best = true_ranking(make_pool())[0]
    assert best not in set(frame["arch_id"][10:])
    assert "1 of 160 scores" in caplog.text


class TestChoosingByTheRanker:
    sampler = BRPSampler(RidgeRanker, rounds=4, choose_by="ranker")

    def test_the_choice_is_whom_a_ranker_of_all_answers_puts_first(self) -> None:
        result = run_search(make_pool(), self.sampler, make_oracle(0, 0.1), 40, progress=False)
        ranker = fit_ranker(RidgeRanker, make_pool(), result.records)
        words = list(result.records.means())
        scores = ranker.score(make_pool().graphs_of(words))
        assert result.chosen == words[int(np.argmax(scores))]
        by_word = dict(zip(words, scores.tolist(), strict=True))
        assert result.history["estimate"].tolist() == [
            by_word[w] for w in result.history["arch_id"]
        ]
        means = result.records.means()
        assert result.chosen != max(means, key=means.__getitem__), "here the answers mislead"

    def test_each_round_says_who_led_after_it(self) -> None:
        pool, oracle = make_pool(), make_oracle(0, 0.1)
        result = run_search(pool, self.sampler, oracle, 40, progress=False)
        leaders = result.history["leader"]
        assert leaders.notna().to_numpy().nonzero()[0].tolist() == [9, 19, 29, 39]
        for end in (9, 19, 29, 39):
            estimates = self.sampler.estimates(pool, History(result.records.records[: end + 1]))
            assert estimates is not None
            assert leaders[end] == max(estimates, key=estimates.__getitem__)
        traced = trace(result.history, HeldOutScores({}, {}, 1.0))
        assert traced["chosen"].iloc[-1] == result.chosen

    def test_it_asks_as_it_would_choosing_by_answers(self) -> None:
        by_answers = run(BRPSampler(RidgeRanker, rounds=4), 40)
        assert run(self.sampler, 40)["arch_id"].tolist() == by_answers["arch_id"].tolist()
        assert by_answers[["estimate", "leader"]].isna().all(axis=None)

    @pytest.mark.parametrize("seeds", first_of([range(5), range(5, 25)]))
    def test_it_chooses_better_where_answers_are_noisy(self, seeds: range) -> None:
        words = ToySpace().enumerate()
        true = dict(zip(words, additive_accuracy(words), strict=True))
        found: dict[str, list[float]] = {"answers": [], "ranker": []}
        for seed in seeds:
            for choose_by, list_ in found.items():
                sampler = BRPSampler(RidgeRanker, rounds=4, choose_by=choose_by)  # type: ignore[arg-type]
                oracle = make_oracle(seed, 0.1)
                result = run_search(make_pool(seed), sampler, oracle, 40, progress=False)
                list_.append(true[result.chosen])
        assert np.mean(found["ranker"]) > np.mean(found["answers"])

    def test_the_ranker_is_trained_once_for_each_length_of_history(self) -> None:
        fits: list[int] = []

        class Counting(RidgeRanker):
            def fit(self, graphs: GraphBatch, accuracy: npt.NDArray[np.float64], seed: int) -> None:
                fits.append(len(graphs))
                super().fit(graphs, accuracy, seed)

        sampler = BRPSampler(Counting, rounds=4, choose_by="ranker")
        run(sampler, 40)
        assert fits == [10, 20, 30, 40]
        run(sampler, 40, seed=1)
        assert fits == [10, 20, 30, 40] * 2, "another task has other answers"

    def test_one_answer_is_no_ranking(self) -> None:
        history = history_of(("aaaa", 0.5), ("aaab", None))
        assert self.sampler.estimates(make_pool(), history) is None


class TestPrior:
    sampler = BRPSampler(Clairvoyant, rounds=4, exploit_fraction=1, flops_prior=6)

    @pytest.mark.parametrize("pool", [make_pool(), make_sampled_pool()])
    def test_the_first_round_is_the_largest_of_eight_times_as_many(
        self, pool: ListedPool | SampledPool
    ) -> None:
        asked = self.sampler.ask(pool, History(), 24)
        drawn = pool.fresh(History(), 8 * 6)
        assert asked == sorted(drawn, key=lambda word: -ToySpace().cost([word])[1][0])[:6]
        assert set(asked) != set(drawn[:6])

    def test_what_was_measured_and_is_within_the_limit_is_kept(self) -> None:
        pool, history = make_pool(limits=measured_limits(9, 99, 0)), History()
        drawn = pool.fresh(history, 8 * 6)
        passed, refused = drawn[40], self.sampler.ask(pool, history, 24)[1]
        history.note([Measurement(0, passed, True), Measurement(0, refused, False)])
        asked = self.sampler.ask(pool, history, 24)
        assert passed in asked[:2], "the one clearly within may be larger"
        assert refused not in asked

    @pytest.mark.parametrize("open_space", [False, True])
    def test_the_first_round_is_of_those_that_probably_keep_the_limit(
        self, *, open_space: bool
    ) -> None:
        words = ToySpace().enumerate()
        latency = predict_latency(words)["latency_ms"]
        make = make_sampled_pool if open_space else make_pool
        pool = make(limits=measured_limits(4, 8, 3))
        asked = self.sampler.ask(pool, History(), 24)
        assert all(latency[words.index(word)] <= 3 for word in asked)

    def test_it_is_added_to_the_ranking_and_fades(self) -> None:
        pool = make_pool()
        words = pool.names(pool.representatives)
        flops = ToySpace().cost(words)[1]
        of_ranker = scipy.stats.zscore(additive_accuracy(words))
        of_size = scipy.stats.zscore(np.log(flops))
        frame = run(self.sampler, 24)
        for number, weight in ((1, 6 / 12), (2, 6 / 18), (3, 6 / 24)):
            before = set(frame["arch_id"][: 6 * number])
            ranked = np.argsort(-(of_ranker + weight * of_size), kind="stable")
            left = [words[i] for i in ranked if words[i] not in before]
            asked = frame["arch_id"][frame["round"] == number].tolist()
            assert asked == left[:6]
            without = [w for w in true_ranking(pool) if w not in before]
            assert asked != without[:6], "here the prior decides"

    def test_failed_queries_teach_nothing_and_do_not_weaken_it(self) -> None:
        answered = [("aaaa", 0.5), ("abcd", 0.6)]
        failed = [(word, None) for word in ("bbbb", "cccc", "bbcc", "ccbb")]
        more = [(word, 0.5) for word in ("bbbb", "cccc", "bbcc", "ccbb")]
        few, same, many = (
            self.sampler._ranking(make_pool(), history_of(*answered, *rows)).ranked.tolist()
            for rows in ([], failed, more)
        )
        assert few == same != many

    def test_the_choice_does_not_depend_on_it(self) -> None:
        history = history_of(("dddd", 0.5), ("abcd", 0.6), ("aaaa", 0.55))
        estimates = [
            BRPSampler(RidgeRanker, choose_by="ranker", flops_prior=prior).estimates(
                make_pool(), history
            )
            for prior in (0, 50)
        ]
        assert estimates[0] == estimates[1]

    @pytest.mark.parametrize("pool", [make_pool(), make_sampled_pool()])
    def test_where_nobody_knows_the_multiply_adds_all_is_as_without(
        self, pool: ListedPool | SampledPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ToySpace, "cost", SearchSpace.cost)
        want, got = (
            run_search(pool, sampler, make_oracle(), 24, progress=False).history
            for sampler in (BRPSampler(Clairvoyant, rounds=4, exploit_fraction=1), self.sampler)
        )
        pd.testing.assert_frame_equal(comparable(got), comparable(want))

    def test_some_unknown_are_taken_for_average(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = _size(make_pool(), ["aaaa", "aabb", "dddd"])
        cost = ToySpace.cost
        monkeypatch.setattr(
            ToySpace,
            "cost",
            lambda self, words, config: (
                np.zeros(len(words)),
                np.where([w == "cccc" for w in words], np.nan, cost(self, words)[1]),
            ),
        )
        found = _size(make_pool(), ["aaaa", "cccc", "aabb", "dddd"])
        np.testing.assert_array_equal(found, [known[0], 0.0, *known[1:]])

    def test_scores_that_are_no_number_stay_last(self, caplog: pytest.LogCaptureFixture) -> None:
        class Broken(Clairvoyant):
            def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
                scores = super().score(graphs)
                scores[np.argmax(scores)] = np.nan
                return scores

        sampler = BRPSampler(Broken, rounds=2, exploit_fraction=1, flops_prior=1)
        best = true_ranking(make_pool())[0]
        assert best not in set(run(sampler, 20)["arch_id"][10:])
        assert "1 of 160 scores" in caplog.text

    def test_equal_scores_leave_the_prior_alone(self) -> None:
        class Flat(Clairvoyant):
            def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
                return np.zeros(len(graphs))

        pool = make_pool()
        words = pool.names(pool.representatives)
        frame = run(BRPSampler(Flat, rounds=2, exploit_fraction=1, flops_prior=1), 12)
        left = [w for w in words if w not in set(frame["arch_id"][:6])]
        largest = sorted(left, key=lambda word: -ToySpace().cost([word])[1][0])[:6]
        assert frame["arch_id"][6:].tolist() == largest

    @pytest.mark.parametrize("prior", [-1, math.inf, math.nan])
    def test_a_number_of_answers_is_asked_for(self, prior: float) -> None:
        with pytest.raises(ConfigurationError, match="flops_prior of BRP must be 0"):
            BRPSampler(RidgeRanker, flops_prior=prior)

    def test_a_store_tells_priors_apart(self) -> None:
        assert self.sampler.describe()["flops_prior"] == 6
        assert "flops_prior" not in BRPSampler(RidgeRanker).describe()

    def test_it_finds_more_from_few_queries_where_size_tells_of_accuracy(self) -> None:
        words = ToySpace().enumerate()
        true = np.log(ToySpace().cost(words)[1]) / 10 + 0.2 * additive_accuracy(words)
        found: dict[float, list[float]] = {0: [], 6: []}
        for seed in range(10):
            for prior, best in found.items():
                oracle = TableOracle(accuracy_table(words, true), "toys", seed)
                sampler = BRPSampler(RidgeRanker, rounds=4, flops_prior=prior)
                result = run_search(make_pool(seed), sampler, oracle, 12, progress=False)
                best.append(result.history["accuracy"].max())
        assert np.mean(found[6]) > np.mean(found[0])


class TestUnconstrainedRounds:
    sampler = BRPSampler(RidgeRanker, rounds=6, infeasible_share=0.34)

    @pytest.mark.parametrize("choose_by", ["answers", "ranker"])
    def test_what_breaks_the_constraints_is_learnt_from_and_not_chosen(
        self, choose_by: ChooseBy
    ) -> None:
        taught: list[int] = []

        class Counting(RidgeRanker):
            def fit(self, graphs: GraphBatch, accuracy: npt.NDArray[np.float64], seed: int) -> None:
                taught.append(len(graphs))
                super().fit(graphs, accuracy, seed)

        sampler = BRPSampler(Counting, rounds=6, infeasible_share=0.34, choose_by=choose_by)
        words = ToySpace().enumerate()
        slow = predict_latency(words)["latency_ms"] > 5
        # Slow architectures are better than all others.
        table = accuracy_table(words, additive_accuracy(words) / 2 + 0.5 * slow)
        oracle = TableOracle(table, "toys", 0)
        result = run_search(make_pool(limit=5), sampler, oracle, 24, progress=False)
        history = result.history
        over = ~history["feasible"]
        assert 0 < over.sum() < 8
        assert set(history["round"][over]) == {0, 1}
        assert 8 in taught, "all of the start"
        best = history["accuracy"].idxmax()
        assert over[best]
        assert set(leaderboard(history)["arch_id"]) == set(history["arch_id"][~over])
        assert not slow[words.index(result.chosen)]
        scores = HeldOutScores(dict(zip(words, additive_accuracy(words), strict=True)), {}, 1.0)
        traced = trace(history, scores)
        assert set(traced["chosen"].dropna()) <= set(history["arch_id"][~over])
        assert traced["best_valid"].max() == history["accuracy"][~over].max()
        assert traced["best_test_seen"].max() == max(
            scores.mean[w] for w in history["arch_id"][~over]
        )
        if choose_by == "ranker":
            assert history["estimate"].isna().equals(over)
            assert set(history["leader"].dropna()) <= set(history["arch_id"][~over])

    @pytest.mark.parametrize("pool", [make_pool(), make_sampled_pool()])
    def test_without_constraints_they_make_no_difference(
        self, pool: ListedPool | SampledPool
    ) -> None:
        plain = BRPSampler(RidgeRanker, rounds=6)
        want, got = (
            run_search(pool, sampler, make_oracle(), 24, progress=False).history
            for sampler in (plain, self.sampler)
        )
        pd.testing.assert_frame_equal(comparable(got), comparable(want))

    @pytest.mark.parametrize("pool", [make_pool(limit=4), make_sampled_pool(limit=4)])
    def test_they_draw_from_everything_in_an_order_of_the_seed(
        self, pool: ListedPool | SampledPool
    ) -> None:
        history = run_search(pool, self.sampler, make_oracle(), 24, progress=False).history
        free = make_sampled_pool() if isinstance(pool, SampledPool) else make_pool()
        assert history["arch_id"][:8].tolist() == free.fresh(History(), 8)
        assert pool.fresh(History(), 8, feasible=False) == free.fresh(History(), 8)

    def test_of_the_function_of_one_that_breaks_them_another_may_still_be_asked(self) -> None:
        words = ToySpace().enumerate()
        # Of each function only one way to write it keeps the constraints.
        feasible = np.array([w[0] <= w[-1] for w in words])
        pool = pool_of(feasible)
        sampler = BRPSampler(RidgeRanker, rounds=4, infeasible_share=0.25)
        total = pool.capacity
        history = run_search(pool, sampler, make_oracle(), total, progress=False).history
        over = history[~history["feasible"]]
        assert len(over) > 5
        again = set(over["isomorphism_id"]) & set(history["isomorphism_id"][history["feasible"]])
        assert again
        assert not history[history["feasible"]]["isomorphism_id"].duplicated().any()

    def test_what_the_oracle_cannot_answer_is_not_drawn(self) -> None:
        words = np.array(ToySpace().enumerate())
        known = np.array([w[1] != "a" for w in words])
        slow = predict_latency(words.tolist())["latency_ms"] > 5
        pool = pool_of(~slow, answerable=known)
        history = run_search(pool, self.sampler, make_oracle(), 24, progress=False).history
        assert set(history["arch_id"]) <= set(words[known])
        assert not history["feasible"].all()
        assert pool.describe() != pool_of(~slow).describe()

    def test_if_none_that_keeps_them_is_answered_the_error_says_so(self) -> None:
        class OnlyTheSlow(TableOracle):
            def answer(self, question: Question) -> Answer:
                if predict_latency([question.arch_id])["latency_ms"][0] <= 4:
                    raise OracleError("diverged")
                return super().answer(question)

        words = ToySpace().enumerate()
        oracle = OnlyTheSlow(accuracy_table(words, additive_accuracy(words)), "toys", 0)
        result = run_search(make_pool(limit=4), self.sampler, oracle, 24, progress=False)
        assert (result.history["status"] == "ok").any()
        with pytest.raises(OracleError, match=r" 24 queries .*constraints"):
            _ = result.chosen

    @pytest.mark.parametrize("share", [-0.1, 1.0, 1.5])
    def test_not_all_of_the_budget_is_unconstrained(self, share: float) -> None:
        with pytest.raises(ConfigurationError, match=f"less than 1, and is {share}"):
            BRPSampler(RidgeRanker, rounds=3, infeasible_share=share)

    @pytest.mark.parametrize(
        ("rounds", "budget", "expected"),
        [(20, 100, 2), (12, 60, 1), (8, 40, 0), (5, 100, 0), (20, 10, 1), (20, 9, 0), (20, 1, 0)],
    )
    def test_whole_rounds_of_a_tenth_of_the_budget(
        self, rounds: int, budget: int, expected: int
    ) -> None:
        sampler = BRPSampler(RidgeRanker, rounds=rounds, infeasible_share=0.1)
        history, pool = History(), make_pool(limit=4)
        size = max(budget // rounds, 1)
        for number in range(expected):
            assert sampler.samples_infeasible(pool, history, budget)
            start = len(history)
            history.extend(record(start + i, "aaaa", 0.5, round=number) for i in range(size))
        assert not sampler.samples_infeasible(pool, history, budget)
        assert not sampler.samples_infeasible(make_pool(), History(), budget)

    def test_mutations_are_of_leaders_that_satisfy_the_constraints(self) -> None:
        sampler = BRPSampler(RidgeRanker, rounds=4, neighbours=30)
        pool = make_sampled_pool(limit=4)
        history = History([record(0, "dddd", 0.9, feasible=False), record(1, "aaaa", 0.5)])
        mutants = sampler._mutants(pool, history)
        assert mutants
        assert all(word.count("a") == 3 for word in mutants)

    def test_they_are_part_of_the_task(self) -> None:
        assert self.sampler.describe()["infeasible_share"] == 0.34
        assert "infeasible_share" not in BRPSampler(RidgeRanker).describe()


@pytest.mark.parametrize(
    ("parameters", "given"),
    [({"rounds": 0}, "0 and 0.5"), ({"exploit_fraction": 1.5}, "5 and 1.5")],
)
def test_parameters_out_of_range(parameters: dict[str, float], given: str) -> None:
    with pytest.raises(ConfigurationError, match=f"exploit_fraction .* {re.escape(given)},"):
        BRPSampler(RidgeRanker, **parameters)  # type: ignore[arg-type]


def test_what_to_choose_by_is_one_of_two() -> None:
    with pytest.raises(ConfigurationError, match="not by 'rank'"):
        BRPSampler(RidgeRanker, choose_by="rank")  # type: ignore[arg-type]


def _landscape(space: NasBench201, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
    """An additive accuracy over the edges of a NAS-Bench-201 cell, 0.1 to 0.9."""
    weights = np.random.default_rng(0).random((6, 5))
    total = weights[np.arange(6), space.codes(graphs.arch_ids)].sum(axis=1)
    return np.asarray(0.1 + 0.8 * (total - total.min()) / np.ptp(total))


@pytest.mark.parametrize("seeds", first_of([range(1), range(1, 5)]))
def test_beats_random_and_evolution_on_an_additive_nasbench201(
    nb201: tuple[NasBench201, SpaceGraphs], seeds: range
) -> None:
    space, graphs = nb201
    true = _landscape(space, graphs)
    table = accuracy_table(graphs.arch_ids, true, noise=0.02)
    best: dict[str, list[float]] = {}
    for seed in seeds:
        pool = ListedPool.create(space, graphs, seed=seed, view="raw")
        oracle = TableOracle(table, "toys", seed)
        for sampler in (BRPSampler(RidgeRanker), EvolutionSampler(), RandomSampler()):
            result = run_search(pool, sampler, oracle, 100, progress=False)
            found = true[pool.rows([result.chosen])[0]]
            best.setdefault(sampler.name, []).append(float(found))
    means = {name: np.mean(found) for name, found in best.items()}
    assert means["brp"] > means["evolution"]
    assert means["brp"] > means["random"] + 0.02


def test_clairvoyant_reads_words() -> None:
    words = ToySpace().enumerate()
    assert np.array_equal(Clairvoyant().score(make_pool().graphs), additive_accuracy(words))


class TestMeasuredFirst:
    """Five candidates, best first; the third and the fourth are clearly within the limits."""

    is_clear = np.array([False, False, True, True, False])

    def best(
        self,
        count: int,
        scores: list[float],
        queried: float,
        deviations: Sequence[float] = (0,) * 5,
    ) -> list[int]:
        odds = np.array([0.1, 0.6, 1.0, 1.0, 0.9])
        shortlist = make_pool().shortlist(history_of())
        names = shortlist.names(np.arange(5))
        ranking = _Ranking(
            *(shortlist, np.array(scores), np.arange(5), names, odds, np.array(deviations), queried)
        )
        return ranking.best(np.arange(5), self.is_clear, count).tolist()

    @pytest.mark.parametrize(
        ("count", "want"),
        [
            (1, [1]),  # 0.6 * (4 - 3.5) is more than 0.1 * (5 - 3.5)
            (2, [1, 0]),  # and the last gains nothing
            (3, [1, 0, 2]),
            (5, [1, 0, 2, 3]),
        ],
    )
    def test_the_largest_expected_gain_comes_first(self, count: int, want: list[int]) -> None:
        assert self.best(count, [5.0, 4.0, 3.0, 2.0, 1.0], 3.5) == want

    def test_a_gain_is_compared_with_the_best_queried(self) -> None:
        assert self.best(1, [8.9, 4.0, 3.0, 2.0, 1.0], 3.0) == [1]
        assert self.best(1, [9.1, 4.0, 3.0, 2.0, 1.0], 3.0) == [0]
        assert self.best(1, [3.0, 3.0, 3.0, 2.0, 1.0], 3.0) == [2]

    def test_before_any_answer_all_are_worth_one(self) -> None:
        assert self.best(3, [5.0, 4.0, 3.0, 2.0, 1.0], -np.inf) == [1, 4, 0]

    def test_an_uncertain_score_may_be_worth_more_than_a_higher_one(self) -> None:
        scores = [5.0, 4.0, 3.0, 2.0, 1.0]
        assert self.best(1, scores, 3.5, (0, 0, 0, 0, 2.0)) == [1]
        assert self.best(1, scores, 3.5, (0, 0, 0, 0, 4.0)) == [4]

    def test_a_score_that_is_no_number_is_not_measured(self) -> None:
        assert self.best(2, [5.0, -np.inf, 3.0, 2.0, -np.inf], 3.0) == [0, 2]


def test_expected_improvement_is_the_mean_of_the_positive_part() -> None:
    gains, deviations = np.array([-2.0, 0.0, 0.5, 3.0]), np.array([1.0, 2.0, 0.1, 1.5])
    for gain, deviation, found in zip(
        gains, deviations, expected_improvement(gains, deviations), strict=True
    ):
        normal = scipy.stats.norm(gain, deviation)
        assert found == pytest.approx(normal.expect(lambda x: x, lb=0), abs=1e-9)
    certain = expected_improvement(gains, np.zeros(4))
    np.testing.assert_allclose(certain, [0, 0, 0.5, 3])


class TestCopies:
    """Several words have one function; measurements refuse some of them."""

    pool = make_pool(limits=measured_limits(9, 99, 0))
    sampler = BRPSampler(Clairvoyant, rounds=4)

    def ranked(self, *outcomes: tuple[str, bool]) -> dict[str, str]:
        """Proposed word of each function, by the word proposed without a measurement."""
        history = history_of(("abcd", 0.5), ("dcba", 0.6))
        before = self.sampler._ranking(self.pool, history)
        history.note(Measurement(0, word, within) for word, within in outcomes)
        after = before.after(self.pool, history)
        return dict(zip(before.names, after.names, strict=True))

    def first(self) -> tuple[str, str]:
        """A proposed word, and the other of its function."""
        return next(
            (word, self.pool.isomorphic(word)[0])
            for word in self.ranked()
            if self.pool.isomorphic(word)
        )

    def test_the_other_takes_the_place_of_a_refused_one(self) -> None:
        word, other = self.first()
        found = self.ranked((word, False))
        assert found.pop(word) == other
        assert all(name == proposed for name, proposed in found.items())

    def test_one_that_passed_stays(self) -> None:
        word, other = self.first()
        assert self.ranked((word, True))[word] == word
        assert self.ranked((word, False), (other, True))[word] == other

    def test_without_others_the_refused_one_stays_and_is_not_asked(self) -> None:
        word, other = self.first()
        assert self.ranked((word, False), (other, False))[word] == word
        history = history_of(("abcd", 0.5), ("dcba", 0.6))
        history.note([Measurement(1, word, False), Measurement(1, other, False)])
        assert not {word, other} & set(self.sampler.ask(self.pool, history, 200))

    def test_odds_are_those_of_the_word_proposed(self) -> None:
        word, other = self.first()
        history = history_of(("abcd", 0.5), ("dcba", 0.6))
        before = self.sampler._ranking(self.pool, history)
        history.note([Measurement(0, word, False)])
        pool, place = self.pool, list(before.names).index(word)
        odds = pool.limits.odds([other], pool.predictions([other]), pool.deviations([other]))
        assert before.after(pool, history).odds[place] == odds[0]


def test_the_first_rounds_measure_nothing_to_exploit() -> None:
    """Later ones do: nearly every word is uncertain."""
    pool = make_pool(limits=measured_limits(3, 99, 2))
    sampler = BRPSampler(Clairvoyant, rounds=10, exploit_fraction=1.0)
    measured = MetricFilter(
        lambda words: ((w, {"latency_ms": predict_latency([w])["latency_ms"][0]}) for w in words),
        "device",
    )
    result = run_search(pool, sampler, make_oracle(), 40, metric_filter=measured, progress=False)
    rounds = result.measurements["round"]
    assert len(rounds)
    assert rounds.min() == 2

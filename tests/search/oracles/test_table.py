from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import OracleError, UnknownNameError
from brpnas.search.oracles import Answer, Oracle, Question, TableOracle, longest_runs
from tests.search.toy import SEEDS, ToySpace, accuracy_table, additive_accuracy, make_oracle

WORDS = ToySpace().enumerate()
TABLE = accuracy_table(WORDS, additive_accuracy(WORDS))


def test_answers_are_rows_of_the_table() -> None:
    oracle = make_oracle()
    valid = TABLE[TABLE["split"] == "valid"].set_index(["arch_id", "seed"])["accuracy"]
    for query, word in enumerate(WORDS[:50]):
        answer = oracle.answer(Question(query, word))
        assert answer.accuracy == valid[word, answer.seed]
        assert answer.cost_s == 10.0


def test_the_draw_depends_on_seed_and_query_alone() -> None:
    first, second = make_oracle(seed=3), make_oracle(seed=3)
    forwards = [first.answer(Question(q, "abcd")) for q in range(20)]
    backwards = [second.answer(Question(q, "abcd")) for q in reversed(range(20))]
    assert forwards == backwards[::-1]
    assert forwards != [make_oracle(seed=4).answer(Question(q, "abcd")) for q in range(20)]


def test_reseeded_is_as_good_as_new() -> None:
    first = make_oracle(seed=3)
    other = first.reseeded(8)
    questions = [Question(query, "abcd") for query in range(20)]
    assert [other.answer(q) for q in questions] == [
        make_oracle(seed=8).answer(q) for q in questions
    ]
    assert (first.seed, other.seed) == (3, 8)


def test_every_training_seed_is_drawn_about_equally_often() -> None:
    oracle = make_oracle()
    seeds = [oracle.answer(Question(q, "abcd")).seed for q in range(600)]
    counts = [seeds.count(seed) for seed in SEEDS]
    assert sum(counts) == 600
    assert min(counts) > 150


def test_an_architecture_asked_again_shows_a_seed_not_seen() -> None:
    oracle = make_oracle()
    for query in range(20):
        assert oracle.answer(Question(query, "abcd", frozenset(SEEDS[:2]))).seed == SEEDS[2]
    assert oracle.answer(Question(0, "abcd", frozenset(SEEDS))).seed in SEEDS


def test_published_means_have_no_seed() -> None:
    table = TABLE[TABLE["split"] == "test"].assign(split="valid").drop(columns="train_time_s")
    answer = TableOracle(table, "toys", 0).answer(Question(0, "aaaa", frozenset({777})))
    assert (answer.seed, answer.cost_s) == (None, None)


def test_a_published_mean_is_no_answer_where_there_are_single_runs() -> None:
    mean = TABLE[TABLE["split"] == "test"].assign(split="valid")
    oracle = TableOracle(pd.concat([TABLE, mean]), "toys", 0)
    assert {oracle.answer(Question(query, "abcd")).seed for query in range(60)} == set(SEEDS)


def test_the_longest_training_counts() -> None:
    short = TABLE.assign(epochs=12, accuracy=0.1)
    both = pd.concat([short, TABLE])
    assert set(longest_runs(both, "toys", "valid")["epochs"]) == {200}
    assert TableOracle(both, "toys", 0).answer(Question(0, "aaaa")).accuracy > 0.1


def test_unknown_dataset() -> None:
    with pytest.raises(UnknownNameError, match=r"'toy'.* 'toys'\?"):
        TableOracle(TABLE, "toy", 0)


def test_unknown_architecture_is_an_answer_that_goes_on() -> None:
    oracle = make_oracle()
    with pytest.raises(OracleError, match="'zzzz' on toys"):
        oracle.answer(Question(0, "zzzz"))
    questions = [Question(0, "zzzz"), Question(1, "aaaa")]
    outcomes = dict(oracle.answers(questions))
    assert isinstance(outcomes[questions[0]], OracleError)
    assert outcomes[questions[1]] == oracle.answer(questions[1])


def test_answers_come_one_by_one() -> None:
    asked: list[int] = []

    class Counting(Oracle):
        name = "counting"

        def answer(self, question: Question) -> Answer:
            asked.append(question.query)
            return Answer(0.5)

    answers = Counting().answers([Question(0, "a"), Question(1, "b")])
    next(answers)
    assert asked == [0]
    assert Counting().describe() == {"name": "counting"}


def test_description_tells_tasks_apart() -> None:
    assert make_oracle(seed=1).describe() != make_oracle(seed=2).describe()
    assert np.isin(["dataset", "seed"], list(make_oracle().describe())).all()

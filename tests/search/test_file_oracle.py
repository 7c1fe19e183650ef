"""The file oracle: questions out, answers in, and a search that ends and goes on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from brpnas.errors import AnswersPendingError, OracleError, SchemaError
from brpnas.search import FileOracle, Question, SearchStore, run_search
from brpnas.search.oracle import Answer
from brpnas.search.samplers import get_sampler
from tests.search import toy

A, B = "cell-a", "cell-b"


@pytest.fixture
def oracle(tmp_path: Path) -> FileOracle:
    return FileOracle(tmp_path / "out" / "questions.csv", tmp_path / "answers.csv", "mine")


def test_what_is_missing_is_written_and_said(oracle: FileOracle) -> None:
    with pytest.raises(AnswersPendingError, match=r"2 trainings.*questions\.csv.*answers\.csv"):
        list(oracle.answers([Question(0, A), Question(1, B, frozenset({0}))]))
    assert pd.read_csv(oracle.questions_path).to_dict("list") == {
        "query": [0, 1],
        "arch_id": [A, B],
        "run": [0, 1],
    }


def test_known_answers_come_before_the_end(oracle: FileOracle) -> None:
    oracle.answers_path.write_text(f"train_time_s, arch_id, accuracy\n12.5, {B}, 0.75\n")
    outcomes = oracle.answers([Question(0, A), Question(1, B)])
    assert next(outcomes) == (Question(1, B), Answer(0.75, 0, 12.5))
    with pytest.raises(AnswersPendingError):
        next(outcomes)
    assert pd.read_csv(oracle.questions_path)["arch_id"].tolist() == [A]


def test_a_second_row_answers_a_second_query(oracle: FileOracle) -> None:
    oracle.answers_path.write_text(f"arch_id,accuracy\n{A},0.5\n{A},0.6\n")
    assert oracle.ask(Question(0, A)).accuracy == 0.5
    assert oracle.ask(Question(1, A, frozenset({0}))) == Answer(0.6, 1)


def test_an_empty_accuracy_is_a_failed_training(oracle: FileOracle) -> None:
    oracle.answers_path.write_text(f"arch_id,accuracy,message\n{A},,out of memory\n{B},,\n")
    with pytest.raises(OracleError, match="out of memory"):
        oracle.ask(Question(0, A))
    with pytest.raises(OracleError, match="no accuracy"):
        oracle.ask(Question(0, B))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arch_id,acc\nx,0.5\n", "lacks the column 'accuracy'; it has arch_id, acc"),
        ("arch_id,accuracy\nx,93.1\n", r"fraction from 0 to 1, not 93.1 as in line 2"),
        ("arch_id,accuracy\nx,0.5\ny,good\n", r"must be a number, not 'good' as in line 3"),
        ("", "no CSV file"),
    ],
)
def test_malformed_answers_are_refused(oracle: FileOracle, text: str, message: str) -> None:
    oracle.answers_path.write_text(text)
    with pytest.raises(SchemaError, match=message):
        oracle.ask(Question(0, "x"))


def test_the_accuracy_table_holds_validation_and_test(oracle: FileOracle) -> None:
    oracle.answers_path.write_text(
        f"arch_id,accuracy,test_accuracy\n{A},0.5,0.4\n{A},0.6,\n{B},,\n"
    )
    table = oracle.accuracy()
    assert table[["split", "seed", "accuracy"]].to_numpy().tolist() == [
        ["valid", 0, 0.5],
        ["valid", 1, 0.6],
        ["test", 0, 0.4],
    ]
    assert set(table["dataset"]) == {"mine"}


def test_without_answers_the_accuracy_table_is_empty(oracle: FileOracle) -> None:
    assert oracle.accuracy().empty


def test_a_search_ends_goes_on_and_equals_one_that_was_answered_at_once(
    tmp_path: Path,
) -> None:
    """Whoever answers, answers by a rule; the search stops once a round until it is done."""

    def value(arch_id: str) -> float:
        return (sum(map(ord, arch_id)) % 97) / 100

    context = toy.make_context()
    sampler = get_sampler("evolution", {"population": 4, "tournament": 2})
    oracle = FileOracle(tmp_path / "q.csv", tmp_path / "a.csv", "mine")
    rows: list[dict[str, object]] = []
    for _ in range(99):
        try:
            with SearchStore(tmp_path / "store.jsonl", {"task": 1}) as store:
                result = run_search(context, sampler, oracle, 12, store=store, progress=False)
            break
        except AnswersPendingError:
            asked = pd.read_csv(oracle.questions_path)["arch_id"]
            rows += [{"arch_id": arch_id, "accuracy": value(arch_id)} for arch_id in asked]
            pd.DataFrame(rows).to_csv(oracle.answers_path, index=False)
    assert not oracle.questions_path.exists(), "nothing is open any more"
    assert [record.accuracy for record in result.records] == [
        value(record.arch_id) for record in result.records
    ]
    everything = [{"arch_id": a, "accuracy": value(a)} for a in context.arch_ids]
    pd.DataFrame(everything).to_csv(oracle.answers_path, index=False)
    at_once = run_search(context, sampler, oracle, 12, progress=False)
    assert [r.arch_id for r in at_once.records] == [r.arch_id for r in result.records]


def test_the_answers_shown_in_the_docs_are_read(oracle: FileOracle) -> None:
    page = (Path(__file__).parents[2] / "docs" / "live.md").read_text("utf-8")
    oracle.answers_path.write_text(page.split("```text\n")[1].split("```")[0])
    cells = ("nor_conv_3x3", "none")
    first, second = (pd.read_csv(oracle.answers_path)["arch_id"][i] for i in (0, 1))
    assert all(cell in name for cell, name in zip(cells, (first, second), strict=True))
    assert oracle.ask(Question(0, first)) == Answer(0.914, 0, 512.0)
    with pytest.raises(OracleError, match="out of memory"):
        oracle.ask(Question(1, second))

"""The file oracle: questions out, answers in, and a search that ends and resumes."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pandas as pd
import pytest

from brpnas.errors import AnswersPendingError, OracleError, SchemaError
from brpnas.search import FileOracle, Question, SearchStore, run_search
from brpnas.search.events import EventLog
from brpnas.search.oracles import Answer
from brpnas.search.samplers import get_sampler
from tests.search import toy

A, B = "cell-a", "cell-b"


@pytest.fixture
def oracle(tmp_path: Path) -> FileOracle:
    return FileOracle(tmp_path / "out" / "questions.csv", tmp_path / "answers.csv", "mine", None)


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
    assert oracle.answer(Question(0, A)).accuracy == 0.5
    assert oracle.answer(Question(1, A, frozenset({0}))) == Answer(0.6, 1)


def test_an_empty_accuracy_is_a_failed_training(oracle: FileOracle) -> None:
    oracle.answers_path.write_text(f"arch_id,accuracy,message\n{A},,OOM-7\n{B},,\n")
    with pytest.raises(OracleError, match="OOM-7"):
        oracle.answer(Question(0, A))
    with pytest.raises(OracleError, match="no accuracy"):
        oracle.answer(Question(0, B))


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

    pool = toy.make_pool()
    sampler = get_sampler("evolution", {"population": 4, "tournament": 2})
    oracle = FileOracle(tmp_path / "q.csv", tmp_path / "a.csv", "mine", None)
    rows: list[dict[str, object]] = []
    for _ in range(99):
        try:
            with SearchStore(tmp_path / "store.jsonl", {"task": 1}) as store:
                result = run_search(pool, sampler, oracle, 12, store=store, progress=False)
            break
        except AnswersPendingError:
            asked = pd.read_csv(oracle.questions_path)["arch_id"]
            rows += [{"arch_id": arch_id, "accuracy": value(arch_id)} for arch_id in asked]
            pd.DataFrame(rows).to_csv(oracle.answers_path, index=False)
    assert not oracle.questions_path.exists(), "nothing is open any more"
    assert [record.accuracy for record in result.records] == [
        value(record.arch_id) for record in result.records
    ]
    everything = [{"arch_id": a, "accuracy": value(a)} for a in pool.arch_ids]
    pd.DataFrame(everything).to_csv(oracle.answers_path, index=False)
    at_once = run_search(pool, sampler, oracle, 12, progress=False)
    assert [r.arch_id for r in at_once.records] == [r.arch_id for r in result.records]


def test_the_answers_shown_in_the_docs_are_read(oracle: FileOracle) -> None:
    page = (Path(__file__).parents[3] / "docs" / "live.md").read_text("utf-8")
    oracle.answers_path.write_text(page.split("```text\n")[1].split("```")[0])
    cells = ("nor_conv_3x3", "none")
    first, second = (pd.read_csv(oracle.answers_path)["arch_id"][i] for i in (0, 1))
    assert all(cell in name for cell, name in zip(cells, (first, second), strict=True))
    assert oracle.answer(Question(0, first)) == Answer(0.914, 0, 512.0)
    message = pd.read_csv(oracle.answers_path)["message"][1]
    with pytest.raises(OracleError, match=f"^{re.escape(message)}$"):
        oracle.answer(Question(1, second))


CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
OTHER = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"


@pytest.fixture
def of_cells(tmp_path: Path) -> FileOracle:
    return FileOracle(tmp_path / "questions.csv", tmp_path / "answers.csv", "mine")


@pytest.mark.parametrize("cell", ["300001", '"(3, 0, 0, 0, 0, 1)"', f" {CELL} "])
def test_answers_may_be_in_any_notation_of_the_space(of_cells: FileOracle, cell: str) -> None:
    of_cells.answers_path.write_text(f"\ufeffquery,arch_id,run,accuracy\n0,{cell},0,0.9\n", "utf-8")
    assert of_cells.answer(Question(0, CELL)).accuracy == 0.9


def test_a_typing_error_is_reported_with_its_line_and_not_waited_for(of_cells: FileOracle) -> None:
    of_cells.answers_path.write_text(f"arch_id,accuracy\n{OTHER},0.5\n{CELL[:-3]},0.9\n")
    with pytest.raises(SchemaError, match=re.escape(f"line 3: '{CELL[:-3]}'")):
        of_cells.answer(Question(0, CELL))


def test_answers_to_no_question_are_reported_with_their_lines(
    of_cells: FileOracle, caplog: pytest.LogCaptureFixture
) -> None:
    of_cells.answers_path.write_text(f"arch_id,accuracy\n{OTHER},0.5\n")
    with pytest.raises(AnswersPendingError, match=rf"line 2 .*'{re.escape(OTHER)}'"):
        of_cells.answer(Question(0, CELL))
    of_cells.resume([OTHER])
    with pytest.raises(AnswersPendingError) as caught:
        of_cells.answer(Question(0, CELL))
    assert OTHER not in str(caught.value)
    with of_cells.answers_path.open("a") as file:
        file.write(f"{CELL},0.9\n{CELL},0.9\n")
    assert of_cells.answer(Question(0, CELL)).accuracy == 0.9
    assert re.search(r"\bline 4\b", caplog.text)
    assert of_cells.answer(Question(1, CELL, frozenset({0}))).seed == 1
    assert caplog.text.count("More answers") == 1


def test_a_resumed_search_tells_the_oracle_what_was_asked(tmp_path: Path) -> None:
    pool, sampler = toy.make_pool(), get_sampler("random", {})
    oracle = FileOracle(tmp_path / "q.csv", tmp_path / "a.csv", "mine", None)
    answers = [{"arch_id": a, "accuracy": 0.5} for a in pool.arch_ids]
    pd.DataFrame(answers).to_csv(oracle.answers_path, index=False)
    with SearchStore(tmp_path / "store.jsonl", {"task": 1}) as store:
        run_search(pool, sampler, oracle, 3, store=store, progress=False)
        first = {record.arch_id for record in store.answers.values()}
        kept = [answer for answer in answers if answer["arch_id"] in first]
        pd.DataFrame(kept).to_csv(oracle.answers_path, index=False)
        later = FileOracle(tmp_path / "q.csv", tmp_path / "a.csv", "mine", None)
        with pytest.raises(AnswersPendingError) as caught:
            run_search(pool, sampler, later, 5, store=store, progress=False)
    assert OTHER not in str(caught.value)


def test_in_flight_the_file_always_lists_as_many_questions(tmp_path: Path) -> None:
    pool, sampler, truth = toy.make_pool(), get_sampler("evolution"), toy.make_oracle()
    log, asked = EventLog(), []
    file = FileOracle(tmp_path / "questions.csv", tmp_path / "answers.csv", "mine", None)
    rows = ["arch_id,accuracy"]
    while True:
        try:
            result = run_search(pool, sampler, file, 12, store=log, progress=False, parallel=3)
        except AnswersPendingError:
            waiting = pd.read_csv(file.questions_path)
            assert len(waiting) == min(3, 12 - len(log.answers))
            asked.append(set(waiting["query"]))
            last = waiting.iloc[-1]  # the newest first, the others late
            answer = truth.answer(Question(int(last["query"]), last["arch_id"]))
            rows.append(f"{last['arch_id']},{answer.accuracy}")
            file.answers_path.write_text("\n".join(rows))
        else:
            break
    assert len(result.history) == len(asked) == 12
    assert all(len(before - after) <= 1 for before, after in itertools.pairwise(asked))
    assert not file.questions_path.exists()

"""The common contract of all engines, for any task."""

from __future__ import annotations

import functools
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brpnas.errors import TaskError
from brpnas.fanout import Engine, SerialEngine

from . import tasks


class EngineContract(ABC):
    """Subclass it and give the fixture ``engine``."""

    @pytest.fixture
    @abstractmethod
    def engine(self) -> Iterator[Engine]:
        """The engine under test."""

    def test_no_tasks_give_nothing(self, engine: Engine) -> None:
        assert list(engine.run(tasks.square, [])) == []

    def test_results_are_those_of_a_loop(self, engine: Engine) -> None:
        seeds = list(range(20))
        assert dict(engine.run(tasks.noise, seeds)) == {s: tasks.noise(s) for s in seeds}

    def test_one_run_after_another(self, engine: Engine) -> None:
        for function in (tasks.noise, abs, tasks.noise):
            assert sorted(engine.run(function, [1, 2])) == [(1, function(1)), (2, function(2))]

    def test_equal_tasks_are_tasks_of_their_own(self, engine: Engine) -> None:
        assert list(engine.run(abs, [-1, -1, -1])) == [(-1, 1)] * 3

    def test_tasks_are_given_back_themselves(self, engine: Engine) -> None:
        given = [Path("a"), Path("b")]
        assert {id(task) for task, _ in engine.run(str, given)} == {id(task) for task in given}

    def test_exceptions_are_results_and_the_rest_go_on(
        self, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG, logger="brpnas.fanout"):
            outcomes = dict(engine.run(tasks.square, range(8)))
        errors = {n: outcomes.pop(n) for n in (3, 5)}
        assert outcomes == {n: n * n for n in range(8) if n not in errors}
        assert all(isinstance(error, TaskError) for error in errors.values())
        assert str(errors[3]) == "ValueError: no square of 3"
        assert errors[5].message == "SystemExit: enough"
        traceback = 'raise ValueError(f"no square '
        assert any(traceback in record.getMessage() for record in caplog.records)
        assert {record.levelno for record in caplog.records} == {logging.DEBUG}

    def test_large_arguments_go_into_a_partial(self, engine: Engine) -> None:
        table = np.random.default_rng(0).normal(size=(50, 4000))
        run = engine.run(functools.partial(tasks.mean_of, table), range(50))
        assert dict(run) == {row: float(table[row].mean()) for row in range(50)}

    def test_a_consumer_that_is_slow_loses_nothing(self, engine: Engine) -> None:
        run = engine.run(abs, range(-30, 0))
        first = next(run)
        with SerialEngine() as other:  # anything that takes its time
            list(other.run(tasks.noise, range(2000)))
        assert sorted([first, *run]) == [(n, -n) for n in range(-30, 0)]

    def test_tasks_are_taken_while_others_run(self, engine: Engine) -> None:
        found, left = [], list(range(-12, -3))
        with engine.start(abs) as run:
            run.submit([-1, -2])
            while run.pending:
                found.append(run.next_outcome())
                if left:
                    run.submit([left.pop()])
                assert run.pending <= 2
        assert sorted(found) == [(n, -n) for n in (*range(-12, -3), -2, -1)]

    def test_an_outcome_needs_a_task(self, engine: Engine) -> None:
        with engine.start(abs) as run:
            with pytest.raises(ValueError, match="pending"):
                run.next_outcome()
            run.submit([-3])
            assert run.next_outcome() == (-3, 3)

    def test_a_run_left_early_leaves_an_engine_that_runs(self, engine: Engine) -> None:
        with engine.start(tasks.noise) as run:
            run.submit(range(30))
            run.next_outcome()
        assert sorted(engine.run(abs, [-1, -2])) == [(-2, 2), (-1, 1)]

    def test_closing_early_leaves_an_engine_that_runs(self, engine: Engine) -> None:
        run = engine.run(abs, range(-30, 0))
        next(run)
        run.close()
        assert sorted(engine.run(abs, [-1, -2])) == [(-2, 2), (-1, 1)]


class ProcessContract(EngineContract):
    """Additions for engines with other processes."""

    def test_what_cannot_be_sent_fails_alone(self, engine: Engine) -> None:
        outcomes = list(engine.run(repr, [1, lambda: 2, 3]))
        assert sorted(str(outcome) for _, outcome in outcomes)[:2] == ["1", "3"]
        (error,) = (outcome for _, outcome in outcomes if isinstance(outcome, TaskError))
        assert "pickle" in str(error)

    @pytest.mark.parametrize("function", [tasks.return_lambda, tasks.give_unreadable])
    def test_what_cannot_be_sent_back_fails_alone(self, engine: Engine, function: object) -> None:
        outcomes = dict(engine.run(function, range(4)))  # type: ignore[arg-type]
        assert (outcomes[0], outcomes[2]) == (0, 2)
        assert isinstance(outcomes[1], TaskError)
        assert isinstance(outcomes[3], TaskError)

    def test_a_lambda_is_refused_before_any_work(self, engine: Engine) -> None:
        with pytest.raises(ValueError, match=r"lambda.*functools\.partial"):
            next(engine.run(lambda task: task, [1]))

    def test_a_killed_worker_loses_nothing(
        self, engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, logger="brpnas.fanout"):
            run = engine.run(functools.partial(tasks.die_once, tmp_path), range(8))
            assert sorted(run) == [(n, n * n) for n in range(8)]
        assert len(list(tmp_path.glob("died-*"))) == 3
        told = [r.getMessage() for r in caplog.records if "died" in r.getMessage()]
        assert any("retried" in message for message in told)

    def test_a_task_that_always_kills_fails_alone(self, engine: Engine) -> None:
        outcomes = dict(engine.run(tasks.die_at_two, range(10)))
        error = outcomes.pop(2)
        assert outcomes == {n: n * n for n in range(10) if n != 2}
        assert isinstance(error, TaskError)
        assert "died" in error.message

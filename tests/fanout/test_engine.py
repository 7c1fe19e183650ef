"""The engine in this process, the reference for all others."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from brpnas.fanout import Engine, SerialEngine

from . import tasks
from .contract import EngineContract


class TestSerial(EngineContract):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with SerialEngine() as engine:
            yield engine

    def test_keeps_the_order_and_the_process(self, engine: Engine) -> None:
        outcomes = list(engine.run(tasks.surroundings, [2, 1]))
        assert [task for task, _ in outcomes] == [2, 1]
        assert {outcome[0] for _, outcome in outcomes} == {os.getpid()}

    def test_takes_any_function(self, engine: Engine) -> None:
        assert list(engine.run(lambda task: task + 1, [1])) == [(1, 2)]

    def test_runs_a_task_when_it_is_asked_for(self, engine: Engine) -> None:
        begun: list[int] = []
        run = engine.run(begun.append, [1, 2, 3])
        assert begun == []
        next(run)
        assert begun == [1]


def test_an_engine_needs_all_of_its_methods() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Engine()  # type: ignore[abstract]

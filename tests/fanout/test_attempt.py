"""One attempt: exceptions, and values that cannot be pickled."""

from __future__ import annotations

import pickle

import pytest

from brpnas.errors import ConfigurationError, TaskError, UnknownNameError
from brpnas.fanout._attempt import (
    attempt,
    attempt_packed,
    failure,
    pack,
    pack_function,
    unpack,
)

from . import tasks


def test_result_is_that_of_the_function() -> None:
    assert attempt(tasks.square, 4) == 16
    assert unpack(attempt_packed(tasks.square, pack(4))) == 16


@pytest.mark.parametrize(
    ("number", "message"), [(3, "ValueError: no square of 3"), (5, "SystemExit: enough")]
)
def test_exceptions_become_task_errors(number: int, message: str) -> None:
    for outcome in (
        attempt(tasks.square, number),
        unpack(attempt_packed(tasks.square, pack(number))),
    ):
        assert isinstance(outcome, TaskError)
        assert outcome.message == message
        assert "in square" in outcome.__notes__[0]


def test_keyboard_interrupt_passes() -> None:
    def interrupted(task: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(interrupted, None)


def test_exceptions_without_a_message_are_named() -> None:
    assert str(failure(ZeroDivisionError())) == "ZeroDivisionError"


def test_exceptions_that_cannot_travel_are_told_all_the_same() -> None:
    class Local(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    again = pickle.loads(pickle.dumps(failure(Local(1, 2))))
    assert str(again) == "Local: 1 and 2"
    assert again.__notes__
    named = failure(UnknownNameError("device", "x", ["y"]))
    assert str(named) == "UnknownNameError: Unknown device 'x'. Known: y."


def test_what_cannot_be_packed_or_unpacked_fails_alone() -> None:
    odd = unpack(attempt_packed(tasks.return_lambda, pack(1)))
    assert isinstance(odd, TaskError)
    assert "pickle" in str(odd)
    assert str(unpack(attempt_packed(abs, b"no pickle"))).startswith("UnpicklingError: ")


def test_functions_that_cannot_be_sent_are_refused() -> None:
    assert unpack(pack_function(tasks.square)) is tasks.square
    with pytest.raises(ConfigurationError, match=r"lambda.*functools\.partial"):
        pack_function(lambda task: task)

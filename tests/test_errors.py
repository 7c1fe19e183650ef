"""Errors: one root, the builtin a caller expects, and messages that help."""

import pickle

import pytest

from brpnas import errors
from brpnas.errors import BrpNasError, UnknownNameError, did_you_mean, shortened

CLASSES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]

BUILTINS = {
    "AnswersPendingError": LookupError,
    "ArchitectureError": ValueError,
    "BudgetError": ValueError,
    "ConfigurationError": ValueError,
    "ConstraintError": ValueError,
    "EngineError": RuntimeError,
    "InfeasibleError": ValueError,
    "IntakeError": ValueError,
    "LockedError": OSError,
    "MeasurementError": RuntimeError,
    "ObjectiveError": ValueError,
    "OracleError": LookupError,
    "ParityError": ArithmeticError,
    "RegistryError": LookupError,
    "SchemaError": ValueError,
    "SourceError": OSError,
    "StoreError": OSError,
    "SurroundingsError": OSError,
    "TaskError": RuntimeError,
    "TrackingError": LookupError,
    "TrainingError": ArithmeticError,
    "UnknownNameError": LookupError,
    "UnsafePickleError": ValueError,
    "UnsupportedPlatformError": ImportError,
}


def test_every_class_has_a_row_in_this_table():
    assert {c.__name__ for c in CLASSES} - {"BrpNasError"} == set(BUILTINS)


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_caught_by_the_root_and_by_the_builtin(name):
    error_class = getattr(errors, name)
    arguments = ("device", "x", ["y"]) if error_class is UnknownNameError else ("why",)
    for expected in (BrpNasError, BUILTINS[name]):
        with pytest.raises(expected):
            raise error_class(*arguments)


@pytest.mark.parametrize("error_class", CLASSES)
def test_the_root_alone_catches_no_builtin(error_class):
    others = {ValueError, LookupError, OSError, ArithmeticError} - {
        BUILTINS.get(error_class.__name__)
    }
    assert not any(issubclass(error_class, builtin) for builtin in others)


def test_every_class_says_when_it_is_raised():
    assert all(c.__doc__ for c in CLASSES)
    assert len({c.__doc__ for c in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("name", sorted(set(BUILTINS) - {"UnknownNameError"}))
def test_message_is_what_was_said(name):
    assert str(getattr(errors, name)("what, where, how to mend")) == "what, where, how to mend"


class TestUnknownName:
    def test_suggests_the_closest_and_lists_all_sorted(self):
        error = UnknownNameError("device", "desktop-cpuu", ["jetson", "desktop-cpu"])
        assert str(error) == (
            "Unknown device 'desktop-cpuu'. Did you mean 'desktop-cpu'? Known: desktop-cpu, jetson."
        )
        assert (error.kind, error.name, error.options) == (
            "device",
            "desktop-cpuu",
            ["desktop-cpu", "jetson"],
        )

    def test_without_anything_close_only_lists(self):
        assert str(UnknownNameError("space", "zzz", ["darts"])) == (
            "Unknown space 'zzz'. Known: darts."
        )

    def test_without_options_only_says_unknown(self):
        assert str(UnknownNameError("space", "zzz", [])) == "Unknown space 'zzz'."

    def test_takes_any_iterable_once(self):
        error = UnknownNameError("view", "rav", (name for name in ("raw", "pruned")))
        assert str(error) == "Unknown view 'rav'. Did you mean 'raw'? Known: pruned, raw."

    def test_survives_the_way_back_from_a_worker_process(self):
        error = UnknownNameError("view", "rav", ["raw"])
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.options) == (str(error), error.options)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("cifar-10", ["cifar10", "cifar100"], " Did you mean 'cifar10'?"),
        ("cifar10", [], ""),
        ("q", ["cifar10"], ""),
        ("", ["cifar10"], ""),
        ("random", ("evolution", "random"), " Did you mean 'random'?"),
    ],
)
def test_did_you_mean(name, options, expected):
    assert did_you_mean(name, options) == expected
    assert did_you_mean(name, iter(options)) == expected


def test_long_texts_are_shortened_and_say_by_how_much() -> None:
    assert shortened("x" * 400) == "x" * 400
    assert shortened("a" * 500 + "b" * 500, 10) == "aaaaa [... 990 characters ...] bbbbb"

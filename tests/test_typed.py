"""Values from files: strict types, finite numbers, one clause for the fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from brpnas.errors import ConfigurationError
from brpnas.typed import Count, Finite, Fraction, Positive, parse_typed


@dataclass(frozen=True)
class Answer:
    name: str
    number: Count
    share: Fraction | None = None
    seconds: Finite = 0.0
    factor: Positive = 1.0
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name == "none":
            raise ConfigurationError("NAME")


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int


GOOD: dict[str, Any] = {"name": "a", "number": 3, "share": 1, "parts": ["x"]}


def test_good_values() -> None:
    assert parse_typed(Answer, GOOD) == Answer("a", 3, 1.0, parts=("x",))
    assert parse_typed(Model, {"size": 3}).size == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": 3}, "x.name: .*string, not 3"),
        ({"number": -1}, "x.number: .* 0, not -1"),
        ({"number": True}, "x.number: "),
        ({"number": 1.0}, "x.number: "),
        ({"number": 2.5}, "x.number: "),
        ({"share": 1.1}, "x.share: "),
        ({"share": "0.5"}, "x.share: "),
        ({"share": float("nan")}, r"^x\.share: .* nan$"),
        ({"seconds": float("inf")}, r"^x\.seconds: .* inf$"),
        ({"factor": 0}, "x.factor: "),
        ({"parts": ["a", 3]}, r"x\.parts\.1: "),
        ({"parts": "a"}, "x.parts: "),
        ({"nmae": "b"}, r"'x\.nmae'.* 'name'\?"),
        ({"name": "none"}, "NAME"),
        ({"name": ["y" * 1000]}, r"\.\.\."),
    ],
)
def test_bad_values(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_typed(Answer, GOOD | change, "x.")
    assert len(str(caught.value)) < 300


def test_missing_and_unknown_keys() -> None:
    with pytest.raises(ValueError, match="the key 'number' is missing"):
        parse_typed(Answer, {"name": "a"})
    with pytest.raises(ValueError, match="unknown key 'more'"):
        parse_typed(Model, {"size": 1, "more": 2})

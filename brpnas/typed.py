"""Values from files, checked against the types of a class.

`parse_typed` makes a dataclass or pydantic model from plain values; its errors say in one clause
which key is unknown, missing or of another type. Numbers must be finite; text is never converted
to numbers.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from brpnas.errors import did_you_mean, shown

__all__ = ["Count", "Finite", "Fraction", "Positive", "explain", "parse_typed"]

Count = Annotated[int, Field(ge=0)]
"""An integer from 0 on."""
Fraction = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""
Finite = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite number from 0 on."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A finite number above 0."""

_MAX_SHOWN = 80

T = TypeVar("T")


def parse_typed(kind: type[T], values: Mapping[str, Any], prefix: str = "") -> T:
    """Make an instance from values of a file (JSON types).

    Args:
        kind: A dataclass with strictly checked annotations, or a pydantic model.
        values: Values by field name.
        prefix: Prefix of names in errors, such as ``config.``.

    Raises:
        ValueError: If a key is unknown or missing, or a value has another type or range.

    Examples:
        >>> @dataclasses.dataclass
        ... class Answer:
        ...     accuracy: Fraction
        >>> parse_typed(Answer, {"accuracy": 0.5})
        Answer(accuracy=0.5)
        >>> parse_typed(Answer, {"accuracy": "0.5"})
        Traceback (most recent call last):
        ValueError: accuracy: Input should be a valid number, not '0.5'
    """
    if dataclasses.is_dataclass(kind):
        known = [field.name for field in dataclasses.fields(kind)]
        unknown = [name for name in values if name not in known]
        if unknown:
            hint = did_you_mean(unknown[0][:_MAX_SHOWN], known)
            raise ValueError(f"unknown key {shown(prefix + unknown[0])}.{hint}".rstrip("."))
    try:
        text = json.dumps(values, allow_nan=False)
    except ValueError as error:
        raise ValueError(_not_finite(values, prefix)) from error
    try:
        parsed: T = _adapter(kind).validate_json(text, strict=True)  # type: ignore[arg-type]
        return parsed
    except ValidationError as error:
        raise ValueError(explain(error, prefix)[0]) from error


def explain(error: ValidationError, prefix: str = "", known: Sequence[str] = ()) -> list[str]:
    """Problems found by pydantic, each as a clause with key and reason.

    Args:
        error: The error.
        prefix: Prefix of names.
        known: Known keys, for a hint.
    """
    return [_problem(problem, prefix, known) for problem in error.errors()]


def _problem(problem: ErrorDetails, prefix: str, known: Sequence[str]) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    key = prefix + name
    if problem["type"] == "missing":
        return f"the key {shown(key)} is missing"
    if problem["type"] == "extra_forbidden":
        listed = f". Known keys: {', '.join(known)}" if known else ""
        hint = did_you_mean(name[:_MAX_SHOWN], known)
        return f"unknown key {shown(key)}" + (f".{hint}" if hint else listed)
    reason = problem["msg"].removeprefix("Value error, ")
    return f"{key[:_MAX_SHOWN]}: {reason}, not {shown(problem['input'])}" if key else reason


def _not_finite(values: Mapping[str, Any], prefix: str) -> str:
    for name, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            return f"{prefix}{name}: numbers must be finite, not {shown(value)}"
    raise AssertionError("every value is finite")


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)

"""Every usual notation of a NAS-Bench-201 cell, read into its ``arch_id``.

`read_notation` is for files of latencies and arguments. `from_string` reads only the benchmark's
own string.
"""

from __future__ import annotations

import random
import re
from functools import cache

import numpy as np

from brpnas.errors import ArchitectureError, did_you_mean
from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS, from_string, to_string

__all__ = ["operation_codes", "published_cells", "read_notation"]

_EXAMPLE = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
_CODES = {name: code for code, name in enumerate(OPERATIONS)} | {
    str(code): code for code in range(len(OPERATIONS))
}
_SIZE = len(OPERATIONS) ** len(EDGES)
_NUMPY = re.compile(r"np\.u?int\d+\((\d+)\)")
_BETWEEN = re.compile(r"\s*[,;]\s*|\s+|(?<=\w)-(?=\w)")
_BRACKETS = {"(": ")", "[": "]"}
_LONGEST = 1_000
"""Most characters of a cell, in any notation."""


@cache
def published_cells() -> tuple[str, ...]:
    """Every ``arch_id`` in the order of the published files, by its published index.

    The authors of the benchmark shuffled the cells once, by Python's generator with the seed 88.
    """
    order = list(range(_SIZE))
    random.Random(88).shuffle(order)
    shape = (len(OPERATIONS),) * len(EDGES)
    return tuple(to_string(codes) for codes in np.stack(np.unravel_index(order, shape), axis=1))


def read_notation(text: str) -> str:
    """Return the ``arch_id`` of a cell in any of its notations.

    These are the benchmark's string; six operation codes in the order of `EDGES`, as a tuple or
    list, or joined by blanks, hyphens or nothing; six operation names likewise; and the published
    index, from 0 to 15,624. Six digits are always codes: an index has five at most.

    Tuples of NASLib use other codes and another order of edges, and look the same; see
    `brpnas.spaces.nasbench201.naslib`.

    Raises:
        ArchitectureError: If the text is not a cell; the message says why.

    Examples:
        >>> read_notation("000200") == read_notation("(0, 0, 0, 2, 0, 0)")
        True
        >>> read_notation("0")
        '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|'
    """
    _check_length(text)
    given = text.strip()
    if "|" in given or "~" in given:
        return to_string(from_string(text))
    if re.fullmatch(r"-?\d+", given, re.ASCII):
        return _from_digits(text, given)
    return to_string(_from_tuple(text, given))


def operation_codes(text: str) -> list[int]:
    """Six operation codes as written, in any order of edges.

    Raises:
        ArchitectureError: If the text is something else.

    Examples:
        >>> operation_codes("(0, 0, 0, 2, 0, 0)") == operation_codes("000200")
        True
    """
    _check_length(text)
    given = text.strip()
    if re.fullmatch(r"\d+", given, re.ASCII):
        return _six_digits(text, given)
    if re.search("[a-z|~]", _NUMPY.sub(r"\1", given), re.IGNORECASE):
        raise _unknown(text, "six operation codes are needed here, from 0 to 4")
    return _from_tuple(text, given)


def _check_length(text: str) -> None:
    if len(text) > _LONGEST:
        raise ArchitectureError(
            f"{text[:40]!r} and {len(text) - 40:,} more characters are not a NAS-Bench-201 cell."
        )


def _six_digits(text: str, digits: str) -> list[int]:
    wrong = sorted({digit for digit in digits if digit not in _CODES})
    if wrong or len(digits) != len(EDGES):
        why = f"{wrong[0]} is none" if wrong else f"there are {len(digits)} digits"
        raise _unknown(text, f"six digits are operation codes, from 0 to 4, and {why}")
    return [int(digit) for digit in digits]


def _from_digits(text: str, digits: str) -> str:
    if len(digits) == len(EDGES) and digits.isdigit():
        return to_string(_six_digits(text, digits))
    if len(digits) > 1 and digits[0] == "0":
        raise _unknown(
            text, f"it begins with 0 but has {len(digits)} digits, where operation codes have six"
        )
    if not 0 <= int(digits) < _SIZE:
        short = len(digits) == len(EDGES) - 1 and all(digit in _CODES for digit in digits)
        why = "; perhaps codes that have lost their leading 0" if short else ""
        raise _unknown(text, f"an index is from 0 to {_SIZE - 1}{why}")
    return published_cells()[int(digits)]


def _from_tuple(text: str, given: str) -> list[int]:
    body = _NUMPY.sub(r"\1", given)
    if body[:1] in _BRACKETS and body[-1:] == _BRACKETS[body[0]]:
        body = body[1:-1]
    tokens = [token.strip("'\"") for token in _BETWEEN.split(body.strip().rstrip(","))]
    if len(tokens) == 1:
        decimals = re.fullmatch(r"\d+\.\d*", tokens[0], re.ASCII)
        why = "an index has no decimals" if decimals else "it is none of the notations of a cell"
        raise _unknown(text, why)
    for token in tokens:
        if token not in _CODES:
            hint = did_you_mean(token, OPERATIONS)
            why = f"{token!r} is neither an operation nor a code from 0 to 4"
            raise _unknown(text, f"{why}.{hint}" if hint else why)
    if len(tokens) != len(EDGES):
        raise _unknown(text, f"it has {len(tokens)} operations where a cell has {len(EDGES)}")
    return [_CODES[token] for token in tokens]


def _unknown(text: str, why: str) -> ArchitectureError:
    end = "" if why.endswith("?") else "."
    return ArchitectureError(
        f"{text!r} is not a NAS-Bench-201 cell: {why}{end} Write its string, such as {_EXAMPLE!r}, "
        f"its six operation codes, 000200 or (0, 0, 0, 2, 0, 0), or its published index, from 0 to "
        f"{_SIZE - 1}."
    )

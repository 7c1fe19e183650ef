"""Every notation of a cell means the same cell; invalid notations are refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench201 import (
    OPERATIONS,
    NasBench201,
    from_string,
    published_cells,
    read_notation,
)

CELL = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
)


def names(cell: str) -> list[str]:
    return [OPERATIONS[code] for code in from_string(cell)]


@pytest.mark.parametrize(
    "text",
    [
        CELL,
        f"  {CELL}\n",
        "334131",
        "(3, 3, 4, 1, 3, 1)",
        "(3,3,4,1,3,1,)",
        "[3, 3, 4, 1, 3, 1]",
        "[3 3 4 1 3 1]",
        "3 3 4 1 3 1",
        "3,3,4,1,3,1",
        "3;3;4;1;3;1",
        "3-3-4-1-3-1",
        " (3,  3, 4,1 , 3, 1) ",
        "(np.int64(3), np.int64(3), np.int64(4), np.int64(1), np.int64(3), np.int64(1))",
        "('3', '3', '4', '1', '3', '1')",
        str(names(CELL)),
        ", ".join(names(CELL)),
        "1",
    ],
)
def test_each_notation_means_the_cell(text: str) -> None:
    assert read_notation(text) == CELL
    assert NasBench201().read(text) == CELL


WAYS: dict[str, Callable[[str], str]] = {
    "string": str,
    "tuple": lambda cell: str(from_string(cell)),
    "digits": lambda cell: "".join(map(str, from_string(cell))),
    "names": lambda cell: " ".join(names(cell)),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_cells_come_back_in_two_seconds(way: str) -> None:
    everything = NasBench201().enumerate()
    texts = [WAYS[way](cell) for cell in everything]
    start = time.process_time()
    assert [read_notation(text) for text in texts] == everything
    assert time.process_time() - start < 2


def test_every_index_is_another_cell() -> None:
    assert [read_notation(str(i)) for i in range(15_625)] == list(published_cells())
    assert sorted(published_cells()) == sorted(NasBench201().enumerate())


def test_six_digits_are_codes_and_fewer_an_index() -> None:
    assert (
        read_notation("000013") == "|none~0|+|none~0|none~1|+|none~0|skip_connect~1|nor_conv_3x3~2|"
    )
    assert read_notation("13") == published_cells()[13]
    assert read_notation("13") != read_notation("000013")


@pytest.mark.data
def test_the_index_is_that_of_the_published_file(mirror: Path) -> None:
    table = pd.read_csv(mirror / "nasbench201" / "nats_bench.csv")
    assert table["ArchitectureString"].tolist() == list(published_cells())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "notations"),
        ("nonsense", "notations"),
        ("12.0", "decimals"),
        ("1_000", "notations"),
        ("１２", "notations"),
        ("+5", "notations"),
        ("-1", "an index "),
        ("15625", "an index "),
        ("1234567", "an index "),
        ("34131", "leading 0"),
        ("00013", " 5 digits"),
        ("000567", "and 5 "),
        ("(3, 3, 4, 1, 3)", " 5 operations"),
        ("3 3 4 1 3 1 0", "it has 7 operations"),
        ("(3, 3, 4, 1, 3, 5)", "'5' "),
        ("(3, 3, 4, 1, 3, -1)", "'-1' is neither"),
        ("(3, 3, 4, 1, 3, 1", "'(3' is neither"),
        ("(3, 3, 4, 1, 3, 1]", "'(3' is neither"),
        ("none " * 5 + "nor_conv3x3", "'nor_conv_3x3'?"),
        ("|none~0|", "3"),
        (CELL.replace("skip_connect", "skip_conect"), "unknown operation 'skip_conect'"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        read_notation(text)
    message = str(caught.value)
    assert message.startswith(repr(text))
    assert why in message
    assert ".." not in message.replace("...", "")
    assert "|+|" in message.removeprefix(repr(text))

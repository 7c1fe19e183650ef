"""Lists of ``torch.save``: numbers of any kind, nothing else. Damaged archives: test_help.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.datasets.torch_lists import read_list, read_numbers
from brpnas.errors import SourceError
from tests.datasets.test_help import write


@pytest.mark.parametrize(
    "values", [[31, 29, 26], [31, 29.5, 26], [1.5, 2.5, 3.5], [0, -1, 2**53]], ids=str
)
def test_whole_numbers_are_numbers(tmp_path: Path, values: list[float]) -> None:
    found = read_numbers(write(tmp_path, values), 3)
    assert found.dtype == "float64"
    assert found.tolist() == values


@pytest.mark.parametrize("wrong", [True, "26", None, [26], 10**400], ids=lambda v: str(v)[:9])
def test_the_entry_that_is_no_number_is_named(tmp_path: Path, wrong: object) -> None:
    path = write(tmp_path, [31, wrong, 26])
    with pytest.raises(SourceError) as caught:
        read_numbers(path, 3)
    assert f"entry 1 of its 3 is {wrong!r:.80}" in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "given"), [([1, 2], "list of 2"), ({0: 1.0}, "no list"), (None, "no list")]
)
def test_another_length_or_kind(tmp_path: Path, content: object, given: str) -> None:
    with pytest.raises(SourceError, match=rf"\b3 entries\b.*{given}"):
        read_numbers(write(tmp_path, content), 3)


def test_a_list_of_lists_is_read_as_it_is(tmp_path: Path) -> None:
    content = [[1, 2], ["a", "b"]]
    assert read_list(write(tmp_path, content), 2) == content

"""Members of a front by number or architecture."""

from __future__ import annotations

import pytest

from brpnas.errors import ConfigurationError, UnknownNameError
from pipelines.members import member_number

RESULT = {"members": [{"chosen": {"arch_id": name}} for name in ("a", "b")]}


@pytest.mark.parametrize(("member", "number"), [(1, 1), ("2", 2), ("a", 1), ("b", 2)])
def test_a_member_has_a_number_and_a_name(member: int | str, number: int) -> None:
    assert member_number(RESULT, member) == number


@pytest.mark.parametrize(
    ("member", "error"),
    [
        (0, ConfigurationError),
        ("3", ConfigurationError),
        ("c", UnknownNameError),
        ("-1", UnknownNameError),
    ],
)
def test_an_unknown_one_is_refused(member: int | str, error: type[Exception]) -> None:
    with pytest.raises(error):
        member_number(RESULT, member)

"""Members of the front of the last search, by number or architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brpnas.errors import ConfigurationError, UnknownNameError

__all__ = ["member_number"]


def member_number(search_result: Mapping[str, Any], member: int | str) -> int:
    """Number of a member of the front, from 1 for the most accurate.

    Args:
        search_result: Result of the search.
        member: Its number, or its architecture.

    Raises:
        ConfigurationError: If the front has no member of this number.
        UnknownNameError: If the architecture is not on the front.
    """
    names = [figures["chosen"]["arch_id"] for figures in search_result["members"]]
    if isinstance(member, str) and not member.isdecimal():
        if member not in names:
            raise UnknownNameError("member of the front", member, names)
        return names.index(member) + 1
    if not 1 <= int(member) <= len(names):
        count = f"{len(names)} members" if len(names) > 1 else "1 member"
        raise ConfigurationError(
            f"Member {member} is not on the front of the last search (export.member): it has "
            f"{count}, numbered from 1. `brpnas front` lists them."
        )
    return int(member)

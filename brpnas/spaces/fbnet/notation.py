"""Notations of FBNet architectures: the canonical string, and the lists of published tables."""

from __future__ import annotations

import re

from brpnas.spaces.fbnet.blocks import BLOCKS, LAYERS, block_codes, malformed, to_strings

__all__ = ["read_notation"]

_LIST = re.compile(r"[\[(](?P<entries>[^\[\]()]*)[\])]")
_LONGEST = 1_000
_NAMES = {str(code): name for code, name in enumerate(BLOCKS)}


def read_notation(text: str) -> str:
    """Return the ``arch_id`` of a canonical string, or of a list of names or of published codes.

    HW-NAS-Bench and HELP write an architecture as a list, ``[0, 8, 3, ...]`` or
    ``['k3_e1', 'skip', 'k3_e6', ...]``; a tuple is read as well.

    Raises:
        ArchitectureError: If the text is not an architecture; the message says why.
    """
    match = _LIST.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        return to_strings(block_codes([text]))[0]
    entries = [entry.strip().strip("'\"") for entry in match["entries"].split(",")]
    if len(entries) != LAYERS:
        raise malformed(text, f"the list has {len(entries)} entries and needs {LAYERS}")
    if all(entry.isdecimal() for entry in entries):
        if unknown := [entry for entry in entries if entry not in _NAMES]:
            raise malformed(text, f"there is no code {unknown[0]}; codes go from 0 to 8")
        entries = [_NAMES[entry] for entry in entries]
    return to_strings(block_codes(["-".join(entries)]))[0]

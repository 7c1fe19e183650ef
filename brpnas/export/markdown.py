"""Markdown from text of unknown origin: names of labels, data sets and files.

`escape` shows text literally, with any HTML or Markdown in it. `table` escapes its cells; `Code`
marks a cell as code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["Code", "code", "code_block", "escape", "table"]

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_JOINERS = "\u200c\u200d"
"""Invisible, and part of words and emoji."""


class Code(str):
    """Text to show as code in a table."""

    __slots__ = ()


def escape(text: str) -> str:
    """Text shown literally by Markdown and HTML, on one line.

    Line breaks become blanks; other invisible characters are written as their number.
    """
    visible = "".join(_visible(character) for character in " ".join(text.split()))
    marked = _MARKUP.sub(lambda found: "\\" + found.group(), visible)
    return "".join(_ENTITIES.get(character, character) for character in marked)


def _visible(character: str) -> str:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return f"U+{ord(character):04X}" if hidden and character not in _JOINERS else character


def code(text: str) -> str:
    """Text as inline code."""
    line = "".join(_visible(character) for character in " ".join(text.split()))
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def code_block(text: str, language: str = "") -> str:
    """Text as a block of code."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with escaped cells; empty without rows."""
    if not rows:
        return ""
    lines = [[*header], ["---"] * len(header), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: object) -> str:
    if isinstance(cell, Code):  # a bar ends the cell even within code
        return code(cell).replace("|", "\\|")
    return escape(str(cell))

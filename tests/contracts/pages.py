"""Pages of documentation taken apart: fenced blocks, commands, links, words set as code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "conf" / "README.md"]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_PATH = re.compile(r"(?<![\w/.-])(?:brpnas|benchmarks|conf|data|docs|pipelines|tests)/[\w./<>*-]*")


@dataclass(frozen=True)
class Command:
    """A command of a page: its words, without variables before it and without ``.venv/bin/``."""

    page: str
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        return self.words[0]

    @property
    def arguments(self) -> list[str]:
        return list(self.words[1:])

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def blocks(text: str, *languages: str) -> list[str]:
    """Contents of the fenced blocks in one of these languages."""
    return [body for language, body in _FENCE.findall(text) if language in languages]


def prose(text: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text)


def split(line: str) -> list[list[str]]:
    """Words of each command of a line of shell; comments are gone."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if word in {"|", "||", "&&", ";"}:
            commands.append([])
        else:
            commands[-1].append(word)
    return [words for words in commands if words]


def commands(page: Path) -> Iterator[Command]:
    """Every command in the blocks of shell of a page; a block without a language is one."""
    for block in blocks(page.read_text(encoding="utf-8"), "bash", ""):
        for line in block.replace("\\\n", " ").splitlines():
            for words in split(line):
                while _ASSIGNMENT.fullmatch(words[0]):
                    words.pop(0)
                words[0] = words[0].removeprefix(".venv/bin/")
                yield Command(page.name, tuple(words))


def code_words(text: str) -> set[str]:
    """Code spans of the prose."""
    return set(re.findall(r"`([^`\n]+)`", prose(text)))


def paths(text: str) -> set[str]:
    """Paths below the folders of the repository; ``<anything>`` in one has become ``*``."""
    return {re.sub(r"<\w+>", "*", path).rstrip(".") for path in _PATH.findall(text)}


def links(text: str) -> list[tuple[str, str]]:
    """Target and anchor of each link within the repository."""
    found = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", prose(text))
    return [(target, anchor) for target, anchor in found]


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a page, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}

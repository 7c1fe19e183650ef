"""Print what extras of the project require, so that an image installs it before the code is there.

    python requirements.py pyproject.toml brpnas stage predictors

``brpnas`` names what the library itself requires, every other word an extra. Extras that ask for
others, as ``brpnas[predictors]``, are followed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["requirements"]


def requirements(project: Mapping[str, Any], groups: Iterable[str]) -> list[str]:
    """Requirements of some groups, sorted, each once.

    Args:
        project: The table ``[project]`` of a pyproject.toml.
        groups: Names of extras; the name of the project stands for what it requires itself.

    Raises:
        SystemExit: If there is no such extra.
    """
    known = {project["name"]: project["dependencies"], **project["optional-dependencies"]}
    found: set[str] = set()
    waiting, seen = list(groups), set()
    while waiting:
        group = waiting.pop()
        if group in seen:
            continue
        seen.add(group)
        if group not in known:
            raise SystemExit(f"There is no extra {group!r}; there are {', '.join(known)}.")
        for line in known[group]:
            others = re.fullmatch(rf"{project['name']}\[(.*)\]", line)
            if others:
                waiting += re.split(r"\s*,\s*", others[1])
            else:
                found.add(line)
    return sorted(found)


if __name__ == "__main__":
    _, _file, *_groups = sys.argv
    _project = tomllib.loads(Path(_file).read_text("utf-8"))["project"]
    sys.stdout.write("".join(f"{line}\n" for line in requirements(_project, _groups)))

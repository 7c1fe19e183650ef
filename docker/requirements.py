"""Print the requirements of extras, for an image that installs them before copying the code.

    python requirements.py pyproject.toml brpnas stage predictors

``brpnas`` names the requirements of the library itself, every other word an extra. Extras of
extras, such as ``brpnas[predictors]``, are resolved.
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
        groups: Names of extras; the name of the project for its own requirements.

    Raises:
        SystemExit: If an extra is unknown.
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
            raise SystemExit(f"Unknown extra {group!r}; known: {', '.join(known)}.")
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

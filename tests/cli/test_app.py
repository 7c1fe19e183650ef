"""Imports of each subcommand, and working commands in its help."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Brpnas
from tests.export.costs import cost_model

CELL = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
LIGHT = ["devices", "sources", f"arch '{CELL}'", "rank -h"]


@pytest.mark.parametrize("line", LIGHT)
def test_light_commands_load_no_torch_and_no_matplotlib(line: str) -> None:
    assert not loaded(shlex.split(line))


def test_exported_predictors_answer_without_torch(tmp_path: Path) -> None:
    latency, scores = (tmp_path / f"{name}.onnx" for name in ("latency", "scores"))
    latency.write_bytes(cost_model())
    scores.write_bytes(cost_model(value="score"))
    rank = ("rank", scores, "--predictor", latency, "--sample", 5)
    assert not loaded(("predict", latency, CELL), (*rank, "--constraint", "latency_ms <= 1000"))


def loaded(*commands: Sequence[object]) -> set[str]:
    """Heavy packages in a process after some commands."""
    lines = [
        "import sys",
        "from brpnas.cli import app",
        *(f"app({[str(word) for word in words]!r}, standalone_mode=False)" for words in commands),
        "print({'torch', 'matplotlib', 'kedro'} & set(sys.modules) or '')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True
    )
    return set(filter(None, [done.stdout.splitlines()[-1]]))


@pytest.mark.parametrize("command", ["devices", "sources", "arch", "predict", "rank"])
def test_examples_of_the_help_work(
    brpnas: Brpnas, command: str, models: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models)
    monkeypatch.setenv("BRPNAS_MIRROR", str(mirror))
    text = brpnas(command, "--help").stdout.partition("Examples:")[2].replace("\\\n", " ")
    lines = [line.strip() for line in text.strip().splitlines()]
    assert lines
    assert all(line.startswith(f"brpnas {command}") for line in lines)
    for line in lines:
        loose = re.sub(r"latency_ms <= \d+", "latency_ms <= 1000", line)
        arguments, _, file = loose.partition(" < ")
        stdin = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|" if file else ""
        result = brpnas(*shlex.split(arguments)[1:], stdin=stdin)
        assert result.exit_code == 0, result.output

"""Imports of each subcommand, and working commands in its help."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Brpnas

LIGHT = ["devices", "sources", "arch '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'", "rank -h"]


@pytest.mark.parametrize("line", LIGHT)
def test_light_commands_load_no_torch_and_no_matplotlib(line: str) -> None:
    code = (
        "import sys\nfrom brpnas.cli import app\n"
        f"app({shlex.split(line)!r}, standalone_mode=False)\n"
        "print('loaded', {'torch', 'matplotlib', 'kedro'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "loaded set()"


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

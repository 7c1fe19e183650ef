from __future__ import annotations

import shlex

import pytest
import yaml

from tests.cli.conftest import Brpnas


def test_defaults_are_those_of_the_stage(brpnas: Brpnas, repository) -> None:  # type: ignore[no-untyped-def]
    text = (repository / "conf" / "base" / "parameters_measure.yml").read_text()
    stage = yaml.safe_load(text)["timing"]
    shown = " ".join(brpnas("measure", "--help").stdout.split())
    for name in ("threads", "warmup", "runs", "repeats", "runtime", "precision"):
        option = shown.partition(f"--{name} ")[2].partition("[default: ")[2]
        assert option.startswith(str(stage[name])), name


@pytest.mark.parametrize("wrong", ["--cells 0", "--runs 0", "--runtime tvm", "--file none.txt"])
def test_wrong_options_are_usage_errors(brpnas: Brpnas, wrong: str) -> None:
    assert brpnas("measure", *shlex.split(wrong)).exit_code == 2


def test_examples_parse(brpnas: Brpnas) -> None:
    """As usage: what they would measure takes minutes, or needs a GPU."""
    text = brpnas("measure", "--help").stdout.partition("Examples:")[2]
    lines = [line.strip() for line in text.strip().splitlines()]
    assert len(lines) == 7
    for line in lines:
        words = shlex.split(line)
        assert words[:2] == ["brpnas", "measure"]
        assert brpnas(*words[1:], "--help").exit_code == 0

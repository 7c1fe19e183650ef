"""`brpnas export`: the sizes of its networks are asked for as those of `brpnas measure`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Brpnas

SIZE = "channels=2 cells_per_stage=1 stages=2 input_shape=1x8x8 classes=3"


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def test_size_as_one_text_or_option_by_option(brpnas: Brpnas, tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    common = ["export", "--cells", "2", "--seed", "5", "--output"]
    done = brpnas(*common, str(one), "--network-size", SIZE, "--device", "my-board")
    assert done.exit_code == 0, done.stderr
    assert str(one / "my-board.csv") in done.stdout
    options = "--channels 2 --cells-per-stage 1 --stages 2 --image 8 --colours 1 --classes 3"
    assert brpnas(*common, str(many), *options.split()).exit_code == 0
    assert manifest(one)["network_size"] == manifest(many)["network_size"] == SIZE
    assert manifest(one)["networks"] == manifest(many)["networks"]


def test_measure_and_export_have_the_same_options_for_it(brpnas: Brpnas) -> None:
    for name in ("measure", "export"):
        text = brpnas(name, "--help").stdout
        for option in ("network-size", "channels", "cells-per-stage", "stages", "image", "classes"):
            assert f"--{option}" in text


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("--network-size small", "'small'"),
        ("--device ../x", "'../x'"),
    ],
)
def test_what_cannot_be_exported(brpnas: Brpnas, tmp_path: Path, options: str, why: str) -> None:
    done = brpnas("export", "--output", str(tmp_path / "x"), *shlex.split(options))
    assert done.exit_code == 1
    assert why in done.stderr
    assert not list(tmp_path.iterdir())


def test_examples_parse(brpnas: Brpnas) -> None:
    text = brpnas("export", "--help").stdout.partition("Examples:")[2]
    lines = [line.strip() for line in text.strip().splitlines()]
    assert len(lines) == 4
    for line in lines:
        assert brpnas(*shlex.split(line)[1:], "--help").exit_code == 0

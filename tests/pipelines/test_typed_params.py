"""Texts of the command line stay as typed; Kedro parses all other values."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import _split_params

from pipelines.cli import cli


def read(given: str, command: Any) -> Any:
    """The value of ``--params`` in a command."""
    seen: list[Any] = []
    options = [option for option in command.params if option.name == "params"]

    def noted(params: Any) -> None:
        seen.append(params)

    done = CliRunner().invoke(click.Command("run", params=options, callback=noted), [given])
    assert done.exit_code == 0, done.output
    return seen[0]


def ours(given: str) -> Any:
    return read(f"--params={given}", cli.commands["run"])


def kedros(given: str) -> Any:
    return read(f"--params={given}", kedro_run)


@pytest.mark.parametrize("name", ["855", "1e5", "007", "true", "3.10", "0x1F", "null", "my-board"])
def test_a_device_has_the_name_that_was_typed(name: str) -> None:
    assert ours(f"device={name}") == {"device": name}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("dataset=2024,train.seed=7", {"dataset": "2024", "train": {"seed": 7}}),
        ("dataset=null", {"dataset": None}),
        ("images.path=007,images.size=32", {"images": {"path": "007", "size": 32}}),
        ("measure.device=3090,measure.cells=5", {"measure": {"device": "3090", "cells": 5}}),
        ("measure.device=null", {"measure": {"device": None}}),
        ("device='855'", {"device": "855"}),
        ("constraints=[latency_ms <= 5]", {"constraints": ["latency_ms <= 5"]}),
        ("export.measure=true", {"export": {"measure": True}}),
    ],
)
def test_wherever_the_configuration_has_a_text(given: str, expected: dict[str, Any]) -> None:
    assert ours(given) == expected


@pytest.mark.parametrize(
    "given", ["train.epochs=1e1", "nothing.like.that=1", "train=3", "x=1,y.z="]
)
def test_all_else_is_left_to_kedro(given: str) -> None:
    assert ours(given) == kedros(given)


def test_options_of_a_file_are_taken_as_they_are() -> None:
    values = {"device": 855}
    option = next(o for o in cli.commands["run"].params if o.name == "params")
    assert option.callback is not _split_params
    context = click.Context(cli.commands["run"])
    assert option.callback(context, option, values) == values


def test_without_parameters_there_are_none() -> None:
    assert ours("") == {}

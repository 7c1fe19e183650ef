"""Texts of the command line stay as typed and lists whole; Kedro parses all other values."""

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


CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"


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
        ("export.member=3", {"export": {"member": 3}}),
        (f"export.member={CELL},device=855", {"export": {"member": CELL}, "device": "855"}),
    ],
)
def test_wherever_the_configuration_has_a_text(given: str, expected: dict[str, Any]) -> None:
    assert ours(given) == expected


@pytest.mark.parametrize(
    "given", ["train.epochs=1e1", "nothing.like.that=1", "train=3", "x=1,y.z="]
)
def test_all_else_is_left_to_kedro(given: str) -> None:
    assert ours(given) == kedros(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("objectives=[accuracy,-latency_ms]", {"objectives": ["accuracy", "-latency_ms"]}),
        (
            "constraints=[latency_ms <= 5, latency_ms@phone + params_m <= 2],train.seed=1",
            {
                "constraints": ["latency_ms <= 5", "latency_ms@phone + params_m <= 2"],
                "train": {"seed": 1},
            },
        ),
        ("train.seed=1, constraints=[]", {"constraints": [], "train": {"seed": 1}}),
        ("ingest.benchmarks=[latbench,help]", {"ingest": {"benchmarks": ["latbench", "help"]}}),
        ("network.input_shape=[3,32,32]", {"network": {"input_shape": [3, 32, 32]}}),
        (
            "search.limits.source={latency_ms: device, energy_mj@box: table},device=1",
            {
                "search": {
                    "limits": {"source": {"latency_ms": "device", "energy_mj@box": "table"}}
                },
                "device": "1",
            },
        ),
    ],
)
def test_a_list_or_mapping_keeps_its_commas(given: str, expected: dict[str, Any]) -> None:
    assert ours(given) == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("objectives=accuracy,-latency_ms", "objectives=[accuracy, -latency_ms]"),
        ("objectives=accuracy;-latency_ms", "objectives=[accuracy, -latency_ms]"),
        ("constraints=latency_ms <= 5", "constraints=["),
        ("ingest.benchmarks=latbench", "ingest.benchmarks=["),
        ("objectives=[accuracy,-latency_ms", "[accuracy,-latency_ms is no YAML"),
        ("train.seed", "train.seed"),
        ("=3", "key"),
    ],
)
def test_a_malformed_value_is_wrong_usage(given: str, told: str) -> None:
    options = [o for o in cli.commands["run"].params if o.name == "params"]
    command = click.Command("run", params=options, callback=lambda params: None)
    done = CliRunner().invoke(command, [f"--params={given}"])
    assert done.exit_code == 2
    assert told in done.output


def test_options_of_a_file_are_taken_as_they_are() -> None:
    values = {"device": 855}
    option = next(o for o in cli.commands["run"].params if o.name == "params")
    assert option.callback is not _split_params
    context = click.Context(cli.commands["run"])
    assert option.callback(context, option, values) == values


def test_without_parameters_there_are_none() -> None:
    assert ours("") == {}

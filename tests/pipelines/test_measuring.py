"""Settings of a measurement, from the parameters."""

from __future__ import annotations

from typing import Any

import pytest

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.measure import Protocol
from pipelines.config import TimingConfig, parse
from pipelines.measuring import measure_settings, set_up_timing
from pipelines.network import network_config
from tests.pipelines.search.stage import NETWORK, TIMING


def test_every_parameter_arrives() -> None:
    values = TIMING | {"threads": 2, "batch_size": 3, "warmup": 4, "runs": 5, "repeats": 6}
    settings = measure_settings(parse(TimingConfig, values), "nasbench201", network_config(NETWORK))
    assert settings.protocol == Protocol(4, 5, 6)
    assert settings.space == "nasbench201"
    assert (settings.batch_size, settings.runtime.threads) == (3, 2)
    assert (settings.runtime.name, settings.runtime.precision) == ("onnxruntime", "fp32")
    assert (settings.network.channels, settings.network.input_shape) == (2, (1, 8, 8))


def test_a_precision_that_the_runtime_lacks_is_refused() -> None:
    values = TIMING | {"runtime": "torch", "precision": "int8"}
    with pytest.raises(UnknownNameError, match="torch eager"):
        measure_settings(parse(TimingConfig, values), "nasbench201", network_config(NETWORK))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "locl"}, r"timing\.target.*'local'"),
        ({"target": "CUDAExecutionProvider"}, r"now timing\.provider"),
        ({"target": "ssh://-oProxyCommand=x"}, "ssh://pi@"),
        ({"target": "command"}, r"--command .*timing\.command"),
        ({"command": {"run": "x {file}", "latency": "(.)"}}, "timing.command"),
        ({"target": "command", "command": {"run": "x", "latency": "(.)"}}, "names no"),
        ({"command": {"run": "x {file}", "latency": "(.)", "shell": "x"}}, "shell"),
    ],
)
def test_places_that_do_not_exist(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        set_up_timing("nasbench201", NETWORK, TIMING | changes)


def test_places() -> None:
    board = set_up_timing("nasbench201", NETWORK, TIMING | {"target": "ssh://pi@board:22"})
    with board.open_target() as target:
        assert target.name == "ssh://pi@board:22"
    command = {"run": "x {file}", "latency": "(.)"}
    tool = TIMING | {"target": "command", "command": command}
    with set_up_timing("nasbench201", NETWORK, tool).open_target() as target:
        assert target.name == "command"

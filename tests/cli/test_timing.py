from __future__ import annotations

import pytest

from brpnas.cli.options import PrecisionName, RuntimeName
from brpnas.cli.timing import command_of, settings_of
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.measure import Command, MeasureSettings, Protocol, TorchEager
from brpnas.spaces import NetworkConfig

SMALL = NetworkConfig(4, 1, 2, (1, 8, 8), 10)


def test_settings_are_those_of_the_options() -> None:
    numbers = (2, 3, 4, 5, 6)
    found = settings_of(RuntimeName.TORCH, None, PrecisionName.FP32, *numbers, SMALL, "nasbench201")
    assert found == MeasureSettings(TorchEager(threads=2), Protocol(4, 5, 6), SMALL, 3)


def test_a_precision_that_the_runtime_lacks() -> None:
    with pytest.raises(UnknownNameError, match="int8"):
        settings_of(
            *(RuntimeName.TORCH, None, PrecisionName.INT8, 1, 1, 10, 20, 10),
            *(SMALL, "nasbench201"),
        )


def test_commands() -> None:
    assert command_of(None, "x", "y", "z") is None
    assert command_of("tool {file}", "([0-9.]+) ms", None, None) == Command(
        "tool {file}", "([0-9.]+) ms", None, None
    )
    with pytest.raises(ConfigurationError):
        command_of("tool {file}", None, None, None)

"""`brpnas devices`: a list, and a device by its name."""

from __future__ import annotations

import pytest

from brpnas.devices import load_devices
from tests.cli.conftest import Brpnas

NAME = "embedded-tpu-edge-tpu-int8"


def test_without_arguments_it_lists(brpnas: Brpnas) -> None:
    result = brpnas("devices")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in load_devices())


def test_a_name_is_explained(brpnas: Brpnas) -> None:
    result = brpnas("devices", NAME)
    assert result.exit_code == 0
    assert result.stdout == brpnas("devices", "show", NAME).stdout
    assert "Google Edge TPU" in result.stdout
    assert "precision" in result.stdout


@pytest.mark.parametrize("arguments", [("--nothing",), (NAME, NAME), ("check",)])
def test_wrong_usage(brpnas: Brpnas, arguments: tuple[str, ...]) -> None:
    assert brpnas("devices", *arguments).exit_code == 2

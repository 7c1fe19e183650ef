"""The size of networks as one line of text."""

from __future__ import annotations

import re

import pytest

from brpnas.errors import ConfigurationError
from brpnas.spaces import NetworkConfig

ODD = NetworkConfig(3, 2, 4, (1, 9, 7), 12)


@pytest.mark.parametrize("network", [NetworkConfig(), ODD])
def test_text_and_back(network: NetworkConfig) -> None:
    assert NetworkConfig.of_size(network.size) == network.as_exported
    assert NetworkConfig.of_size(f" {network.size.replace(' ', '  ')} ").size == network.size


def test_dead_operations_are_no_part_of_the_size() -> None:
    assert ODD.size == ODD.as_exported.size
    assert not ODD.as_exported.executes_dead_ops


@pytest.mark.parametrize(
    "text",
    ["", "channels=3", ODD.size + " more", ODD.size.replace("1x9", "1,9"), "|none~0|", "9" * 5000],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{re.escape(repr(text))} .*: '.*classes=10'"):
        NetworkConfig.of_size(text)


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be 1 or more"):
        NetworkConfig.of_size(ODD.size.replace("channels=3", "channels=0"))

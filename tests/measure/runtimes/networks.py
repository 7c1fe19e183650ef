"""Runtimes that are installed here, and small networks for them."""

from __future__ import annotations

import os

import pytest
from torch import nn

from brpnas.errors import ConfigurationError
from brpnas.export import initialise_weights
from brpnas.measure.runtimes import Runtime
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.nasbench201.build import build_network
from brpnas.spaces.network import NetworkConfig

TINY = NetworkConfig(
    channels=3, cells_per_stage=1, stages=2, input_shape=(1, 9, 9), classes=2
).as_exported
"""An odd image: the reduction between the stages rounds up."""


def installed(runtime: Runtime) -> Runtime:
    """The runtime; skips the test without its extra, fails with BRPNAS_REQUIRE_RUNTIMES=1."""
    try:
        runtime.check()
    except ConfigurationError as error:
        if os.environ.get("BRPNAS_REQUIRE_RUNTIMES") == "1":
            raise
        pytest.skip(str(error))
    return runtime


def cell_network(*codes: int, size: NetworkConfig = TINY) -> nn.Module:
    """The network of a cell, with weights of proper statistics."""
    built = build_network(to_string(codes), size)
    initialise_weights(built, size.input_shape, seed=0)
    return built.eval()

"""Exports of tests that are not about the exporter of torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from brpnas.export import (
    export_device_predictor,
    export_image_network,
    export_network,
    export_predictor,
)

_WRITERS = (export_device_predictor, export_image_network, export_network, export_predictor)


@contextmanager
def exporting_quickly() -> Iterator[None]:
    """Within the block ``torchscript`` is the default exporter: ten times faster than ``dynamo``.

    Processes started in it use the exporter of the library.
    """
    with pytest.MonkeyPatch.context() as patch:
        for write in _WRITERS:
            patch.setitem(write.__kwdefaults__, "exporter", "torchscript")
        yield

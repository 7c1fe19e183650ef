"""A fixture for modules whose tests export many files and are not about the exporter of torch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brpnas.export import (
    export_device_predictor,
    export_image_network,
    export_network,
    export_predictor,
)

_WRITERS = (export_device_predictor, export_image_network, export_network, export_predictor)


@pytest.fixture(scope="module", autouse=True)
def quick_export() -> Iterator[None]:
    """Export by ``torchscript`` where no exporter is named, ten times faster than ``dynamo``.

    Processes that a test starts use the default exporter.
    """
    with pytest.MonkeyPatch.context() as patch:
        for write in _WRITERS:
            patch.setitem(write.__kwdefaults__, "exporter", "torchscript")
        yield

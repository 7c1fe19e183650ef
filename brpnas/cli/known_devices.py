"""Work and text of ``brpnas predict --device``: answers of a prior about a device it knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from brpnas.cli.cells import read_cell
from brpnas.cli.predictions import as_text
from brpnas.cli.text import fields
from brpnas.datasets.metrics import LATENCY_MS
from brpnas.devices import load_devices
from brpnas.predictors.transfer import (
    DeviceAnswers,
    DevicePrior,
    known_device,
    predict_known,
    shipped_prior,
)
from brpnas.predictors.transfer.known_device import COVERAGE
from brpnas.serving import OUTPUTS
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, get_space, opened_space

__all__ = ["KnownLatencies", "predict_device"]


@dataclass(frozen=True, eq=False)
class KnownLatencies:
    """Latencies on a device that a prior knows, and the error to expect.

    Attributes:
        device: Name of the device.
        network_size: Size of its networks.
        answers: Error of the prior on this device.
        rows: Columns ``latency_ms, lower_ms, upper_ms, arch_id``.
    """

    device: str
    network_size: str
    answers: DeviceAnswers
    rows: pd.DataFrame

    def as_text(self) -> str:
        """The table, and below it device and error."""
        error, described = self.answers, load_devices().get(self.device)
        order = "undefined" if error.spearman is None else f"{error.spearman:.3f}"
        facts = {
            "device": self.device,
            "hardware": "" if described is None else described.hardware,
            "networks": self.network_size,
            "error": f"median {100 * error.median:.1f} %, {100 * error.within_10:.1f} % of cells "
            f"within ±10 %, Spearman {order}",
            "measured on": f"{error.rows:,} cells of this device, unknown to the prior",
            "interval": f"holds {100 * COVERAGE:.0f} % of these cells",
        }
        return f"{as_text(self.rows)}\n\n{fields(facts)}"

    def as_json(self) -> str:
        """One JSON object: device, size, error, and a list with an object per row."""
        names = ("rows", "median", "within_10", "spearman")
        error = {name: value for name, value in asdict(self.answers).items() if name in names}
        return json.dumps(
            {
                "device": self.device,
                "network_size": self.network_size,
                "coverage": COVERAGE,
                "error": error,
                "predictions": self.rows.to_dict("records"),
            },
            indent=2,
        )


def predict_device(
    device: str,
    texts: Sequence[str],
    *,
    prior: Path | None = None,
    network_size: str | None = None,
    space: str = DEFAULT_SPACE,
) -> KnownLatencies:
    """Latency of architectures on a device that a prior knows.

    Args:
        device: Name of the device.
        texts: Architectures, in any notation of the space.
        prior: File of the prior; None for the packaged one.
        network_size: Size of their networks; None for that of the device.
        space: Space of the packaged prior. A file names its own.

    Raises:
        UnknownNameError: If the prior does not know the device; lists those that it knows.
        SchemaError: If the file is not a prior, or the networks have another size.
        ArchitectureError: If a text is not an architecture, or nothing like it was measured.
    """
    known = shipped_prior(get_space(space).name) if prior is None else DevicePrior.load(prior)
    if network_size is not None:
        network_size = NetworkConfig.of_size(network_size).size
    answers, size = known_device(known, device, network_size)
    opened = opened_space(known.space, prior or "The prior that ships")
    arch_ids = [read_cell(text, opened) for text in texts]
    latencies = predict_known(known, device, opened.graphs(arch_ids))
    columns = dict(zip(OUTPUTS[LATENCY_MS], latencies.T, strict=True))
    return KnownLatencies(device, size, answers, pd.DataFrame({**columns, "arch_id": arch_ids}))

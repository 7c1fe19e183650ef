"""Whether tables and predictors are of the networks that a search is about.

A search that spends, on trainings, measurements or answers by hand, is refused if its latency is of
networks of another size. One that only looks up can transfer: the order of cells holds well between
sizes, milliseconds and accuracies do not, and the report says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from brpnas.datasets import stated_size
from brpnas.errors import ConfigurationError
from brpnas.spaces import NetworkConfig, get_space
from pipelines.config import SearchConfig

__all__ = ["PRECISION", "Delivered", "answering_sizes", "check_latency_size"]

PRECISION = "fp32"
"""Of every network file that is delivered."""


def latency_size(latency_predictions: pd.DataFrame, space: str) -> str:
    """Size of the networks whose latency is predicted; the published one where none is stated."""
    return stated_size(latency_predictions) or get_space(space).published.size


def check_latency_size(
    config: SearchConfig, network: NetworkConfig, latency_predictions: pd.DataFrame, space: str
) -> None:
    """Refuse a search that spends on networks of another size than its latency is of.

    Args:
        config: What answers, and whether latency is measured.
        network: The networks that would be trained and measured.
        latency_predictions: What `train` has predicted.
        space: Name of the space.

    Raises:
        ConfigurationError: If so; nothing has been spent then.
    """
    known, device = latency_size(latency_predictions, space), latency_predictions["device"].iloc[0]
    spends = config.oracle in {"train", "file"} or config.latency == "device"
    if known == network.size or not (spends or config.measure_winner):
        return
    raise ConfigurationError(
        f"The latency of {device!r} was measured on networks of the size {known}, but this search "
        f"trains and measures networks of the size {network.size} (the parameters network, "
        "images.path and images.size). Measure networks of this size under another name, and "
        "search with it: kedro run --pipelines=measure,ingest,featurise,train "
        "--params=measure.device=NAME,device=NAME in the same environment, and the same two "
        "parameters for the search. Or set network to the size that was measured."
    )


@dataclass(frozen=True)
class Delivered:
    """The network file that is delivered, against what the search knew.

    Args:
        network: Its size.
        latency_size: Size of the networks whose latency is predicted and limited.
        accuracy_sizes: Sizes of the networks whose accuracies answered, where these are known.
        precision: Precision of the device that latency is of; None if nothing states it.
        known_ms: Latency of the architecture on that device, measured; None if it was not.
        file_ms: Latency of the file itself, measured; None if it was not.
        runtime: What measured the file, as `measure.runtime` calls it.
    """

    network: NetworkConfig
    latency_size: str
    accuracy_sizes: Sequence[str]
    precision: str | None
    known_ms: float | None
    file_ms: float | None
    runtime: str

    @property
    def has_latency(self) -> bool:
        """Whether `latency_ms`, or a prediction in its place, is of this file."""
        return self.file_ms is not None or self.is_as_predicted

    @property
    def is_as_predicted(self) -> bool:
        """Whether predictions are of networks of its size and precision."""
        return self.latency_size == self.network.size and self.precision in {None, PRECISION}

    @property
    def latency_ms(self) -> float | None:
        """Latency of the file if it was measured, else that of the architecture on the device."""
        return self.known_ms if self.file_ms is None else self.file_ms

    def error(self, predicted_ms: float) -> float | None:
        """Predicted over measured latency, less 1; None if the two are of different networks."""
        is_other = self.file_ms is not None and not self.is_as_predicted
        return None if self.latency_ms is None or is_other else predicted_ms / self.latency_ms - 1

    def notes(self) -> list[str]:
        """What a reader must know before using a figure, a sentence or two each."""
        found = []
        if self.latency_size != self.network.size:
            found.append(
                f"Transfer: latencies and their limit are of networks of the size "
                f"{self.latency_size}; the network file is of the size {self.network.size}. "
                f"{self._own_latency()}"
            )
        others = sorted({size for size in self.accuracy_sizes if size != self.network.size})
        if others:
            found.append(
                f"Transfer: accuracies are of networks of the size {', '.join(others)}; the "
                f"network file is of the size {self.network.size}, and its accuracy is not known."
            )
        if self.precision not in {None, PRECISION}:
            known = "" if self.known_ms is None else f" A network of {self.precision} takes "
            known += "" if self.known_ms is None else f"{self.known_ms:.4g} ms."
            found.append(
                f"Precision: latencies and their limit are of {self.precision} networks; the "
                f"network file is {PRECISION}. {self._own_latency()}{known}"
            )
        if self.file_ms is not None and self.runtime != "onnxruntime":
            found.append(
                f"Runtime: the network was measured in {self.runtime}; the network file is for "
                "ONNX Runtime, whose latency was not measured."
            )
        return found

    def _own_latency(self) -> str:
        if self.file_ms is None:
            return "Its own latency was not measured (search.measure_winner)."
        return f"The file itself takes {self.file_ms:.4g} ms, as measured."


def answering_sizes(
    config: SearchConfig, accuracy: pd.DataFrame, dataset: str, space: str
) -> list[str]:
    """Sizes of the networks whose accuracies answer, where these are known.

    None where the oracle trains: those are of the size of the search.
    """
    if config.oracle == "surrogate":
        return [get_space(space).published.size]
    if config.oracle != "table":
        return []
    rows = accuracy[accuracy["dataset"] == dataset]
    if "network_size" not in rows:
        return []
    return [str(size) for size in rows["network_size"].dropna().unique()]

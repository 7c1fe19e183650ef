"""The delivered network file, and how it differs from the networks of the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brpnas.spaces import NetworkConfig

__all__ = ["PRECISION", "Delivered", "Latency", "Networks"]

PRECISION = "fp32"
"""Precision of every delivered network file."""


@dataclass(frozen=True)
class Networks:
    """Networks with a latency: their size and precision, their runtime and device.

    Args:
        size: `NetworkConfig.size`.
        device: Name of the device, or a description of an unnamed device.
        precision: Precision as in the catalogue of devices; None if not stated.
        runtime: Runtime as in the catalogue of devices; None if not stated.
    """

    size: str
    device: str
    precision: str | None = None
    runtime: str | None = None

    @property
    def in_torch(self) -> bool:
        """Whether torch runs the networks."""
        return (self.runtime or "").startswith("torch")

    def are_like(self, network: NetworkConfig) -> bool:
        """Whether a network file of this size belongs to them."""
        precise = self.precision in {None, PRECISION}
        return self.size == network.size and precise and not self.in_torch


@dataclass(frozen=True)
class Latency:
    """A latency in ms, and its networks."""

    ms: float
    of: Networks


@dataclass(frozen=True)
class Delivered:
    """The delivered network file, and the latencies of its architecture in the search.

    Args:
        network: Its size.
        accuracy_sizes: Sizes of the networks with the answered accuracies, if known.
        predicted: Predicted latency of the architecture; the limits are of the same networks.
        known: Measured latency of the architecture; None if not measured.
        measured: Measured latency of the delivered network itself; None if not measured.
    """

    network: NetworkConfig
    accuracy_sizes: Sequence[str]
    predicted: Latency
    known: Latency | None = None
    measured: Latency | None = None

    @property
    def latency(self) -> Latency | None:
        """Measured latency of the file, else of an equal network; None if neither is known."""
        found = (self.measured, self.known)
        return next((x for x in found if x is not None and x.of.are_like(self.network)), None)

    @property
    def is_elsewhere(self) -> bool:
        """Whether `latency` is of another device than the predictions and limits."""
        return self.latency is not None and self.latency.of.device != self.predicted.of.device

    def figures(self) -> dict[str, float | str | None]:
        """Latencies of the file, null if unknown.

        ``predicted_latency_ms`` and ``latency_ms`` are of the device of the task, ``latency_error``
        is the predicted over the measured, less 1. ``latency_elsewhere_ms`` is a latency of another
        device, and ``measured_on`` names this device.
        """
        predicted = self.predicted.ms if self.predicted.of.are_like(self.network) else None
        measured = None if self.latency is None else self.latency.ms
        here = None if self.is_elsewhere else measured
        known = predicted is not None and here is not None
        elsewhere = self.latency if self.is_elsewhere else None
        return {
            "predicted_latency_ms": predicted,
            "latency_ms": here,
            "latency_error": predicted / here - 1 if known else None,
            "latency_elsewhere_ms": elsewhere and elsewhere.ms,
            "measured_on": elsewhere and elsewhere.of.device,
        }

    def notes(self) -> list[str]:
        """Warnings about the figures for the reader, a sentence or two each."""
        notes = [self._size(), self._accuracy(), self._precision(), self._runtime(), self._device()]
        return [note for note in notes if note]

    def _size(self) -> str:
        of = self.predicted.of
        if of.size == self.network.size:
            return ""
        return (
            f"Transfer: latencies and their limit are of networks of the size {of.size}; the "
            f"network file is of the size {self.network.size}. {self._of_the_file()}"
        )

    def _accuracy(self) -> str:
        others = sorted({size for size in self.accuracy_sizes if size != self.network.size})
        if not others:
            return ""
        return (
            f"Transfer: accuracies are of networks of the size {', '.join(others)}; the "
            f"network file is of the size {self.network.size}, and its accuracy is not known."
        )

    def _precision(self) -> str:
        said = {"latencies and their limit": self.predicted, "measured latencies": self.known}
        for what, latency in said.items():
            if latency is not None and latency.of.precision not in {None, PRECISION}:
                precision = latency.of.precision
                return (
                    f"Precision: {what} are of {precision} networks; the network file is "
                    f"{PRECISION}. {self._of_the_file()}{self._of_others(precision or '')}"
                )
        if self.predicted.of.precision is None:
            return (
                "Precision: nothing states the precision of the networks that were measured; they "
                f"are taken to be {PRECISION}, as the network file is. State it in the column "
                "precision of the table, or in devices.yml."
            )
        return ""

    def _runtime(self) -> str:
        if self.predicted.of.in_torch:
            return (
                "Runtime: latencies and their limit are of networks in torch; the network file is "
                f"for ONNX Runtime. {self._of_the_file()}{self._of_others('torch')}"
            )
        if self.measured is None or not self.measured.of.in_torch:
            return ""
        return (
            f"Runtime: the network was measured in torch, where it takes {self.measured.ms:.4g} "
            "ms; the network file is for ONNX Runtime, whose latency was not measured."
        )

    def _device(self) -> str:
        mine = self.predicted.of.device
        found = [x.of.device for x in (self.measured, self.known) if x and x.of.device != mine]
        if not found:
            return ""
        return (
            f"Device: latency is measured on another device ({found[0]}) than it is predicted of "
            f"({mine}), so the two do not compare, and a limit on latency is kept on {mine} by "
            "prediction alone."
        )

    def _of_the_file(self) -> str:
        if self.measured is None or not self.measured.of.are_like(self.network):
            return "Its own latency was not measured (search.report.measure_winner)."
        return f"The file itself takes {self.measured.ms:.4g} ms, as measured."

    def _of_others(self, kind: str) -> str:
        """Latency of the networks other than the file."""
        measured = self.measured if self.measured and self.measured.of.in_torch else self.known
        if measured is None or measured.of.are_like(self.network):
            return f" For a network of {kind} {self.predicted.ms:.4g} ms are predicted."
        return f" A network of {kind} takes {measured.ms:.4g} ms."

"""Latencies of the architecture found, and the delivered file that they are compared with.

`search` knows latencies of its networks; `export` measures the delivered file. `Delivered` says
which figures are of the file, and how other networks differ from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from brpnas.measure import runtime_of
from brpnas.measure.runtimes import RUNTIMES

__all__ = ["Delivered", "DeliveredFile", "Latency", "Networks"]

_ASSUMED = "fp32"
"""Precision of networks whose precision is not stated."""


@dataclass(frozen=True)
class DeliveredFile:
    """What decides the latency of a network file on a device.

    Args:
        size: `NetworkConfig.size`.
        precision: Number format of weights and activations.
        runtime: Name of the runtime that it is for.
    """

    size: str
    precision: str
    runtime: str

    @property
    def title(self) -> str:
        """Name of its runtime in messages."""
        return RUNTIMES[self.runtime].title


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
    def runs_in(self) -> str | None:
        """Name of their runtime; None for software without a converter here."""
        return runtime_of(self.runtime)

    def are_like(self, file: DeliveredFile) -> bool:
        """Whether a file belongs to them. Unknown software counts as that of the file."""
        precise = (self.precision or _ASSUMED) == file.precision
        return self.size == file.size and precise and self.runs_in in {None, file.runtime}


@dataclass(frozen=True)
class Latency:
    """A latency in ms, and its networks."""

    ms: float
    of: Networks

    def plain(self) -> dict[str, Any]:
        """JSON types, for `read`."""
        return asdict(self)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """The latency of `plain`."""
        return cls(plain["ms"], Networks(**plain["of"]))


@dataclass(frozen=True)
class Delivered:
    """The delivered network file, and the latencies of its architecture in the search.

    Args:
        file: The file.
        accuracy_sizes: Sizes of the networks with the answered accuracies, if known.
        predicted: Predicted latency of the architecture; the limits are of the same networks.
        known: Measured latency of the architecture; None if not measured.
        measured: Measured latency of the file itself; None if not measured.
    """

    file: DeliveredFile
    accuracy_sizes: Sequence[str]
    predicted: Latency
    known: Latency | None = None
    measured: Latency | None = None

    @property
    def latency(self) -> Latency | None:
        """Measured latency of the file, else of an equal network; None if neither is known."""
        found = (self.measured, self.known)
        return next((x for x in found if x is not None and x.of.are_like(self.file)), None)

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
        predicted = self.predicted.ms if self.predicted.of.are_like(self.file) else None
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
        if of.size == self.file.size:
            return ""
        return (
            f"Transfer: latencies and their limit are of networks of the size {of.size}; the "
            f"network file is of the size {self.file.size}. {self._of_the_file()}"
        )

    def _accuracy(self) -> str:
        others = sorted({size for size in self.accuracy_sizes if size != self.file.size})
        if not others:
            return ""
        return (
            f"Transfer: accuracies are of networks of the size {', '.join(others)}; the "
            f"network file is of the size {self.file.size}, and its accuracy is not known."
        )

    def _precision(self) -> str:
        said = {"latencies and their limit": self.predicted, "measured latencies": self.known}
        for what, latency in said.items():
            if latency is None:
                continue
            precision = latency.of.precision or _ASSUMED
            if precision != self.file.precision:
                return (
                    f"Precision: {what} are of {precision} networks; the network file is "
                    f"{self.file.precision}. {self._of_the_file()}{self._of_others(precision)}"
                )
        if self.predicted.of.precision is None:
            return (
                "Precision: nothing states the precision of the networks that were measured; they "
                f"are taken to be {_ASSUMED}, as the network file is. State it in the column "
                "precision of the table, or in devices.yml."
            )
        return ""

    def _runtime(self) -> str:
        theirs = self.predicted.of.runs_in
        if theirs in {None, self.file.runtime}:
            return ""
        title = RUNTIMES[str(theirs)].title
        return (
            f"Runtime: latencies and their limit are of networks in {title}; the network file is "
            f"for {self.file.title}. {self._of_the_file()}{self._of_others(title)}"
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
        if self.measured is None:
            return "Its own latency was not measured (export.measure)."
        return f"The file itself takes {self.measured.ms:.4g} ms, as measured."

    def _of_others(self, kind: str) -> str:
        """Latency of the networks other than the file."""
        if self.known is None or self.known.of.are_like(self.file):
            return f" For a network of {kind} {self.predicted.ms:.4g} ms are predicted."
        return f" A network of {kind} takes {self.known.ms:.4g} ms."

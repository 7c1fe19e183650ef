"""The events of a search: `Plan`, `Measurement` and `Record`, and their `History`.

Samplers read the `History`; reports and metrics read its table (`History.to_frame`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.metrics import LATENCY_MS
from brpnas.typed import Count, Finite, Fraction, Positive

__all__ = ["History", "Measurement", "Plan", "Record", "Status"]

Status = Literal["ok", "stopped", "failed", "pending"]


@dataclass(frozen=True)
class Plan:
    """The architectures of one round, fixed before its first query.

    Attributes:
        round: Number of the round, from 0.
        sampler: Name of the sampler.
        first_query: Number of the round's first query.
        arch_ids: Architectures in the order of their query numbers.
        leader: Choice of the sampler among the architectures answered earlier; null if the answers
            decide.
    """

    round: Count
    sampler: str
    first_query: Count
    arch_ids: tuple[str, ...]
    leader: str | None = None


@dataclass(frozen=True)
class Measurement:
    """The measurement of a proposed architecture, before its query.

    Attributes:
        round: Number of the proposing round.
        arch_id: The architecture.
        within: Whether it satisfies the constraints. If not, it is never chosen, and queried only
            if the sampler `samples_infeasible`.
        values: Measured metrics by name; empty if unknown or if the measurement failed.
        message: Cause of the failure; empty without a failure.
    """

    round: Count
    arch_id: str
    within: bool
    values: Mapping[str, Positive] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Record:
    """One query and its answer.

    Attributes:
        query: Number of the query, from 0.
        round: Number of the round.
        sampler: Name of the sampler.
        arch_id: The architecture.
        isomorphism_id: Id of its function.
        status: ``ok``; ``stopped`` if the training ended early, see `brpnas.search.StoppingRule`;
            ``failed`` if the oracle had no answer; or ``pending`` if the query is in
            flight, only in the history of a sampler.
        accuracy: Validation accuracy after the whole training, fraction; null unless ok.
        seed: Training seed of the answer, if known.
        cost_s: Training time in seconds, if known.
        feasible: Whether the architecture satisfies the constraints and may be chosen. The ranker
            also learns from the others.
        message: Cause of the failure; empty without a failure.
        asked_at: Time of the query, ISO 8601, UTC.
        curve: Validation accuracy after each epoch, if known.
        forecast: Forecast of the accuracy of a stopped training, fraction; null if it was stopped
            too early for one.
        score: Standardised score by the ranker before the query, if known.
    """

    query: Count
    round: Count
    sampler: str
    arch_id: str
    isomorphism_id: str
    status: Status
    accuracy: Fraction | None = None
    seed: int | None = None
    cost_s: Finite | None = None
    feasible: bool = True
    message: str = ""
    asked_at: str = ""
    curve: tuple[Fraction, ...] | None = None
    forecast: Fraction | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ValueError(f"status must be one of {get_args(Status)}, not {self.status!r}")
        if (self.accuracy is not None) != (self.status == "ok"):
            raise ValueError(f"status {self.status!r} does not go with accuracy {self.accuracy}")
        if self.forecast is not None and self.status != "stopped":
            raise ValueError(f"status {self.status!r} does not go with forecast {self.forecast}")


@dataclass
class History:
    """Records of queries in order of their numbers.

    A query in flight (``pending``) counts as a query without an answer. Repeated queries of an
    architecture have different training seeds; the mean of their answers counts. A failed query has
    no answer and is not repeated. A stopped training may have a forecast: the ranker learns from
    it, but the architecture is not chosen.

    Attributes:
        records: The queries.
        measurements: Measurements of proposals, by architecture.
    """

    records: list[Record] = field(default_factory=list)
    measurements: dict[str, Measurement] = field(default_factory=dict)
    _answers: dict[str, list[float]] = field(default_factory=dict, init=False, repr=False)
    _forecasts: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _seeds: dict[str, set[int]] = field(default_factory=dict, init=False, repr=False)
    _queried: dict[str, None] = field(default_factory=dict, init=False, repr=False)
    _classes: set[str] = field(default_factory=set, init=False, repr=False)
    _asked: set[str] = field(default_factory=set, init=False, repr=False)
    _infeasible: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        records, self.records = self.records, []
        self.extend(records)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def extend(self, records: Iterable[Record]) -> None:
        """Add records; they must follow the earlier ones."""
        for record in records:
            self.records.append(record)
            self._queried[record.arch_id] = None
            self._asked.add(record.isomorphism_id)
            if record.feasible:
                self._classes.add(record.isomorphism_id)
            else:
                self._infeasible.add(record.arch_id)
            if record.accuracy is not None:
                self._answers.setdefault(record.arch_id, []).append(record.accuracy)
            if record.forecast is not None:
                self._forecasts[record.arch_id] = record.forecast
            if record.seed is not None:
                self._seeds.setdefault(record.arch_id, set()).add(record.seed)

    def note(self, measurements: Iterable[Measurement]) -> None:
        """Add measurements."""
        self.measurements.update((m.arch_id, m) for m in measurements)

    def refuses(self, arch_id: str) -> bool:
        """Whether a measurement refused the architecture."""
        return arch_id in self.measurements and not self.measurements[arch_id].within

    @property
    def next_round(self) -> int:
        """Number of the next round."""
        return self.records[-1].round + 1 if self.records else 0

    @property
    def queried(self) -> tuple[str, ...]:
        """Every architecture queried, failures included, in order of first query."""
        return tuple(self._queried)

    @property
    def pending(self) -> frozenset[str]:
        """Architectures with a query in flight."""
        return frozenset(record.arch_id for record in self.records if record.status == "pending")

    @property
    def functions(self) -> frozenset[str]:
        """Isomorphism ids of all queried feasible architectures."""
        return frozenset(self._classes)

    def knows(self, isomorphism_id: str) -> bool:
        """Whether a feasible architecture of this function has been queried.

        Infeasible ones do not count: an isomorphic architecture may satisfy the constraints.
        """
        return isomorphism_id in self._classes

    def has_asked(self, isomorphism_id: str) -> bool:
        """Whether any architecture of this function has been queried."""
        return isomorphism_id in self._asked

    def revealed_seeds(self, arch_id: str) -> frozenset[int]:
        """Training seeds in the answers of the architecture."""
        return frozenset(self._seeds.get(arch_id, ()))

    def answers(self) -> dict[str, tuple[float, ...]]:
        """Validation accuracies of each answered architecture, in order of first answer."""
        return {arch_id: tuple(answers) for arch_id, answers in self._answers.items()}

    def means(self) -> dict[str, float]:
        """Mean validation accuracy of each answered architecture, in order of first answer.

        After them the forecasts of those whose trainings were all stopped.
        """
        others = {a: f for a, f in self._forecasts.items() if a not in self._answers}
        return {**self._means(), **others}

    def _means(self) -> dict[str, float]:
        return {arch_id: sum(a) / len(a) for arch_id, a in self._answers.items()}

    def choosable(self) -> dict[str, float]:
        """Mean validation accuracy of the candidates for the final choice.

        They are feasible, and were trained to the end.
        """
        return {
            arch: mean
            for arch, mean in self._means().items()
            if arch not in self._infeasible and not self.refuses(arch)
        }

    def measured_frame(
        self, predicted: Mapping[str, npt.NDArray[np.floating[Any]]]
    ) -> pd.DataFrame:
        """Table of the measurements, as `brpnas.search.SearchResult` describes it.

        Args:
            predicted: Predicted metrics of the measured architectures, in their order.
        """
        rows = list(self.measurements.values())
        types = {"round": "int64", "arch_id": "str", "within": "bool", "message": "str"}
        frame = pd.DataFrame({name: [getattr(m, name) for m in rows] for name in types})
        frame = frame.astype(types).assign(**self._measured(m.arch_id for m in rows))
        return frame.assign(**{f"predicted_{name}": v for name, v in predicted.items()})

    def _measured(self, arch_ids: Iterable[str]) -> dict[str, list[float]]:
        """Columns of measured metrics, latency always among them; NaN where not measured."""
        found = [m.values if (m := self.measurements.get(name)) else {} for name in arch_ids]
        names = sorted({LATENCY_MS, *(n for m in self.measurements.values() for n in m.values)})
        return {name: [values.get(name, np.nan) for values in found] for name in names}

    def to_frame(
        self,
        predicted: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
        rows: npt.NDArray[np.int64] | None = None,
        *,
        estimates: Mapping[str, float] | None = None,
        leaders: Mapping[int, str] | None = None,
    ) -> pd.DataFrame:
        """Table with one row per query.

        Args:
            predicted: Predicted metrics of the whole space by name, each ``[N]``; each becomes a
                column ``predicted_<name>``.
            rows: Row of each record in the predictions; needed with ``predicted``.
            estimates: Final scores by the sampler, by feasible architecture.
            leaders: Choice of the sampler after a query, by the number of the query.

        Returns:
            Columns ``query, round, sampler, arch_id, isomorphism_id, seed, status, accuracy,
            cost_s, feasible, epochs, forecast, estimate, leader, predicted_..., latency_ms, ...,
            message, asked_at``; accuracy is a fraction, ``epochs`` is null without a curve,
            ``estimate`` and ``leader`` are null if the sampler has none, and ``latency_ms`` and
            further metrics are measured by the search, null without a measurement.
        """
        later = {"message", "asked_at", "curve", "forecast", "score"}
        names = [n for n in Record.__dataclass_fields__ if n not in later]
        frame = pd.DataFrame({n: [getattr(r, n) for r in self.records] for n in names})
        epochs = [None if r.curve is None else len(r.curve) for r in self.records]
        frame["epochs"] = pd.Series(epochs, dtype="Int64")
        frame["forecast"] = pd.Series([r.forecast for r in self.records], dtype="float64")
        frame = frame.astype(
            {"query": "int64", "round": "int64", "seed": "Int64"}
            | {"accuracy": "float64", "cost_s": "float64", "feasible": "bool"}
            | dict.fromkeys(("sampler", "arch_id", "isomorphism_id", "status"), "str")
        )
        worth, led = estimates or {}, leaders or {}
        frame["estimate"] = [worth.get(r.arch_id, np.nan) for r in self.records]
        frame["estimate"] = frame["estimate"].astype("float64")
        frame["leader"] = pd.Series([led.get(r.query) for r in self.records], dtype="str")
        for name, values in (predicted or {}).items():
            frame[f"predicted_{name}"] = np.asarray(values, np.float64)[rows]
        kept = [r.feasible and not self.refuses(r.arch_id) for r in self.records]
        frame["feasible"] = pd.Series(kept, dtype="bool")
        for name, measured in self._measured(record.arch_id for record in self.records).items():
            frame[name] = np.array(measured, np.float64)
        for name in ("message", "asked_at"):
            frame[name] = pd.Series([getattr(r, name) for r in self.records], dtype="str")
        return frame

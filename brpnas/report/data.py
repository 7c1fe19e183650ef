"""Content of a report: `ReportData`, tables and dictionaries only.

The report shows results and computes none. Accuracies are fractions, latencies milliseconds; the
page converts to percent. A table may be missing; its section says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import pandas as pd

from brpnas.datasets.metrics import DeviceMetric
from brpnas.errors import SchemaError, did_you_mean

__all__ = [
    "COLUMNS",
    "Chosen",
    "EvaluationProtocol",
    "PredictorData",
    "ReportData",
    "SourceNote",
    "Task",
    "brp_settings",
]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "history": ("query", "round", "arch_id", "accuracy", "predicted_latency_ms", "status"),
    "predictions": ("arch_id", "split", "latency_ms", "predicted_latency_ms"),
    "training": ("member", "epoch", "train_loss", "valid_loss"),
    "traces": ("sampler", "seed", "query", "best_valid", "chosen_test", "best_test_seen"),
    "space": ("arch_id", "predicted_latency_ms", "latency_ms", "test_accuracy"),
    "front": ("arch_id", "accuracy", "knee"),
}
"""Required columns of each table. Known further columns are used, others ignored."""

SPLITS = ("train", "valid", "test")
METRICS = ("within_1", "within_5", "within_10", "spearman", "kendall", "mape")


class Chosen(TypedDict, total=False):
    """The winner of the main search. Only ``arch_id`` is required; unknown keys are errors."""

    arch_id: str
    predicted_latency_ms: float | None
    latency_ms: float | None
    """Measured latency; None if not measured."""
    latency_error: float | None
    """Predicted over measured latency, minus 1."""
    latency_elsewhere_ms: float | None
    """Latency on another device than the task's; no limit applies to it."""
    measured_on: str | None
    """That device."""
    valid_accuracy: float | None
    """Mean of its answers, or the accuracy of its trainings."""
    valid_balanced_accuracy: float | None
    test_accuracy: float | None
    """Mean over ``test_seeds``."""
    test_seeds: int | None
    """Number of averaged training seeds; None for a published mean."""
    test_balanced_accuracy: float | None
    regret: float | None
    """``optimum_test_accuracy`` minus ``test_accuracy``; this and the three below are of the metric
    of the task."""
    optimum_test_accuracy: float | None
    """Best mean test accuracy of the architectures that the search may choose: those clearly within
    the constraints."""
    best_test_seen: float | None
    best_single_seed_test_seen: float | None
    params_m: float | None
    flops_m: float | None
    metrics: Mapping[str, float | None]
    """Further values by device metric; predictions are ``predicted_...``."""
    conversion: Sequence[tuple[str, str]]
    """What is deployed instead of the ONNX file, see `brpnas.report.network.conversion_facts`."""
    onnx: str | None
    """Path of the exported network, as typed by a reader."""


class Budget(TypedDict, total=False):
    """Budget of a search."""

    queries: int


class LimitSettings(TypedDict, total=False):
    """How a search keeps its constraints."""

    source: str | Mapping[str, str]
    """Source of the limited metrics: ``predicted``, ``table`` or ``device``, or by metric."""


class SamplerSettings(TypedDict, total=False):
    """A sampler and its parameters."""

    name: str
    flops_prior: int
    """Weight of the prior on multiply-adds, in answers; 0 for none."""
    choose_by: str
    """Criterion among the answered architectures: ``ranker`` or ``answers``."""


class OracleSettings(TypedDict, total=False):
    """An oracle and its answers."""

    name: str
    """Source of the answers, from `brpnas.search.Oracle.name`."""
    metric: str
    """Metric of the answers: ``accuracy`` (default) or ``balanced_accuracy``."""


class Task(TypedDict, total=False):
    """Task and settings of the main search, in groups. Further keys of a group are ignored."""

    space: str
    dataset: str
    constraints: Sequence[str]
    """Such as ``"latency_ms <= 5"``."""
    objectives: Sequence[str]
    """Such as ``"accuracy", "-latency_ms"``."""
    budget: Budget
    limits: LimitSettings
    sampler: SamplerSettings
    oracle: OracleSettings
    parallel: int | None
    """Evaluations in flight; null in rounds."""
    early_stopping: bool
    seed: int


class EvaluationProtocol(TypedDict, total=False):
    """Origin of the figures. Settings without a key here go into ``settings``."""

    device: str
    confidence: float | None
    """Probability from which an architecture is within the constraints by prediction; null if
    nothing was uncertain."""
    sources: Mapping[str, str]
    """Source of each measured metric of the constraints: ``table`` or ``device``."""
    measured: int
    """Architectures that were measured or looked up."""
    refused: int
    """Architectures rejected by the constraints after that."""
    train_rows: int
    valid_rows: int
    test_rows: int
    view: str
    members: int
    learnt_rows: int
    """Rows of an adaptation from known devices; missing if the networks were trained on
    ``train_rows`` of the device alone."""
    known_devices: int
    """Number of known devices."""
    scored: str
    """Rows behind the figures of the latency predictor: ``test``, or ``left out`` in turn, each
    predicted without itself."""
    prior_knows_device: bool
    """Whether the prior was trained on the device too."""
    transfer: str
    """Remark on known devices of another network size; may be empty."""
    spearman_interval: tuple[float, float]
    """90 % interval of Spearman's correlation in the whole space."""
    settings: Mapping[str, object]


class SourceNote(TypedDict, total=False):
    """Source of data. ``name`` is required."""

    name: str
    licence: str
    citation: str
    url: str


@dataclass(frozen=True, kw_only=True)
class PredictorData:
    """Quality of the predictor of a metric on a device.

    Attributes:
        predictions: Measured rows: ``arch_id``, ``split`` (train, valid or test), and for the
            metric ``latency_ms`` the columns ``latency_ms`` and ``predicted_latency_ms``.
        metrics: As `ReportData.metrics`.
        training: As `ReportData.training`.
        scored: Rows behind the figures, see `EvaluationProtocol`.
    """

    predictions: pd.DataFrame | None = None
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    training: pd.DataFrame | None = None
    scored: str = "test"


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Everything on the page.

    Attributes:
        chosen: The winner of the main search.
        history: Queries of the main search, one row each: ``query`` (from 0), ``round``,
            ``arch_id``, ``accuracy`` (validation, fraction), ``predicted_latency_ms``, ``status``
            (``ok`` or ``failed``); optional ``feasible`` (may be chosen; all, if left out).
        task: Task and settings of the main search.
        predictions: Measured rows of the device: ``arch_id``, ``split`` (train, valid or test),
            ``latency_ms``, ``predicted_latency_ms``.
        metrics: Figures on test rows by model: ``within_1``, ``within_5``, ``within_10`` and
            ``mape`` (fractions), ``spearman``, ``kendall``. The predictor comes first.
        training: ``member``, ``epoch``, ``train_loss``, ``valid_loss``.
        further: Predictors of other device metrics, by the device metric.
        traces: ``sampler``, ``seed``, ``query`` (from 0), ``best_valid``, ``chosen_test``,
            ``best_test_seen``; optional ``best_single_seed_test_seen``, ``regret`` (fractions), and
            of searches for a front ``hypervolume``.
        space: ``arch_id``, ``predicted_latency_ms``, ``latency_ms`` and ``test_accuracy`` (mean
            over seeds, of the metric of the task); the last two may be null. Columns of other
            device metrics, measured or ``predicted_...``, are axes of the explorer.
        front: Members of the front of a search with several objectives: ``arch_id``,
            ``accuracy`` (fraction), ``knee`` (bool), and a column for each cost.
        front_figures: ``objectives``, ``knee``, its ``reason``, and ``hypervolume`` of that front
            (`brpnas.search.fronts.Front.to_json`).
        network: Evaluation of the exported file (`brpnas.candidates.network_evaluation`); None for
            untrained weights.
        protocol: Origin of the figures.
        provenance: Git revision, versions, date, unchanged.
        sources: Data sets with licence and citation.
        title: Heading of the page.
        notes: Warnings, shown at the top.

    Raises:
        SchemaError: If a column or key is missing or unknown, the winner is not among the answered
            queries, or row counts of the protocol contradict ``predictions``.
    """

    chosen: Chosen
    history: pd.DataFrame
    task: Task = field(default_factory=Task)
    predictions: pd.DataFrame | None = None
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    training: pd.DataFrame | None = None
    further: Mapping[str, PredictorData] = field(default_factory=dict)
    traces: pd.DataFrame | None = None
    space: pd.DataFrame | None = None
    front: pd.DataFrame | None = None
    front_figures: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] | None = None
    protocol: EvaluationProtocol = field(default_factory=EvaluationProtocol)
    provenance: Mapping[str, object] = field(default_factory=dict)
    sources: Sequence[SourceNote] = ()
    title: str = "BRP-NAS report"
    notes: Sequence[str] = ()

    @property
    def constraints(self) -> Sequence[str]:
        """The constraints of the task."""
        return self.task.get("constraints", ())

    @property
    def device(self) -> str | None:
        """The device of the task."""
        return self.protocol.get("device")

    @property
    def metric(self) -> str:
        """The metric of the search in words: ``accuracy``, or ``balanced accuracy``."""
        return self.task.get("oracle", {}).get("metric", "accuracy").replace("_", " ")

    def __post_init__(self) -> None:
        for name, columns in COLUMNS.items():
            _require_columns(name, getattr(self, name), columns)
        _require_keys("chosen", self.chosen, Chosen, {"arch_id"})
        _require_keys("task", self.task, Task, set())
        _require_keys("protocol", self.protocol, EvaluationProtocol, set())
        for source in self.sources:
            _require_keys("sources", source, SourceNote, {"name"})
        for part in (self.metrics, *(each.metrics for each in self.further.values())):
            for model, figures in part.items():
                missing = [key for key in METRICS if key not in figures]
                if missing:
                    raise SchemaError(f"Report metrics of {model!r} lack {', '.join(missing)}.")
        for name, each in self.further.items():
            metric = DeviceMetric.parse(name).metric
            columns = ("arch_id", "split", metric, f"predicted_{metric}")
            _require_columns(f"further[{name!r}].predictions", each.predictions, columns)
            _require_columns(f"further[{name!r}].training", each.training, COLUMNS["training"])
        self._check_winner()
        self._check_rows()

    def _check_winner(self) -> None:
        counts = self.history["status"] == "ok"
        if "feasible" in self.history:
            counts &= self.history["feasible"].astype(bool)
        answered = self.history.loc[counts, "arch_id"]
        if not (answered == self.chosen["arch_id"]).any():
            raise SchemaError(
                f"The chosen architecture {self.chosen['arch_id']!r} is not among the "
                f"{len(answered)} answered queries of the report's history: give the history of "
                "the same search."
            )

    def _check_rows(self) -> None:
        if self.predictions is None:
            return
        counts = self.predictions["split"].value_counts()
        unknown = sorted(set(counts.index) - set(SPLITS))
        if unknown:
            raise SchemaError(f"Report predictions have the split {unknown[0]!r}; use {SPLITS}.")
        for split in SPLITS:
            said, found = self.protocol.get(f"{split}_rows"), int(counts.get(split, 0))
            if said is not None and said != found:
                raise SchemaError(
                    f"The report's protocol says {said} {split} rows, but its predictions hold "
                    f"{found}: pass the predictions of the same run."
                )


def brp_settings(task: Task) -> SamplerSettings:
    """Parameters of the brp sampler; empty for another sampler, on which they have no effect."""
    sampler = task.get("sampler", SamplerSettings())
    return sampler if sampler.get("name") == "brp" else SamplerSettings()


def _require_columns(name: str, table: pd.DataFrame | None, columns: tuple[str, ...]) -> None:
    if table is None:
        return
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise SchemaError(
            f"The report's table {name!r} lacks {', '.join(missing)}; it has "
            f"{', '.join(map(str, table.columns)) or 'no column'}."
        )


def _require_keys(
    name: str, given: Mapping[str, object], declared: type, required: set[str]
) -> None:
    known = set(declared.__annotations__)
    for key in given:
        if key not in known:
            raise SchemaError(
                f"The report's {name!r} has an unknown key {key!r}.{did_you_mean(key, known)} "
                f"Known: {', '.join(sorted(known))}."
            )
    missing = sorted(required - set(given))
    if missing:
        raise SchemaError(f"The report's {name!r} lacks {', '.join(missing)}.")

"""Renamed parameters: errors about old keys name the new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["RENAMED", "old_keys"]

RENAMED: Mapping[str, str] = {
    "search.budget": "search.budget.queries",
    "search.rounds": "search.budget.rounds",
    "search.repeats": "search.budget.reevaluations",
    "search.latency": "search.limits.source",
    "search.confidence": "search.limits.confidence",
    "search.rule_out_confidence": "search.limits.confidence",
    "search.prefilter_confidence": "search.limits.confidence",
    "search.measurements_per_query": "search.limits.measurements",
    "search.limits.latency": "search.limits.source",
    "search.limits.prefilter_confidence": "search.limits.confidence",
    "search.limits.measurements_per_query": "search.limits.measurements",
    "search.sampler": "search.sampler.name",
    "search.exploit_fraction": "search.sampler.exploit_fraction",
    "search.candidates": "search.sampler.candidates",
    "search.neighbours": "search.sampler.neighbours",
    "search.flops_prior": "search.sampler.flops_prior",
    "search.unconstrained_share": "search.sampler.infeasible_share",
    "search.choose_by": "search.sampler.choose_by",
    "search.ranker": "search.sampler.ranker",
    "search.oracle": "search.oracle.name",
    "search.metric": "search.oracle.metric",
    "search.final_training": "search.oracle.final_training",
    "search.measure_winner": "export.measure",
    "search.report.measure_winner": "export.measure",
    "search.comparison_seeds": "search.report.comparison_seeds",
    "measure.runtime": "timing.runtime",
    "measure.target": "timing.provider",
    "measure.precision": "timing.precision",
    "measure.threads": "timing.threads",
    "measure.batch_size": "timing.batch_size",
    "measure.warmup": "timing.warmup",
    "measure.runs": "timing.runs",
    "measure.repeats": "timing.repeats",
    "measure.scheduler": "timing.scheduler",
    "retrain.freedom": "adaptation.hyperparameter_deviation",
    "retrain.coverage": "adaptation.coverage",
    "retrain.hyperparameter_deviation": "adaptation.hyperparameter_deviation",
    "retrain.steps": "adaptation.steps",
    "retrain.tuning_rows": "adaptation.tuning_rows",
    "retrain.process_rows": "adaptation.process_rows",
    "retrain.network_rows": "adaptation.network_rows",
    "retrain.folds": "adaptation.folds",
    "retrain.network": "adaptation.network",
    "retrain.seed": "adaptation.seed",
    "retrain.workers": "adaptation.workers",
    "train_candidates.valid_share": "images.valid_share",
    "train_candidates.test_share": "images.test_share",
    "train_candidates.split_seed": "images.split_seed",
    "train_candidates.training": "network_training",
    "train_candidates.workers": "network_training.workers",
    "train_candidates.scheduler": "network_training.scheduler",
}
"""Old key to new key, dotted paths; a group covers all its keys."""


def old_keys(values: Any) -> Iterator[tuple[str, str]]:
    """Old keys among the values of one file or command line, each with its new key.

    A key can be the group of its new one: ``search.budget`` is ``search.budget.queries`` now. Then
    it is old if its value is no group.
    """
    for old, new in RENAMED.items():
        *groups, last = old.split(".")
        group = values
        for name in groups:
            group = group.get(name) if isinstance(group, Mapping) else None
        if not isinstance(group, Mapping) or last not in group:
            continue
        if not (new.startswith(f"{old}.") and isinstance(group[last], Mapping)):
            yield old, new

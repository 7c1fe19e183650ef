"""Renamed parameters: errors about old keys name the new ones."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RENAMED"]

RENAMED: Mapping[str, str] = {
    "search.rule_out_confidence": "search.prefilter_confidence",
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

"""Report on training jobs: counts, failures, accuracies, classes, noise between seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from brpnas.candidates.batch import JobRecord, accuracy_table
from brpnas.candidates.curves import curve_table
from brpnas.candidates.images import SPLITS, ImageData
from brpnas.candidates.scores import class_counts
from brpnas.candidates.training import JobConfig, network_config
from brpnas.datasets.curves import curve_figures
from brpnas.datasets.noise import seed_noise

__all__ = ["never_recognised", "summary", "training_report"]

_QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def training_report(
    runs: Sequence[JobRecord],
    data: ImageData,
    config: JobConfig,
    *,
    asked: int,
    seconds: float,
) -> dict[str, Any]:
    """Data, settings and results of training jobs (JSON types).

    Args:
        runs: All records of the store, with at least one success.
        data: The images.
        config: How they were trained.
        asked: Number of jobs requested by this run.
        seconds: Wall-clock time of this run.
    """
    table = accuracy_table(runs, data.name, config.epochs)
    curves = curve_table(runs, data.name)
    failed = [run for run in runs if run.status == "failed"]
    valid = table[table["split"] == "valid"]
    times = valid["train_time_s"]
    best = valid.groupby("arch_id")["accuracy"].mean()
    mean, std = data.normalisation
    network = network_config(data, config)
    return {
        "dataset": data.name,
        "asked": asked,
        "trained": len(valid),
        "cells": int(valid["arch_id"].nunique()),
        "seeds": {str(seed): int(count) for seed, count in valid["seed"].value_counts().items()},
        "failed": [
            {"arch_id": run.arch_id, "seed": run.seed, "message": run.message} for run in failed
        ],
        "accuracy": {split: _quantiles(part["accuracy"]) for split, part in table.groupby("split")},
        "best": {"arch_id": best.idxmax(), "valid": float(best.max())},
        "classes": _classes(runs, data, str(best.idxmax())),
        "curves": curve_figures(curves) if len(curves) else None,
        "noise": {split: _noise(table, data.name, split) for split in ("valid", "test")},
        "seconds": {
            "training": round(float(times.sum()), 3),
            "median": round(float(times.median()), 3),
            "min": round(float(times.min()), 3),
            "max": round(float(times.max()), 3),
            "this_run": round(seconds, 3),
        },
        "images": {
            "digest": data.digest,
            "input_shape": list(data.input_shape),
            "rows": {part: len(data.parts[part]) for part in SPLITS},
            "rows_of_classes": {part: class_counts(data, part) for part in SPLITS},
            "normalisation": {"mean": mean.tolist(), "std": std.tolist()},
            "label_names": list(data.label_names),
        },
        "settings": {**config.settings(), "executes_dead_ops": network.executes_dead_ops},
    }


def _classes(runs: Sequence[JobRecord], data: ImageData, best: str) -> dict[str, Any] | None:
    """Recall by class on the test images; None for records older than this field."""
    known = [run for run in runs if run.test_recall is not None]
    if not known:
        return None
    recalls = {run.job: run.test_recall or () for run in known}
    balanced = pd.Series([_mean(recall) for recall in recalls.values()])
    first = min((c for c in recalls if c.arch_id == best), key=lambda c: c.seed, default=None)
    rows = class_counts(data, "test")
    return {
        "largest_class": data.label_names[int(np.argmax(rows))],
        "largest_class_share": max(rows) / sum(rows),
        "balanced_accuracy": _quantiles(balanced),
        "trainings_with_a_class_never_recognised": sum(0 in r for r in recalls.values()),
        "best": None if first is None else {"seed": first.seed, "recall": list(recalls[first])},
    }


def _mean(recall: Sequence[float | None]) -> float:
    return float(np.mean([value for value in recall if value is not None]))


def _noise(table: pd.DataFrame, dataset: str, split: str) -> dict[str, Any] | None:
    """Noise between seeds, with null for undefined correlations; None if no cell has two seeds."""
    if not table.duplicated(["arch_id", "split"]).any():
        return None
    noise = seed_noise(table, dataset, split)
    pairs: list[dict[str, Any]] = [
        {**pair, "spearman": None if math.isnan(pair["spearman"]) else pair["spearman"]}
        for pair in noise["pairs"]
    ]
    known = [pair["spearman"] for pair in pairs if pair["spearman"] is not None]
    mean = sum(known) / len(known) if known else None
    return {**noise, "pairs": pairs, "mean_spearman": mean}


def _quantiles(values: pd.Series) -> dict[str, float]:
    return {
        **{name: float(values.quantile(share)) for name, share in _QUANTILES.items()},
        "max": float(values.max()),
    }


def summary(report: dict[str, Any]) -> str:
    """The report as a few lines of text."""
    images, seconds, noise = report["images"], report["seconds"], report["noise"]["valid"]
    valid, test = report["accuracy"]["valid"], report["accuracy"]["test"]
    rows = images["rows"]
    lines = {
        "data": f"{report['dataset']}: {' x '.join(map(str, images['input_shape']))}, "
        f"{len(images['label_names'])} classes, {rows['train']} images to train on, "
        f"{rows['valid']} to validate, {rows['test']} to test",
        "trained": f"{report['trained']} networks of {report['cells']} cells, "
        f"{len(report['failed'])} failed, {seconds['median']:.2f} s each",
        "accuracy": f"median {100 * valid['median']:.1f} %, from {100 * valid['min']:.1f} to "
        f"{100 * valid['max']:.1f} % (validation); median {100 * test['median']:.1f} % (test)",
        "best": f"{report['best']['arch_id']}: {100 * report['best']['valid']:.1f} % (validation)",
    }
    if report["classes"] is not None:
        lines["classes"] = _said_of_classes(report["classes"])
    if never := never_recognised(report):
        lines["never"] = f"the best cell never recognises {', '.join(map(repr, never))} (test)"
    if noise is not None:
        rank = noise["mean_spearman"]
        lines["noise"] = (
            f"± {100 * noise['sd']:.2f} points between seeds"
            + ("" if rank is None else f", Spearman {rank:.3f} from seed to seed")
            + f", over {noise['cells']} cells"
        )
    if report["failed"]:
        lines["failed"] = "{arch_id}, seed {seed}: {message}".format(**report["failed"][0])
    return "\n".join(f"{name:10}{text}" for name, text in lines.items())


def never_recognised(report: dict[str, Any]) -> list[str]:
    """Classes without a recognised test image for the best cell, if stored."""
    best = (report["classes"] or {}).get("best") or {"recall": []}
    names = report["images"]["label_names"]
    return [name for name, value in zip(names, best["recall"], strict=False) if value == 0]


def _said_of_classes(classes: dict[str, Any]) -> str:
    dead = classes["trainings_with_a_class_never_recognised"]
    return (
        f"balanced accuracy median {100 * classes['balanced_accuracy']['median']:.1f} % (test); "
        f"always {classes['largest_class']!r}: {100 * classes['largest_class_share']:.1f} %; "
        f"{dead} networks never recognise some class"
    )

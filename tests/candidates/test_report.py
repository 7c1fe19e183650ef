from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from brpnas.candidates import (
    ImageSource,
    JobRecord,
    never_recognised,
    summary,
    training_report,
)
from tests.candidates.small import random_images, small

ARCHS = [f"arch{n}" for n in range(8)]


@pytest.fixture
def runs() -> list[JobRecord]:
    rng = np.random.default_rng(0)
    trained = [
        JobRecord(arch_id, seed, "ok", *(0.5 + 0.05 * n + rng.uniform(0, 0.1, 2)), 1.0 + seed)
        for n, arch_id in enumerate(ARCHS)
        for seed in range(3 if n < 5 else 1)
    ]
    return [*trained, JobRecord("broken", 0, "failed", message="why")]


def test_noise_is_that_of_the_cells_with_several_seeds(runs: list[JobRecord]) -> None:
    data = ImageSource().load()
    noise = training_report(runs, data, small(), asked=1, seconds=1)["noise"]["valid"]
    values = {(r.arch_id, r.seed): r.valid_accuracy for r in runs}
    several = [[values[a, s] for s in range(3)] for a in ARCHS[:5]]
    assert noise["cells"] == 5
    assert noise["sd"] == pytest.approx(np.sqrt(np.mean([np.var(v, ddof=1) for v in several])))
    ranks = [spearmanr(a, b)[0] for a, b in itertools.combinations(np.transpose(several), 2)]
    assert [pair["spearman"] for pair in noise["pairs"]] == pytest.approx(ranks)
    assert noise["mean_spearman"] == pytest.approx(np.mean(ranks))


def test_what_is_not_known_of_the_noise_is_null(runs: list[JobRecord]) -> None:
    data = ImageSource().load()
    single = [run for run in runs if run.seed == 0]
    report = training_report(single, data, small(), asked=1, seconds=1)
    assert report["noise"] == {"valid": None, "test": None}
    equal = [
        replace(run, valid_accuracy=0.5, test_accuracy=0.5) for run in runs if run.status == "ok"
    ]
    noise = training_report(equal, data, small(), asked=1, seconds=1)["noise"]["test"]
    assert (noise["cells"], noise["sd"], noise["mean_spearman"]) == (5, 0, None)


def test_curves_are_summarised_if_there_are_any(runs: list[JobRecord]) -> None:
    data = ImageSource().load()
    assert training_report(runs, data, small(), asked=1, seconds=1)["curves"] is None
    recorded = [
        replace(run, curve=(0.25, run.valid_accuracy)) if run.status == "ok" else run
        for run in runs
    ]
    found = training_report(recorded, data, small(), asked=1, seconds=1)["curves"]
    assert (found["trainings"], found["cells"], found["epochs"]) == (18, 8, 2)
    assert found["median"][0] == 0.25
    assert found["spearman_with_last"] == [None, pytest.approx(1)]


def test_report_says_what_was_trained_on_what(runs: list[JobRecord]) -> None:
    data = ImageSource().load()
    report = training_report(runs, data, small(), asked=9, seconds=12.3456)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert (report["asked"], report["trained"], report["cells"]) == (9, 18, 8)
    assert report["seeds"] == {"0": 8, "1": 5, "2": 5}
    assert report["failed"] == [{"arch_id": "broken", "seed": 0, "message": "why"}]
    values = sorted(r.test_accuracy for r in runs if r.test_accuracy)
    quantiles = report["accuracy"]["test"]
    assert (quantiles["min"], quantiles["max"]) == (values[0], values[-1])
    assert list(quantiles.values()) == sorted(quantiles.values())
    best = pd.DataFrame(runs).groupby("arch_id")["valid_accuracy"].mean()
    assert report["best"] == {"arch_id": best.idxmax(), "valid": best.max()}
    assert report["seconds"]["training"] == 8 * 1 + 5 * 2 + 5 * 3
    assert report["images"]["rows"] == {"train": 600, "valid": 598, "test": 599}
    assert report["images"]["label_names"] == list("0123456789")
    assert report["images"]["normalisation"]["mean"] == pytest.approx([0.305], abs=1e-3)
    assert report["settings"]["epochs"] == 4
    assert not report["settings"]["executes_dead_ops"]


def test_summary_is_short_and_says_it_all(runs: list[JobRecord]) -> None:
    report = training_report(runs, ImageSource().load(), small(), asked=9, seconds=1)
    text = summary(report)
    assert len(text.splitlines()) == 6
    assert "18 networks of 8 cells, 1 failed" in text
    assert "broken, seed 0: why" in text
    assert "Spearman" in text
    one = training_report(runs[:1], ImageSource().load(), small(), asked=1, seconds=1)
    assert len(summary(one).splitlines()) == 4


def test_what_accuracy_hides_is_reported() -> None:
    recalls = {"a": (1.0, 0.0, None), "b": (0.5, 0.5, None)}
    known = [
        JobRecord(name, 0, "ok", 0.9 if name == "a" else 0.6, 0.7, 1.0, test_recall=recall)
        for name, recall in recalls.items()
    ]
    data = random_images(labels=3)
    report = training_report(known, data, small(), asked=2, seconds=1)
    classes = report["classes"]
    json.dumps(report, allow_nan=False)
    assert classes["balanced_accuracy"]["max"] == 0.5
    assert classes["trainings_with_a_class_never_recognised"] == 1
    assert classes["best"] == {"seed": 0, "recall": [1.0, 0.0, None]}
    assert (classes["largest_class"], classes["largest_class_share"]) == ("0", 0.5)
    assert never_recognised(report) == ["1"]
    assert "never recognises '1' (test)" in summary(report)
    assert report["images"]["rows_of_classes"]["train"] == [4, 4, 4]


def test_stores_from_before_recalls_are_reported_without_them(runs: list[JobRecord]) -> None:
    report = training_report(runs, ImageSource().load(), small(), asked=1, seconds=1)
    assert report["classes"] is None
    assert never_recognised(report) == []

"""Each stage in its container, beside the same stage without one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.docker.conftest import RUNS
from tests.docker.engine import REVISION, Project
from tests.pipelines.retrain.toys import table

pytestmark = [pytest.mark.docker, pytest.mark.slow]

FIGURES = [
    "07_model_output/train_metrics.json",
    "07_model_output/search_result.json",
    "08_reporting/metrics.json",
    "08_reporting/promotion_report.json",
]


def figures(project: Project, name: str) -> dict[str, Any]:
    """Values of a file of figures by their keys."""
    flat = pd.json_normalize(project.json(name)).iloc[0].to_dict()
    return {key: value for key, value in flat.items() if "seconds" not in key}


def files(project: Project, *folders: str) -> dict[str, Path]:
    paths = [path for folder in folders for path in (project.data / folder).rglob("*")]
    return {str(path.relative_to(project.data)): path for path in paths if path.is_file()}


def test_files_belong_to_the_user_who_calls(contained: Project) -> None:
    paths = [contained.data, *contained.data.rglob("*")]
    assert {(p.stat().st_uid, p.stat().st_gid) for p in paths} == {(os.getuid(), os.getgid())}
    assert (contained.data / "08_reporting" / "report.html").is_file()
    assert (contained.data / "06_models" / "onnx" / "network.onnx").is_file()


def test_ingest_and_featurise_write_the_same_bytes(on_host: Project, contained: Project) -> None:
    here = files(on_host, "03_primary", "05_model_input")
    there = files(contained, "03_primary", "05_model_input")
    assert {"03_primary/accuracy.parquet", "05_model_input/space_graphs.npz"} <= set(here)
    assert set(here) == set(there)
    differ = [n for n in here if here[n].read_bytes() != there[n].read_bytes()]
    assert differ == []


def test_all_write_the_same_files(on_host: Project, contained: Project) -> None:
    folders = ["03_primary", "05_model_input", "06_models", "07_model_output", "08_reporting"]
    assert set(files(on_host, *folders)) == set(files(contained, *folders))


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_the_same(on_host: Project, contained: Project, name: str) -> None:
    here, there = figures(on_host, name), figures(contained, name)
    assert set(here) == set(there)
    for key, value in here.items():
        if isinstance(value, float):
            assert there[key] == pytest.approx(value, rel=1e-3, nan_ok=True), key
        elif not isinstance(value, list):
            assert there[key] == value, key


def test_what_is_exported_answers_as_torch_does(contained: Project) -> None:
    parity = contained.json("08_reporting/parity.json")
    assert set(parity) == {"latency", "ranker", "network", "tolerance"}
    assert max(parity.values()) == parity["tolerance"]


def test_runs_are_tracked_with_the_revision_of_the_image(contained: Project) -> None:
    with sqlite3.connect(contained.data / "mlflow.db") as database:
        runs = database.execute("select name, status from runs order by start_time").fetchall()
        revisions = database.execute("select value from tags where key = 'git.commit'").fetchall()
        places = database.execute("select artifact_uri from runs").fetchall()
    assert runs == [(stage, "FINISHED") for stage in RUNS]
    assert {revision for (revision,) in revisions} == {REVISION}
    assert all(not Path(place).is_absolute() for (place,) in places), "the host finds them too"
    assert any((contained.root / place / "report.html").is_file() for (place,) in places)


class TestOnRequest:
    def test_measure(self, project: Project) -> None:
        done = project.in_container("measure")
        assert done.returncode == 0, done.stderr
        measured = pd.read_parquet(project.data / "01_raw" / "measured" / "board.parquet")
        assert len(measured) == 3
        assert (measured["latency_ms"] > 0).all()

    def test_train_candidates(self, project: Project) -> None:
        done = project.in_container("train_candidates")
        assert done.returncode == 0, done.stderr
        report = project.json("08_reporting/train_candidates_report.json")
        assert (report["trained"], report["failed"]) == (3, [])
        assert len(pd.read_parquet(project.data / "01_raw" / "trained" / "digits.parquet")) == 6

    def test_pretrain_then_retrain(self, later: Project) -> None:
        done = later.in_container("pretrain")
        assert done.returncode == 0, done.stderr
        prior = later.data / "06_models" / "device_prior.safetensors"
        assert prior.stat().st_size > 0
        table(60).to_csv(later.data / "01_raw" / "devices" / "board.csv", index=False)
        done = later.in_container("retrain", "--params=device=board")
        assert done.returncode == 0, done.stderr
        models = later.data / "06_models" / "devices" / "board"
        assert {f.name for f in models.iterdir()} == {"predictor.onnx", "README.md", "rows.csv"}
        report = later.json("08_reporting/retrain_report.json")
        assert sum(report["rows"].values()) == 60
        assert (report["model"], report["version"]) == ("latency-board", "1")
        assert prior.stat().st_uid == (models / "rows.csv").stat().st_uid == os.getuid()

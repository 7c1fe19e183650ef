from __future__ import annotations

import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from brpnas.candidates import (
    ImageSource,
    JobRecord,
    JobResult,
    TrainingJob,
    accuracy_table,
    batch,
    run_jobs,
    store_name,
    stored_records,
    train_architecture,
    train_jobs,
    training,
)
from brpnas.candidates.batch import training_fingerprint
from brpnas.candidates.checkpoints import Checkpoints
from brpnas.candidates.fitting import Fitting
from brpnas.candidates.images import source as images
from brpnas.datasets.schemas import ACCURACY, validate
from brpnas.errors import ConfigurationError, SchemaError, StoreError, TaskError, TrainingError
from brpnas.fanout import LocalEngine, SerialEngine
from tests.candidates.killed_training import CANDIDATES, SETTINGS
from tests.candidates.small import CONV, DISCONNECTED, POOL, digits, small

SOURCE = ImageSource()
FEW = [
    TrainingJob(CONV, 0),
    TrainingJob(POOL, 0),
    TrainingJob(CONV, 1),
    TrainingJob(DISCONNECTED, 0),
]
CONFIG = small(epochs=1)
WRONG = TrainingJob("|foo|", 0)


def train(candidates: list[TrainingJob], store: Path, **more: Any) -> list[JobRecord]:
    return train_jobs(candidates, SOURCE, CONFIG, store, progress=False, **more)


def timeless(runs: list[JobRecord]) -> list[JobRecord]:
    """The results, without values that differ between runs."""
    return [replace(run, train_time_s=None) for run in runs]


def events(store: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in store.read_text().splitlines()][1:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[JobRecord]]:
    store = tmp_path_factory.mktemp("trained") / "runs.jsonl"
    return store, train(FEW, store)


def test_results_of_another_torch_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = store_name(SOURCE, CONFIG)
    assert store_name(SOURCE, replace(CONFIG, device="cuda")) == mine
    train(FEW[:1], tmp_path / "runs.jsonl")
    monkeypatch.setattr(torch, "__version__", "1.0.0+cpu")
    assert store_name(SOURCE, CONFIG) != mine
    with pytest.raises(StoreError, match=r"torch \(.* '1\.0\.0' now\)"):
        train(FEW[:1], tmp_path / "runs.jsonl")


def test_a_worker_with_other_images_trains_nothing(tmp_path: Path) -> None:
    path = tmp_path / "images.npz"
    pixels, labels = np.random.default_rng(0).integers(0, 255, (90, 6, 6)), np.arange(90) % 3
    np.savez(path, images=pixels.astype(np.uint8), labels=labels)
    source = ImageSource(str(path))
    runs = run_jobs(FEW[:2], source, CONFIG, SerialEngine())
    np.savez(path, images=pixels[::-1].astype(np.uint8), labels=labels)
    os.utime(path, ns=(1, 1))
    outcomes = [outcome for _, outcome in runs]
    assert all(isinstance(outcome, TaskError) for outcome in outcomes)
    assert re.search(rf"{path} .*: {source.load().digest}, not ", str(outcomes[0]))


def test_results_are_those_of_one_training_each(trained: tuple[Path, list[JobRecord]]) -> None:
    _, runs = trained
    assert [run.job for run in runs] == FEW
    for run in runs:
        alone = train_architecture(run.arch_id, run.seed, SOURCE.load(), CONFIG)
        assert (run.status, run.message) == ("ok", "")
        assert run.valid_accuracy == alone.valid_accuracy
        assert run.test_accuracy == alone.test_accuracy
        assert run.curve == alone.curve
        assert run.train_time_s is not None
        assert run.train_time_s > 0


def test_what_is_stored_is_not_trained_again(trained: tuple[Path, list[JobRecord]]) -> None:
    store, runs = trained
    before = store.read_bytes()
    assert train(FEW, store) == runs
    assert train(FEW[2:], store) == runs[2:]
    assert store.read_bytes() == before
    assert stored_records(SOURCE, CONFIG, store) == runs


def test_more_can_be_asked_for_later_and_twice_is_once(tmp_path: Path) -> None:
    store = tmp_path / "runs.jsonl"
    first = train(FEW[:1], store)
    both = train([FEW[1], FEW[0], FEW[1]], store)
    assert [run.job for run in both] == [FEW[1], FEW[0]]
    assert both[1] == first[0]
    assert len(events(store)) == 2


def test_nothing_to_train(tmp_path: Path) -> None:
    assert train([], tmp_path / "runs.jsonl") == []


def test_workers_give_the_same(
    tmp_path: Path, trained: tuple[Path, list[JobRecord]], workers: LocalEngine
) -> None:
    runs = train(FEW, tmp_path / "runs.jsonl", engine=workers)
    assert timeless(runs) == timeless(trained[1])
    for candidate, outcome in run_jobs(FEW[:2], SOURCE, CONFIG, workers):
        assert isinstance(outcome, JobResult)
        alone = train_architecture(candidate.arch_id, 0, SOURCE.load(), CONFIG)
        assert all(np.array_equal(outcome.weights[n], w) for n, w in alone.weights.items())


def test_a_folder_holds_a_file_for_each_setting(tmp_path: Path) -> None:
    train(FEW[:1], tmp_path)
    train_jobs(FEW[:1], SOURCE, small(epochs=2), tmp_path, progress=False)
    names = {store_name(SOURCE, CONFIG), store_name(SOURCE, small(epochs=2))}
    assert {file.name for file in tmp_path.glob("*.jsonl")} == names
    assert len(names) == 2
    assert all(
        name.startswith("digits-") and len(name) == len("digits-12345678.jsonl") for name in names
    )
    assert store_name(SOURCE, small(epochs=1, device="cuda")) == store_name(SOURCE, CONFIG)
    assert store_name(ImageSource(split_seed=1), CONFIG) not in names


def test_a_killed_training_goes_on_from_its_checkpoint(
    tmp_path: Path, trained: tuple[Path, list[JobRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint lies beside the store, and goes when the result is stored."""
    store, folder = tmp_path / "runs.jsonl", tmp_path / "runs.checkpoints"
    monkeypatch.setattr(batch, "Checkpoints", lambda folder: Checkpoints(folder, every_s=0))
    with monkeypatch.context() as patch:
        patch.setattr(training, "end_training", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(FEW[:1], store)
    assert events(store) == []
    assert [path.suffix for path in folder.iterdir()] == [".checkpoint"]
    monkeypatch.setattr(Fitting, "run_epoch", _interrupt)
    assert timeless(train(FEW[:1], store)) == timeless(trained[1][:1])
    assert list(folder.iterdir()) == []


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_store_older_than_the_curves(
    tmp_path: Path, trained: tuple[Path, list[JobRecord]]
) -> None:
    lines = trained[0].read_text().splitlines()
    rows = [{k: v for k, v in json.loads(line).items() if k != "curve"} for line in lines]
    store = tmp_path / "runs.jsonl"
    store.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    assert train(FEW, store) == [replace(run, curve=None) for run in trained[1]]


class TestFailures:
    def test_one_is_recorded_and_the_rest_go_on(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = tmp_path / "runs.jsonl"
        with caplog.at_level(logging.WARNING):
            runs = train([WRONG, FEW[0]], store)
        assert [run.status for run in runs] == ["failed", "ok"]
        assert "ArchitectureError" in runs[0].message
        assert runs[0].valid_accuracy is None
        assert "|foo|, seed 0: ArchitectureError" in caplog.text
        # The next call tries it again and keeps the success; a failure has no row in the table.
        again = train([WRONG, FEW[0]], store)
        assert again == runs
        assert [event["status"] for event in events(store)] == ["failed", "ok", "failed"]
        assert set(accuracy_table(again, "digits", 1)["arch_id"]) == {CONV}

    def test_divergence_is_one(self, tmp_path: Path) -> None:
        store = tmp_path / "runs.jsonl"
        with pytest.raises(TrainingError, match=r"All 1 trainings failed.*training diverged"):
            train_jobs(FEW[:1], SOURCE, small(learning_rate=1e30), store, progress=False)
        assert [event["status"] for event in events(store)] == ["failed"]

    def test_all_of_them(self, tmp_path: Path) -> None:
        store = tmp_path / "runs.jsonl"
        with pytest.raises(TrainingError, match=r"All 2 trainings failed.*ArchitectureError.*runs"):
            train([WRONG, replace(WRONG, seed=1)], store)
        assert len(events(store)) == 2
        assert len(train([WRONG, FEW[0]], store)) == 2

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    @pytest.mark.parametrize("here", [True, False])
    def test_a_missing_gpu_is_no_failure_of_an_architecture(
        self, tmp_path: Path, workers: LocalEngine, here: bool
    ) -> None:
        config, engine = small(device="cuda"), SerialEngine() if here else workers
        with pytest.raises(TrainingError, match=r"ConfigurationError: device .*'cuda'"):
            train_jobs(FEW, SOURCE, config, tmp_path / "r.jsonl", engine=engine)
        assert events(tmp_path / "r.jsonl") == []

    def test_workers_with_other_images(
        self, tmp_path: Path, workers: LocalEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a cluster where the path leads to another file on some machine."""
        pixels, labels = digits()
        path = tmp_path / "mine.npz"
        np.savez(path, images=pixels, labels=labels)
        source = ImageSource(str(path))
        monkeypatch.setattr(images, "files_state", lambda files: "unchanged")  # here, not there
        source.load()
        np.savez(path, images=pixels[::-1], labels=labels)
        with pytest.raises(TrainingError, match=rf"{tmp_path}/mine\.npz"):
            train_jobs(FEW, source, CONFIG, tmp_path / "runs.jsonl", engine=workers)

    def test_an_engine_tells_of_each(self) -> None:
        ((candidate, outcome),) = run_jobs([WRONG], SOURCE, CONFIG, SerialEngine())
        assert candidate is WRONG
        assert isinstance(outcome, TaskError)


class TestStore:
    def test_other_settings_or_images_are_refused(
        self, trained: tuple[Path, list[JobRecord]]
    ) -> None:
        store, _ = trained
        with pytest.raises(StoreError, match=r"runs\.jsonl .*\bepochs \(1 .* 2 now\)"):
            train_jobs(FEW, SOURCE, small(epochs=2), store)
        with pytest.raises(StoreError, match="images"):
            train_jobs(FEW, ImageSource(split_seed=1), CONFIG, store)
        with pytest.raises(StoreError, match="learning_rate"):
            stored_records(SOURCE, small(epochs=1, learning_rate=0.3), store)

    def test_damage_is_named(self, tmp_path: Path) -> None:
        store = tmp_path / "runs.jsonl"
        train(FEW[:1], store)
        lines = store.read_text().splitlines()
        store.write_text("\n".join([lines[0], '{"arch_id":"x"}', lines[1]]) + "\n")
        with pytest.raises(StoreError, match=r"runs\.jsonl .*line 2: .*'seed'"):
            train(FEW[:1], store)


class TestTable:
    def test_it_is_one_of_the_project(self, trained: tuple[Path, list[JobRecord]]) -> None:
        table = accuracy_table(trained[1], "digits", 1)
        assert validate(table, ACCURACY, origin="x").equals(table)
        assert len(table) == 2 * len(FEW)
        assert set(table["epochs"]) == {1}
        rows = table.set_index(["arch_id", "split", "seed"])["accuracy"]
        for run in trained[1]:
            assert rows[run.arch_id, "valid", run.seed] == run.valid_accuracy
            assert rows[run.arch_id, "test", run.seed] == run.test_accuracy

    def test_a_name_that_no_table_takes(self, trained: tuple[Path, list[JobRecord]]) -> None:
        with pytest.raises(SchemaError, match="'My Digits'"):
            accuracy_table(trained[1], "My Digits", 1)

    def test_none_is_empty(self) -> None:
        assert accuracy_table([JobRecord("x", 0, "failed", message="why")], "d", 1).empty


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_moments_and_run_again(
    tmp_path: Path, repository: Path, workers: int
) -> None:
    whole = tmp_path / "whole.jsonl"
    expected = train_jobs(CANDIDATES, SOURCE, SETTINGS, whole, progress=False)
    store, rng, kills = tmp_path / "killed.jsonl", random.Random(workers), 0
    command = [sys.executable, "-m", "tests.candidates.killed_training", str(store), str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    for _ in range(4):
        began = store.read_bytes() if store.exists() else b""
        with subprocess.Popen(command, cwd=repository, env=environment) as process:
            # Once it has got somewhere: starting takes seconds, a training a fraction of one.
            while process.poll() is None and (not store.exists() or store.read_bytes() == began):
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.5))
            process.send_signal(signal.SIGKILL)
        kills += process.returncode == -signal.SIGKILL
        assert store.read_bytes().startswith(began[: began.rfind(b"\n") + 1]), "it is kept"
    assert kills >= 2
    assert subprocess.run(command, cwd=repository, env=environment, check=True)
    stored = Counter((event["arch_id"], event["seed"]) for event in events(store))
    assert stored == Counter((c.arch_id, c.seed) for c in CANDIDATES), "each of them once"
    runs = stored_records(SOURCE, SETTINGS, store)
    by = {run.job: run for run in timeless(runs)}
    assert [by[candidate] for candidate in CANDIDATES] == timeless(expected)


def test_the_space_is_part_of_the_task_unless_it_is_the_first() -> None:
    """So that what was trained before there were others stays of use."""
    data = SOURCE.load()
    before = {"dataset", "images", "torch", "arithmetic"} | {f.name for f in fields(CONFIG)}
    assert set(training_fingerprint(data, CONFIG)) <= before - {"device"}
    other = training_fingerprint(data, CONFIG, space="darts")
    assert other == training_fingerprint(data, CONFIG) | {"space": "darts"}


def test_a_worker_with_another_file_of_the_space_trains_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    content = "from brpnas.spaces import NasBench201\n\n\nclass Mine(NasBench201):\n    pass\n"
    path.write_text(content)

    class Elsewhere(SerialEngine):
        """Reads the file when it has changed."""

        def run(self, function, arguments):  # type: ignore[no-untyped-def]
            path.write_text(content + "# another\n")
            return super().run(function, arguments)

    store = tmp_path / "runs.jsonl"
    with pytest.raises(TrainingError, match=rf"worker .*{path}"):
        train(FEW[:1], store, engine=Elsewhere(), space=str(path))
    assert events(store) == []


def test_no_space_no_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.py"):
        train(FEW[:1], tmp_path / "runs.jsonl", space=str(tmp_path / "none.py"))
    assert not list(tmp_path.iterdir())

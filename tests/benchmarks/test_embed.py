"""The command making the shipped benchmark, in a workspace with real measurements."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.embed import collect, contents, datasheet
from benchmarks.embed.__main__ import CATALOGUE, main
from benchmarks.embed.write import MARKER
from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainingJob,
    accuracy_table,
    train_jobs,
    training_report,
)
from brpnas.datasets import (
    embedded_devices,
    embedded_facts,
    embedded_notes,
    read_embedded_accuracy,
    read_embedded_latency,
    read_embedded_operations,
    shipped,
)
from brpnas.datasets.noise import seed_noise
from brpnas.devices import load_devices
from brpnas.errors import SchemaError, SourceError
from brpnas.measure import (
    MeasureSettings,
    OnnxRuntime,
    Protocol,
    add_device,
    measure_device,
    measure_operations,
)
from brpnas.measure.store import store_name, task_of
from brpnas.spaces import get_space
from brpnas.spaces.network import NetworkConfig

CELLS = get_space("nasbench201").enumerate()[7000:7006]
SETTINGS = MeasureSettings(
    OnnxRuntime(threads=1),
    Protocol(warmup=0, runs=2, repeats=2),
    NetworkConfig(channels=4, cells_per_stage=1, stages=2, input_shape=(1, 8, 8)),
)
TRAINING = JobConfig(channels=4, cells_per_stage=1, stages=1, epochs=1)


def measure(cells: list[str], store: Path, table: Path) -> None:
    device, result = measure_device(cells, SETTINGS, store, progress=False)
    result.latency(device.name).to_parquet(table / f"{device.name}.parquet", index=False)
    path = store / store_name(task_of(SETTINGS, result.machine)) if store.is_dir() else store
    alone = measure_operations(SETTINGS, path, device=device.name, progress=False)
    (table / "operations").mkdir(exist_ok=True)
    alone.to_parquet(table / "operations" / f"{device.name}.parquet", index=False)
    if not (table / "devices.yml").exists():
        add_device(device, table / "devices.yml")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after train_candidates and measure, and a second measurement beside it."""
    root = tmp_path_factory.mktemp("made")
    folders = {
        name: root / name
        for name in ("ws/01_raw/trained", "ws/01_raw/measured", "again", "ws/08_reporting")
    }
    store = root / "ws" / "07_model_output" / "store"
    for folder in (*folders.values(), store):
        folder.mkdir(parents=True)
    source, asked = ImageSource(), [TrainingJob(cell, seed) for seed in (0, 1) for cell in CELLS]
    runs = train_jobs(asked, source, TRAINING, store / "digits.jsonl", progress=False)
    table = accuracy_table(runs, "digits", TRAINING.epochs)
    table.to_parquet(folders["ws/01_raw/trained"] / "digits.parquet", index=False)
    report = training_report(runs, source.load(), TRAINING, asked=len(asked), seconds=1.0)
    (folders["ws/08_reporting"] / "train_candidates_report.json").write_text(json.dumps(report))
    measure(CELLS, store, folders["ws/01_raw/measured"])
    measure(CELLS[:4], root / "again.jsonl", folders["again"])
    return root


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(made / "ws", tmp_path / "ws"))


def name_of(workspace: Path) -> str:
    (file,) = (workspace / "01_raw" / "measured").glob("*.parquet")
    return file.stem.removeprefix("local-")


def test_package_files_read_back_as_what_was_made(made: Path, tmp_path: Path) -> None:
    out, catalogue = tmp_path / "embedded", tmp_path / "catalogue.yml"
    shutil.copy(CATALOGUE, catalogue)
    stale = out / "latency" / "gone.parquet"
    stale.parent.mkdir(parents=True)
    stale.touch()
    arguments = ["--workspace", str(made / "ws"), "--again", str(made / "again")]
    arguments += ["--output", str(out), "--catalogue", str(catalogue), "--trained", "by the test"]
    assert main(arguments) == 0
    name = name_of(made / "ws")
    assert embedded_devices(out) == [name], "a device that is gone leaves no table"
    accuracy, latency = read_embedded_accuracy(out), read_embedded_latency(name, out)
    trained = pd.read_parquet(made / "ws" / "01_raw" / "trained" / "digits.parquet")
    key = ["arch_id", "split", "seed"]
    pd.testing.assert_frame_equal(
        accuracy.sort_values(key, ignore_index=True), trained.sort_values(key, ignore_index=True)
    )
    assert set(latency["arch_id"]) == set(CELLS)
    operations = read_embedded_operations(out)
    assert set(operations["device"]) == {name}
    facts = embedded_facts(out)
    assert facts["accuracy"]["noise"]["valid"] == seed_noise(accuracy, "digits", "valid")
    assert (facts["accuracy"]["cells"], facts["accuracy"]["trainings"]) == (6, 12)
    assert facts["accuracy"]["cells_by_seeds"] == {"2": 6}
    stated = facts["latency"][name]
    assert stated["operations"] == len(operations)
    assert stated["again"]["cells"] == 4
    assert stated["drift"]["references"] == 2
    assert stated["settings"] == SETTINGS.fingerprint()
    assert stated["settings"]["protocol"] == asdict(SETTINGS.protocol)
    assert set(embedded_notes(out)) == {"nb201-digits", name}
    entry = load_devices(catalogue)[name]
    assert (entry.licence, entry.source) == ("Apache-2.0", None)
    assert list(load_devices(catalogue))[:13] == list(load_devices())[:13]
    assert catalogue.read_text().count(MARKER) == 1
    before = {path: path.read_bytes() for path in (catalogue, *out.rglob("*.*"))}
    assert main(arguments) == 0
    assert {path: path.read_bytes() for path in before} == before, "equal input, equal bytes"


def test_datasheet_states_the_figures(made: Path) -> None:
    collected = collect(made / "ws", trained="TRAINED-7")
    page = contents(collected)["DATASHEET.md"].decode()
    facts = collected.facts
    assert page == datasheet(facts)
    noise, (device,) = facts["accuracy"]["noise"], facts["latency"].values()
    for figure in (
        f"{noise['test']['pairs'][0]['spearman']:.3f}",
        f"{100 * noise['valid']['sd']:.2f}",
        f"{100 * device['repeats']['median_relative_std']:.1f} %",
        f"{100 * device['drift']['max_drift']:.1f} %",
        "TRAINED-7",
    ):
        assert figure in page
    assert re.search(r"\b600 .*\b598 .*\b599\b", page)
    for heading in ("Motivation", "Composition", "Collection process", "Preprocessing", "Uses"):
        assert f"## {heading}" in page


def test_latencies_without_their_journal_are_refused(workspace: Path) -> None:
    for journal in (workspace / "07_model_output" / "store").glob("measure-*.jsonl"):
        head, *rows = journal.read_text().splitlines(keepends=True)
        last = max(i for i, row in enumerate(rows) if json.loads(row)["event"] == "cell")
        journal.write_text("".join([head, *rows[:last], *rows[last + 1 :]]))
    with pytest.raises(
        SourceError, match=r"01_raw/measured/local-amd-epyc-onnxruntime-fp32-1t\.parquet"
    ):
        collect(workspace, trained="x")


def test_report_of_another_run_is_refused(workspace: Path) -> None:
    path = workspace / "08_reporting" / "train_candidates_report.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"trained": 99}))
    with pytest.raises(SchemaError, match="counts 99 trainings"):
        collect(workspace, trained="x")


@pytest.mark.parametrize(
    "lost",
    [
        "01_raw/trained/digits.parquet",
        "01_raw/measured/devices.yml",
        "08_reporting/train_candidates_report.json",
    ],
)
def test_what_is_missing_is_named(
    workspace: Path, lost: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / lost).unlink()
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=f"{lost}"):
        main(["--workspace", str(workspace), "--trained", "x", "--output", str(out)])
    assert not out.exists()


def test_shipped_datasheet_is_that_of_the_shipped_figures() -> None:
    page = (shipped.EMBEDDED / "DATASHEET.md").read_text("utf-8")
    assert page == datasheet(embedded_facts())

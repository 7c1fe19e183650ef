"""The command making the shipped benchmark, in a workspace with real measurements."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.embed import collect, contents, datasheet, extend, replace_curves
from benchmarks.embed.__main__ import CATALOGUE, main
from benchmarks.embed.write import MARKER
from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainingJob,
    accuracy_table,
    curve_table,
    train_jobs,
    training_report,
)
from brpnas.cli import measuring
from brpnas.datasets import (
    embedded_devices,
    embedded_facts,
    embedded_notes,
    read_embedded_accuracy,
    read_embedded_curves,
    read_embedded_latency,
    read_embedded_operations,
    shipped,
)
from brpnas.datasets.curves import curve_figures
from brpnas.datasets.noise import seed_noise
from brpnas.devices import load_devices
from brpnas.errors import SchemaError, SourceError
from brpnas.measure import (
    MeasureSettings,
    OnnxRuntime,
    Protocol,
    add_device,
    make_kit,
    measure_device,
    measure_operations,
)
from brpnas.measure.artifacts import Manifest
from brpnas.measure.store import store_name, task_of
from brpnas.spaces import get_space
from brpnas.spaces.network import NetworkConfig

CELLS = get_space("nasbench201").enumerate()[7000:7006]
SETTINGS = MeasureSettings(
    OnnxRuntime(threads=1),
    Protocol(warmup=0, runs=2, repeats=2),
    NetworkConfig(channels=4, cells_per_stage=1, stages=2, input_shape=(1, 8, 8)),
)
TRAINING = JobConfig(channels=4, cells_per_stage=1, stages=1, epochs=2)


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
        for name in (
            "ws/01_raw/trained",
            "ws/01_raw/measured",
            "ws/07_model_output/curves",
            "again",
            "ws/08_reporting",
        )
    }
    store = root / "ws" / "07_model_output" / "store"
    for folder in (*folders.values(), store):
        folder.mkdir(parents=True, exist_ok=True)
    source, asked = ImageSource(), [TrainingJob(cell, seed) for seed in (0, 1) for cell in CELLS]
    runs = train_jobs(asked, source, TRAINING, store / "digits.jsonl", progress=False)
    table = accuracy_table(runs, "digits", TRAINING.epochs)
    table.to_parquet(folders["ws/01_raw/trained"] / "digits.parquet", index=False)
    curves = curve_table(runs, "digits")
    curves.to_parquet(folders["ws/07_model_output/curves"] / "digits.parquet", index=False)
    report = training_report(runs, source.load(), TRAINING, asked=len(asked), seconds=1.0)
    (folders["ws/08_reporting"] / "train_candidates_report.json").write_text(json.dumps(report))
    measure(CELLS, store, folders["ws/01_raw/measured"])
    measure(CELLS[:4], root / "again.jsonl", folders["again"])
    return root


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the table of a kit, of networks in int8."""
    folder = tmp_path_factory.mktemp("kits")
    make_kit(CELLS, replace(SETTINGS, runtime=OnnxRuntime(precision="int8")), folder / "kit")
    runner = [sys.executable, folder / "kit" / "runner.py", "run"]
    subprocess.run(runner, cwd=folder / "kit", check=True, capture_output=True)
    table = folder / "01_raw" / "measured" / "board-int8.parquet"
    table.parent.mkdir(parents=True)
    measuring.read(folder / "kit", table, device="board-int8")
    return folder


@pytest.fixture
def benchmark(made: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Folder and catalogue of a benchmark, to change."""
    out, catalogue = tmp_path / "embedded", tmp_path / "catalogue.yml"
    shutil.copy(CATALOGUE, catalogue)
    options = ["--output", str(out), "--catalogue", str(catalogue), "--trained", "by the test"]
    assert main(["--workspace", str(made / "ws"), *options]) == 0
    return out, catalogue


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
    curves = read_embedded_curves(out)
    assert len(curves) == 2 * len(CELLS) * TRAINING.epochs
    assert set(latency["arch_id"]) == set(CELLS)
    operations = read_embedded_operations(out)
    assert set(operations["device"]) == {name}
    facts = embedded_facts(out)
    assert facts["curves"] == curve_figures(curves) | {"trained": "by the test"}
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
        f"{facts['curves']['spearman_with_last'][0]:.3f}",
        f"{100 * facts['curves']['median'][0]:.1f} %",
        f"{100 * noise['valid']['sd']:.2f}",
        f"{100 * device['repeats']['median_relative_std']:.1f} %",
        f"{100 * device['drift']['max_drift']:.1f} %",
        "TRAINED-7",
    ):
        assert figure in page
    assert re.search(r"\b600 .*\b598 .*\b599\b", page)
    for heading in ("Motivation", "Composition", "Collection process", "Preprocessing", "Uses"):
        assert f"## {heading}" in page


def test_devices_are_added_without_the_workspace_of_the_others(
    kits: Path, benchmark: tuple[Path, Path]
) -> None:
    out, catalogue = benchmark
    (first,) = embedded_devices(out)
    before = {path: path.read_bytes() for path in out.rglob("*.parquet")}
    facts, entry = embedded_facts(out), load_devices(catalogue)[first]
    arguments = ["--add", "--workspace", str(kits)]
    arguments += ["--output", str(out), "--catalogue", str(catalogue)]
    assert main(arguments) == 0
    assert embedded_devices(out) == sorted([first, "board-int8"])
    assert {path: path.read_bytes() for path in before} == before
    added = embedded_facts(out)
    assert added["accuracy"] == facts["accuracy"]
    assert added["latency"][first] == facts["latency"][first]
    assert set(read_embedded_operations(out)["device"]) == {first}
    entries = load_devices(catalogue)
    assert entries[first] == entry
    assert entries["board-int8"].precision == "int8"
    stated = added["latency"]["board-int8"]
    assert (stated["cells"], stated["operations"], stated["again"]) == (6, 0, None)
    table = read_embedded_latency("board-int8", out)
    assert stated["figures"]["file_kib"]["max"] == table["file_kib"].max()
    assert stated["figures"]["energy_mj"] is None or stated["figures"]["energy_mj"]["min"] > 0
    converter = Manifest.read(kits / "kit").versions
    assert stated["versions"]["converter"] == {name: [one] for name, one in converter.items()}
    page = (out / "DATASHEET.md").read_text()
    assert f"onnx {converter['onnx']}" in page
    assert f"onnxruntime {stated['versions']['device']['onnxruntime'][0]}" in page
    written = {path: path.read_bytes() for path in (catalogue, *out.rglob("*.*"))}
    assert main(arguments) == 0
    assert {path: path.read_bytes() for path in written} == written


def test_a_device_of_the_same_name_is_replaced(
    made: Path, workspace: Path, benchmark: tuple[Path, Path]
) -> None:
    out, catalogue = benchmark
    (name,) = embedded_devices(out)
    shutil.copytree(made / "again", workspace / "01_raw" / "measured", dirs_exist_ok=True)
    shutil.copy(made / "again.jsonl", workspace / "07_model_output" / "store")
    collected = extend(workspace, out, catalogue)
    assert [device.name for device in collected.devices] == [name]
    assert {name: len(table) for name, table in collected.latency.items()} == {name: 4}
    assert collected.facts["latency"][name]["cells"] == 4
    assert len(collected.operations) == len(read_embedded_operations(out))
    shutil.rmtree(workspace / "01_raw" / "measured" / "operations")
    with pytest.raises(SourceError, match="operations"):
        extend(workspace, out, catalogue)


def test_curves_are_replaced_and_all_else_stays(
    workspace: Path, benchmark: tuple[Path, Path], made: Path
) -> None:
    out, catalogue = benchmark
    before = {path: path.read_bytes() for path in (catalogue, *out.rglob("*.parquet"))}
    file = workspace / "07_model_output" / "curves" / "digits.parquet"
    table = pd.read_parquet(file)
    table[table["seed"] == 0].to_parquet(file)
    arguments = ["--curves", "CURVES-7", "--workspace", str(workspace)]
    assert main([*arguments, "--output", str(out), "--catalogue", str(catalogue)]) == 0
    curves = read_embedded_curves(out)
    assert len(curves) == len(CELLS) * TRAINING.epochs
    changed = {path.name for path, content in before.items() if path.read_bytes() != content}
    assert changed == {"nb201-digits-curves.parquet"}
    facts = embedded_facts(out)
    assert facts["curves"] == curve_figures(curves) | {"trained": "CURVES-7"}
    assert facts["accuracy"]["trained"] == "by the test"
    assert "CURVES-7" in (out / "DATASHEET.md").read_text()


@pytest.mark.parametrize("damage", ["a cell", "an end", "a training"])
def test_curves_of_other_trainings_are_refused(
    workspace: Path, benchmark: tuple[Path, Path], damage: str
) -> None:
    out, catalogue = benchmark
    file = workspace / "07_model_output" / "curves" / "digits.parquet"
    table = pd.read_parquet(file)
    mine = table["arch_id"] == CELLS[0]
    if damage == "a cell":
        table = table[~mine]
    elif damage == "an end":
        table.loc[mine, "accuracy"] = 0.999
    else:
        table.loc[mine & (table["seed"] == 0), "seed"] = 9
    table.to_parquet(file)
    with pytest.raises(SchemaError, match=re.escape(CELLS[0])):
        replace_curves(workspace, out, catalogue, trained="x")
    with pytest.raises(SchemaError, match=re.escape(CELLS[0])):
        collect(workspace, trained="x")


def test_a_benchmark_without_facts_of_a_device_is_refused(
    kits: Path, benchmark: tuple[Path, Path]
) -> None:
    out, catalogue = benchmark
    (name,) = embedded_devices(out)
    shutil.copy(out / "latency" / f"{name}.parquet", out / "latency" / "unknown.parquet")
    with pytest.raises(SourceError, match=r"facts\.json .*'unknown'"):
        extend(kits, out, catalogue)


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
        "07_model_output/curves/digits.parquet",
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

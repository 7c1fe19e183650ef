"""Networks for measuring elsewhere equal the networks measured here."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest

from brpnas.devices import read_device_table
from brpnas.errors import ConfigurationError
from brpnas.measure import MeasureSettings, OnnxRuntime, Protocol, TorchEager, get_runtime
from brpnas.measure.artifacts import MANIFEST, Manifest
from brpnas.measure.networks import export_cells
from brpnas.measure.runner import seeded_image
from brpnas.measure.setup import cell_artifact
from brpnas.measure.targets.local import check_artifacts
from brpnas.spaces import NasBench201, NetworkConfig
from brpnas.spaces.select import select_cells

SIZE = NetworkConfig(2, 1, 2, (1, 8, 8), 3)
SETTINGS = MeasureSettings(OnnxRuntime(), Protocol(0, 1, 1), SIZE, batch_size=2)
CELLS = select_cells(10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks") / "made" / "here"
    export_cells(CELLS, SETTINGS, folder, "my-board.csv")
    return folder


def test_they_are_the_bytes_that_are_timed(folder: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(folder)
    assert [one.name for one in manifest.networks] == CELLS
    for one in manifest.networks[:3]:
        timed = cell_artifact(one.name, SETTINGS, tmp_path)
        assert timed == one
        for file in one.files:
            assert (folder / file.file).read_bytes() == (tmp_path / file.file).read_bytes()


def test_the_manifest_describes_every_file(folder: Path) -> None:
    manifest = Manifest.read(folder)
    assert (manifest.network_size, manifest.space) == (SIZE.size, "nasbench201")
    names = {file.file for one in manifest.networks for file in one.files}
    assert {path.name for path in folder.iterdir()} == names | {"my-board.csv", MANIFEST}
    for one in manifest.networks:
        (file,) = one.files
        content = (folder / file.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    image = seeded_image(one.shape, manifest.seed)
    (logits,) = session.run(["logits"], {"image": image})
    assert one.answer is not None
    assert list(logits.shape) == list(one.answer.shape) == [2, 3]
    assert logits.ravel().tolist() == pytest.approx(list(one.answer.values), abs=1e-5)


def test_the_runner_takes_the_folder_as_it_is(folder: Path) -> None:
    rows = list(check_artifacts(folder))
    assert [row["name"] for row in rows] == CELLS
    assert {row["event"] for row in rows} == {"checked"}


def test_the_filled_index_is_a_table_of_the_device(folder: Path, tmp_path: Path) -> None:
    index = pd.read_csv(folder / "my-board.csv")
    assert index["latency_ms"].isna().all()
    index["latency_ms"] = np.linspace(1, 2, len(index))
    index.to_csv(tmp_path / "my-board.csv", index=False)
    found = read_device_table(tmp_path / "my-board.csv", NasBench201())
    assert (found.device, found.findings) == ("my-board", ())
    assert sorted(found.table["arch_id"]) == sorted(CELLS)
    assert set(found.table["network_size"]) == {SIZE.size}
    assert set(found.table["precision"]) == {"fp32"}


def test_an_index_of_int8_networks_says_so(tmp_path: Path) -> None:
    int8 = replace(SETTINGS, runtime=get_runtime("onnxruntime", precision="int8"))
    index = pd.read_csv(export_cells(CELLS[:2], int8, tmp_path / "made"))
    assert index["precision"].tolist() == ["int8", "int8"]


def test_a_folder_that_is_there_is_left_alone(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConfigurationError, match="made/here "):
        export_cells(CELLS[:1], SETTINGS, folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    export_cells(CELLS[:1], SETTINGS, tmp_path / "empty")
    assert len(list((tmp_path / "empty").glob("*.onnx"))) == 1


def test_networks_of_torch_hold_dead_operations(tmp_path: Path) -> None:
    settings = replace(SETTINGS, runtime=TorchEager())
    index = pd.read_csv(export_cells(CELLS[:1], settings, tmp_path / "x"))
    assert index["file"].str.endswith(".npz").all()
    assert settings.network.executes_dead_ops


def test_a_cell_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no cell"):
        export_cells([CELLS[0], "no cell"], SETTINGS, tmp_path / "x")
    assert not list(tmp_path.iterdir())

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DatasetError

from brpnas.datasets import read_embedded_latency
from brpnas.errors import IntakeError, UnknownNameError
from pipelines.datasets import DeviceFilesDataset

REAL = read_embedded_latency("amd-epyc-torch-fp32-1t")[["arch_id", "latency_ms"]].head(20)


def test_a_folder_that_is_not_there_holds_no_device(tmp_path: Path) -> None:
    dataset = DeviceFilesDataset(str(tmp_path / "devices"))
    assert dataset.exists()
    assert dataset.load() == {}
    assert not (tmp_path / "devices").exists()


def test_each_file_is_a_device(tmp_path: Path) -> None:
    REAL.to_csv(tmp_path / "b.csv", index=False)
    REAL.to_parquet(tmp_path / "a.parquet", index=False)
    devices = DeviceFilesDataset(str(tmp_path)).load()
    assert list(devices) == ["a", "b"]
    found = {name: read() for name, read in devices.items()}
    assert {name: intake.device for name, intake in found.items()} == {"a": "a", "b": "b"}
    assert set(found["a"].table["arch_id"]) == set(REAL["arch_id"])


def test_one_that_is_refused_stands_in_no_other_way(tmp_path: Path) -> None:
    REAL.to_csv(tmp_path / "good.csv", index=False)
    (tmp_path / "bad.csv").write_text("")
    devices = DeviceFilesDataset(str(tmp_path)).load()
    assert len(devices["good"]().table) == 20
    with pytest.raises(IntakeError, match=r"(?s)bad\.csv.*\bempty\b"):
        devices["bad"]()


def test_options_reach_the_intake(tmp_path: Path) -> None:
    REAL.head(4).to_csv(tmp_path / "few.csv", index=False)
    read = DeviceFilesDataset(str(tmp_path)).load()["few"]
    with pytest.raises(IntakeError, match="4 of 4 rows"):
        read()
    assert len(read(least=4).table) == 4


def test_two_files_of_a_device_are_refused_when_read(tmp_path: Path) -> None:
    REAL.to_csv(tmp_path / "a.csv", index=False)
    REAL.to_parquet(tmp_path / "a.parquet", index=False)
    devices = DeviceFilesDataset(str(tmp_path)).load()
    assert list(devices) == ["a"]
    with pytest.raises(IntakeError, match="same device"):
        devices["a"]()


def test_notes_are_left_alone_and_other_files_refused(tmp_path: Path) -> None:
    REAL.to_csv(tmp_path / "a.csv", index=False)
    for name in ("README.md", ".gitkeep", "devices.yml", "a.csv.dvc", "a.xlsx", "b.tsv"):
        (tmp_path / name).write_text("x")
    for name in ("README.txt", "protocol.json", "runs.jsonl"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    devices = DeviceFilesDataset(str(tmp_path)).load()
    assert list(devices) == ["a", "b"]
    assert devices["a"]().device == "a"
    with pytest.raises(IntakeError, match=r"'\.tsv'"):
        devices["b"]()


def test_what_editors_and_systems_leave_beside_tables_stops_nothing(tmp_path: Path) -> None:
    REAL.to_csv(tmp_path / "a.csv", index=False)
    for name in (
        *("Thumbs.db", "desktop.ini", "~$a.csv", "~a.csv", "a.csv.bak", "a.csv~", "#a.csv#"),
        *(".~lock.a.csv#", "a.csv.crdownload", "b.parquet.part", "Icon\r", "LICENSE", "a.csv.lock"),
    ):
        (tmp_path / name).write_bytes(b"\0\xff")
    devices = DeviceFilesDataset(str(tmp_path)).load()
    assert list(devices) == ["a"]
    assert len(devices["a"]().table) == 20


def test_a_symbolic_link_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("arch_id,latency_ms\npassword,x\n")
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "a.csv").symlink_to(tmp_path / "secret")
    (tmp_path / "devices" / "b.csv").symlink_to(tmp_path / "nowhere")
    for read in DeviceFilesDataset(str(tmp_path / "devices")).load().values():
        with pytest.raises(IntakeError, match="symbolic link") as caught:
            read()
        assert "password" not in str(caught.value)


def test_it_is_read_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read only"):
        DeviceFilesDataset(str(tmp_path)).save({"a": None})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_space_is_looked_up(tmp_path: Path) -> None:
    dataset = DeviceFilesDataset(str(tmp_path), space="nasbench")
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, UnknownNameError)
    assert "nasbench" in str(dataset)

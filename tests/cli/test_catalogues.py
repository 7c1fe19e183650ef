from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.datasets import load_catalogue
from brpnas.devices import load_devices
from tests.cli.conftest import Brpnas


class TestDevices:
    def test_lists_all_and_marks_the_twins(self, brpnas: Brpnas) -> None:
        lines = brpnas("devices").stdout.splitlines()
        rows = lines[1 : lines.index("")]
        assert [line.split()[0] for line in rows] == list(load_devices())
        marked = [line.split()[0] for line in rows if line.endswith("*")]
        assert marked == ["desktop-cpu-core-i7-7820x-fp32", "desktop-gpu-gtx-1080ti-fp32"]
        assert "brpnas devices NAME" in lines[-1]

    @pytest.mark.parametrize("name", list(load_devices()))
    def test_describes_each_by_all_that_is_known(self, brpnas: Brpnas, name: str) -> None:
        device = load_devices()[name]
        text = brpnas("devices", name).stdout
        shown = [name, device.hardware, device.precision, device.licence, *device.near_twins]
        assert [value for value in shown if value not in text] == []
        assert ("near twins       none" in text) == (not device.near_twins)
        assert ("notes" in text) == bool(device.notes)

    def test_unknown_one_gets_a_suggestion(self, brpnas: Brpnas) -> None:
        result = brpnas("devices", "desktop-gpu-gtx-1080-fp32")
        assert result.exit_code == 1
        assert "'desktop-gpu-gtx-1080ti-fp32'?" in result.stderr


class TestSources:
    def test_lists_all_with_size_and_licence(self, brpnas: Brpnas) -> None:
        text = brpnas("sources").stdout
        for source in load_catalogue().values():
            (line,) = (line for line in text.splitlines() if line.startswith(f"{source.name} "))
            assert line.endswith(source.licence)
            assert f"{source.bytes / 1e6:.2f} MB" in line
        total = sum(source.bytes for source in load_catalogue().values())
        assert text.endswith(f"34 files, {total / 1e6:.2f} MB\n")

    def test_group_chooses(self, brpnas: Brpnas) -> None:
        text = brpnas("sources", "--group", "nasbench201").stdout
        assert "5 files" in text
        assert "latbench" not in text

    def test_unknown_group_gets_a_suggestion(self, brpnas: Brpnas) -> None:
        result = brpnas("sources", "--group", "nasbench202")
        assert result.exit_code == 1
        assert "'nasbench201'?" in result.stderr

    def test_fetch_verifies_and_says_where(self, brpnas: Brpnas, mirror: Path) -> None:
        result = brpnas("sources", "--group", "nasbench201", "--fetch", "--mirror", mirror)
        assert result.exit_code == 0, result.output
        paths = [Path(line.split()[-1]) for line in result.stdout.splitlines()[1:6]]
        assert all(path.is_file() and path.is_relative_to(mirror) for path in paths)
        assert "\n5 files" in result.stdout

    def test_a_relative_mirror_is_from_the_project(
        self, brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "pyproject.toml").write_text("[tool.kedro]\n")
        (tmp_path / "docs").mkdir()
        monkeypatch.chdir(tmp_path / "docs")
        monkeypatch.setenv("BRPNAS_MIRROR", "mine")
        assert f"The mirror {tmp_path}/mine" in brpnas("sources", "--fetch").stderr

    def test_mirror_comes_from_the_environment(
        self, brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BRPNAS_MIRROR", str(tmp_path))
        result = brpnas("sources", "--fetch")
        assert result.exit_code == 1
        assert f" {tmp_path} has no " in result.stderr

    def test_another_file_of_that_name_is_refused(self, brpnas: Brpnas, tmp_path: Path) -> None:
        source = load_catalogue()["nasbench201-test"]
        for other in load_catalogue().values():
            (tmp_path / other.file).parent.mkdir(exist_ok=True)
            (tmp_path / other.file).write_bytes(b"something else")
        result = brpnas("sources", "--fetch", "--mirror", tmp_path, "--group", source.group)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "sha256" in result.stderr

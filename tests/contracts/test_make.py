"""`make run` in folders as people have them: with blanks in their names, or without git."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DVC = '#!/bin/sh\necho "$@" >>dvc.log\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installed project, with a `dvc` that records its arguments."""
    root = tmp_path / "My Drive" / "a project"
    commands = root / ".venv" / "bin"
    commands.mkdir(parents=True)
    (root / ".dvc").mkdir()
    (root / "data" / "06_models").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root / name)
    (commands / "dvc").write_text(DVC, "utf-8")
    (commands / "dvc").chmod(0o755)
    (root / ".venv" / ".installed").touch()
    return root


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make outside of any git repository but the folder's own; another tool's VENV is set."""
    others = ("MAKEFLAGS", "MAKELEVEL", "EXTRAS")
    kept = {k: v for k, v in os.environ.items() if k not in others}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        check=False,
        cwd=folder,
        env=kept | {"VENV": "/of/another/tool", "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        capture_output=True,
        text=True,
    )


def calls(folder: Path) -> list[str]:
    return (folder / "dvc.log").read_text("utf-8").splitlines()


def test_runs_in_a_clone_whose_path_has_blanks(folder: Path) -> None:
    (folder / ".git").mkdir()
    done = make(folder, "run", "DVC_ARGS=train")
    assert done.returncode == 0, done.stderr
    assert calls(folder) == ["repro train"]
    assert f"{folder}/data/08_reporting/report.html" in done.stdout
    assert "git" not in done.stdout
    assert sorted(path.name for path in folder.parent.iterdir()) == ["a project"]


def test_runs_in_a_download_and_says_first_what_is_missing(folder: Path) -> None:
    done = make(folder, "run")
    assert done.returncode == 0, done.stderr
    assert re.match(r".*\bgit\b.*git init", done.stdout)
    assert calls(folder) == ["config --local core.no_scm true", "repro"]


def test_a_download_that_became_a_repository_uses_it(folder: Path) -> None:
    (folder / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n", "utf-8")
    (folder / ".git").mkdir()
    assert make(folder, "run").returncode == 0
    assert calls(folder) == ["config --local --unset core.no_scm", "repro"]


def test_retrain_in_a_download_adds_the_device_to_dvc(folder: Path) -> None:
    """With the real `dvc`, and commands in the place of kedro and brpnas that do nothing."""
    commands = folder / ".venv" / "bin"
    (commands / "dvc").unlink()
    (commands / "dvc").symlink_to(shutil.which("dvc") or "")
    (folder / ".dvc" / "config").touch()
    made = [f"data/{stage}/devices/board" for stage in ("06_models", "08_reporting")]
    for path in made:
        (folder / path).mkdir(parents=True)
        (folder / path / "file.txt").write_text("content", "utf-8")
    for name in ("kedro", "brpnas"):
        (commands / name).write_text("#!/bin/sh\n", "utf-8")
        (commands / name).chmod(0o755)
    done = make(folder, "retrain", "DEVICE=board")
    assert done.returncode == 0, done.stderr
    assert [path for path in made if not (folder / f"{path}.dvc").is_file()] == []
    assert "git repository" in done.stdout
    (folder / ".dvc" / "config").write_text("damaged", "utf-8")
    failed = make(folder, "retrain", "DEVICE=board")
    assert failed.returncode == 2
    assert "config" in failed.stderr, "why it failed is said"


def test_environment_in_a_path_with_blanks_is_refused(folder: Path) -> None:
    done = make(folder, "run", "VENV=my env")
    assert done.returncode == 2
    assert "VENV is 'my env'" in done.stderr


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_the_name_of_a_device_is_never_run(
    how: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "$(shell touch was-run)$(info was said)`touch was-run`"
    if how == "environment":
        monkeypatch.setenv("DEVICE", name)
    done = make(folder, "retrain", *([f"DEVICE={name}"] if how == "argument" else []))
    assert done.returncode == 2
    assert "DEVICE=NAME" in done.stderr
    assert not (folder / "was-run").exists()
    assert "was said" not in done.stdout


def test_a_device_may_be_named_by_a_number(folder: Path) -> None:
    done = make(folder, "--dry-run", "retrain", "DEVICE=855")
    assert "kedro run --pipelines=retrain --params=device=855\n" in done.stdout


class TestBuildOfTorch:
    """`make` setting up `.venv` in a folder: the pip commands it would run."""

    @pytest.fixture
    def machine(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Folder of commands before all others: Linux with an NVIDIA driver, but without a GPU."""
        (folder / ".venv" / ".installed").unlink()
        commands = folder.parent / "commands"
        commands.mkdir()
        monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("PIP_ARGS", raising=False)
        says(commands / "uname", "Linux")
        says(commands / "nvidia-smi", "No devices were found", code=6)
        return commands

    @staticmethod
    def installs(folder: Path, *arguments: str) -> list[str]:
        """Commands of pip that would run on a machine without the files of an NVIDIA driver."""
        done = make(folder, "--dry-run", f"GPUS={folder}/gpus", *arguments, ".venv/.installed")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.replace("\\\n", "").splitlines()
        return [line for line in lines if " pip install " in line]

    def test_without_a_gpu_it_comes_first_from_the_index_of_cpu_builds(
        self, folder: Path, machine: Path
    ) -> None:
        torch, rest = self.installs(folder)
        assert "--index-url https://download.pytorch.org/whl/cpu" in torch
        assert "--constraint constraints.txt" in torch
        assert torch.split(" || ")[0].split()[-1] == "torch"
        assert "pytorch" not in rest
        assert "--editable '.[all,dev]'" in rest

    def test_without_a_driver_too(self, folder: Path, machine: Path) -> None:
        says(machine / "nvidia-smi", "", code=127)  # as the shell ends where there is no such file
        assert len(self.installs(folder)) == 2

    @pytest.mark.parametrize("seen_by", ["nvidia-smi", "proc"])
    def test_with_a_gpu_it_is_the_default_build(
        self, seen_by: str, folder: Path, machine: Path
    ) -> None:
        if seen_by == "proc":
            (folder.parent / "gpus" / "0000:01:00.0").mkdir(parents=True)
            found = self.installs(folder, "GPUS=../gpus")
        else:
            says(machine / "nvidia-smi", "GPU 0: NVIDIA H200 (UUID: GPU-5b7d)")
            found = self.installs(folder)
        assert [("pytorch" in line, "'.[all,dev]'" in line) for line in found] == [(False, True)]

    def test_elsewhere_it_is_the_default_build(self, folder: Path, machine: Path) -> None:
        says(machine / "uname", "Darwin")
        assert len(self.installs(folder)) == 1

    @pytest.mark.parametrize("how", ["argument", "environment"])
    @pytest.mark.parametrize("given", ["", "--extra-index-url https://host/cu126"])
    def test_arguments_for_pip_win(
        self, given: str, how: str, folder: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if how == "environment":
            monkeypatch.setenv("PIP_ARGS", given)
        found = self.installs(folder, *([f"PIP_ARGS={given}"] if how == "argument" else []))
        assert len(found) == 1
        assert given in found[0]

    def test_the_rest_is_installed_where_the_index_is_out_of_reach(
        self, folder: Path, machine: Path
    ) -> None:
        python = folder / ".venv" / "bin" / "python"
        python.write_text('#!/bin/sh\necho "$@" >>pip.log\ncase "$*" in *torch) exit 1; esac\n')
        python.chmod(0o755)
        done = make(folder, f"GPUS={folder}/gpus", ".venv/.installed")
        assert done.returncode == 0, done.stderr
        assert "CPU build" in done.stdout
        torch, rest = (folder / "pip.log").read_text("utf-8").splitlines()
        assert torch.split()[-1] == "torch"
        assert rest.split()[-1] == ".[all,dev]"


def says(command: Path, text: str, code: int = 0) -> None:
    """Write a command with a given output and exit code."""
    command.write_text(f"#!/bin/sh\necho '{text}'\nexit {code}\n", "utf-8")
    command.chmod(0o755)

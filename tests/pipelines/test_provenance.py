from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from brpnas.errors import ConfigurationError
from pipelines.provenance import _wait_and_end, dvc_tags, git_tags, group_id, local_artifacts


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=n@n"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def test_git_tags_tell_commit_and_dirt(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "first")
    (tmp_path / "untracked").touch()
    clean = git_tags(tmp_path)
    (tmp_path / "a").write_text("2")
    dirty = git_tags(tmp_path)
    assert len(clean["git.commit"]) == 40
    assert clean == {"git.commit": clean["git.commit"], "git.dirty": "false"}
    assert dirty == clean | {"git.dirty": "true"}


def test_outside_a_repository_only_the_environment_names_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRPNAS_REVISION", raising=False)
    assert git_tags(tmp_path) == {}
    monkeypatch.setenv("BRPNAS_REVISION", "")  # how an image is built that was told none
    assert git_tags(tmp_path) == {}
    monkeypatch.setenv("BRPNAS_REVISION", "c0ffee")
    assert git_tags(tmp_path) == {"git.commit": "c0ffee"}


def test_a_repository_knows_better_than_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRPNAS_REVISION", "c0ffee")
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "first")
    assert git_tags(tmp_path)["git.commit"] != "c0ffee"


def test_dvc_tags_follow_lock_and_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    assert dvc_tags(tmp_path, "train") == {}
    lock = tmp_path / "dvc.lock"
    lock.write_text("schema: '2.0'\nstages:\n  train: {cmd: a}\n  search: {cmd: b}\n")
    before = dvc_tags(tmp_path, "train")
    lock.write_text("schema: '2.0'\nstages:\n  train: {cmd: a}\n  search: {cmd: c}\n")
    after = dvc_tags(tmp_path, "train")
    assert set(before) == {"dvc.lock", "dvc.stage"}
    assert before["dvc.stage"] == after["dvc.stage"]
    assert before["dvc.lock"] != after["dvc.lock"]
    assert set(dvc_tags(tmp_path, "evaluate")) == {"dvc.lock"}
    monkeypatch.setenv("DVC_EXP_NAME", "brave-otter")
    assert dvc_tags(tmp_path, "train")["dvc.experiment"] == "brave-otter"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "schema: '2.0'\n<<<<<<< HEAD\nstages: {}\n=======\nstages: {a: 1}\n>>>>>>> other\n",
            r"dvc\.lock .*line 2\..*git checkout --ours",
        ),
        ("stages: [", r"dvc\.lock .*line 2, .*`git checkout .*dvc\.lock`"),
        ("- a list\n", r"is damaged"),
    ],
)
def test_a_lock_file_that_cannot_be_read_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "dvc.lock").write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=words):
        dvc_tags(tmp_path, "train")


_STAGE = """
import signal, sys, time
from pipelines.provenance import end_with_dvc
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
end_with_dvc()
print(flush=True)
time.sleep(600)
"""


def test_a_stage_ends_when_its_dvc_is_killed(tmp_path: Path, repository: Path) -> None:
    """A shell named `dvc` runs a stage below a shell of its own."""
    (tmp_path / "stage.py").write_text(_STAGE, "utf-8")
    script = tmp_path / "dvc"
    script.write_text(f"sh -c '\"{sys.executable}\" {tmp_path}/stage.py; true'; true\n", "utf-8")
    with subprocess.Popen(
        ["sh", str(script)],
        env=os.environ | {"PYTHONPATH": str(repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as dvc:
        assert dvc.stdout is not None
        dvc.stdout.readline()
        (stage,) = (
            child
            for child in psutil.Process(dvc.pid).children(recursive=True)
            if "python" in child.name()
        )
        dvc.kill()
        stage.wait(timeout=60)
        assert dvc.stderr is not None
        assert dvc.stderr.read().splitlines()[-1] == "ended"


def test_a_dvc_that_ends_between_two_questions_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = psutil.Process(child.pid)
    monkeypatch.setattr(process, "is_running", lambda: True)  # its cached answer
    heard: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        _wait_and_end(process)
    finally:
        signal.signal(signal.SIGTERM, former)
    assert heard == [signal.SIGTERM]


def test_group_is_given_or_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.provenance._is_dvc", lambda process: False)
    monkeypatch.delenv("BRPNAS_GROUP", raising=False)
    assert group_id("session") == "session"
    monkeypatch.setenv("BRPNAS_GROUP", "mine")
    assert group_id("session") == "mine"


def test_group_is_common_to_all_below_one_dvc(tmp_path: Path, repository: Path) -> None:
    """A shell named `dvc` runs two processes with another one in between."""
    script = tmp_path / "dvc"
    ask = (
        f'"{sys.executable}" -c "from pipelines.provenance import group_id; print(group_id(str()))"'
    )
    script.write_text(f"{ask}\nsh -c '{ask}; true'\n")
    environment = {k: v for k, v in os.environ.items() if k != "BRPNAS_GROUP"}
    environment["PYTHONPATH"] = str(repository)
    shell = shutil.which("sh")
    assert shell is not None

    def groups() -> list[str]:
        done = subprocess.run(
            [shell, str(script)], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    first, second = groups(), groups()
    assert first[0].startswith("dvc-")
    assert first[0] == first[1]
    assert first[0] != second[0]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("", "here"), ("sqlite:///x.db", "here"), ("http://mlflow:5000", None)],
)
def test_artifacts_are_local_unless_a_server_tracks(
    monkeypatch: pytest.MonkeyPatch, uri: str, expected: str | None
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert local_artifacts("here") == expected

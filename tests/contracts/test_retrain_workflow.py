"""`.github/workflows/retrain.yml`: its steps run unchanged, on a new device."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from brpnas.datasets import read_embedded_latency
from tests.pipelines.registry.processes import free_port, running

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/retrain.yml").read_text())
CHANGED: dict[str, Any] = WORKFLOW["jobs"]["changed"]
JOB: dict[str, Any] = WORKFLOW["jobs"]["retrain"]
STEPS: list[dict[str, Any]] = [step for step in JOB["steps"] if "run" in step]
EVERY = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
DEVICE = "new-board"
GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Under `make test` this is a make in a make, and would print its folders.
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def holds(condition: str, values: Mapping[str, str]) -> bool:
    """Whether a condition of the workflow holds; every name in it needs a value."""
    for ours, python in {"&&": " and ", "||": " or "}.items():
        condition = condition.replace(ours, python)
    named = re.sub(r"(?<!['\w])[a-z]\w*(?:\.\w+)+", lambda m: repr(values[m[0]]), condition)
    return bool(eval(named, {"__builtins__": {}}))


class TestText:
    def test_it_starts_when_a_device_changes(self) -> None:
        triggers = WORKFLOW[True]  # YAML reads `on` as a truth
        for event in ("push", "pull_request"):
            assert triggers[event]["paths"] == ["data/01_raw/devices/**"]

    def test_it_runs_what_a_person_would(self) -> None:
        (step,) = [step for step in STEPS if step["name"] == "Retrain"]
        assert step["run"] == 'make retrain DEVICE="$DEVICE"'

    def test_nothing_is_pasted_into_a_shell(self) -> None:
        every = [step for step in EVERY if "run" in step]
        assert len(every) > len(STEPS)
        assert not [step["run"] for step in every if "${{" in step["run"]]

    def test_every_variable_is_defined(self) -> None:
        for step in STEPS:
            used = set(re.findall(r"\$\{?([A-Za-z_]\w*)", step["run"]))
            made = set(re.findall(r"^\s*(?:for )?(\w+)(?:=| in )", step["run"], re.MULTILINE))
            known = set(JOB["env"]) | set(step.get("env", {})) | made
            runners = {name for name in used if name.startswith(("GITHUB_", "RUNNER_"))}
            assert used - runners - known == set(), step["name"]

    def test_a_failure_within_a_pipe_is_one(self) -> None:
        assert WORKFLOW["defaults"]["run"]["shell"] == "bash"  # it adds -o pipefail

    def test_each_secret_is_seen_by_the_step_that_needs_it_alone(self) -> None:
        secret = re.compile(r"secrets\.\w+|github\.token")
        assert not secret.search(json.dumps([JOB["env"], CHANGED, WORKFLOW.get("env")]))
        seen = {step.get("name"): set(secret.findall(json.dumps(step))) for step in JOB["steps"]}
        assert {name: found for name, found in seen.items() if found} == {
            "Retrain": {"secrets.MLFLOW_TRACKING_USERNAME", "secrets.MLFLOW_TRACKING_PASSWORD"},
            "Push the artefacts to the DVC remote": {
                "secrets.AWS_ACCESS_KEY_ID",
                "secrets.AWS_SECRET_ACCESS_KEY",
            },
            "Commit what points to them": {"github.token"},
            "Comment": {"github.token"},
        }
        checkouts = [s for s in EVERY if s.get("uses", "").startswith("actions/checkout@")]
        assert [s["with"]["persist-credentials"] for s in checkouts] == [False, False]

    @pytest.mark.parametrize(
        ("event", "head", "devices", "runs", "told"),
        [
            ("push", "", '["a"]', True, False),
            ("workflow_dispatch", "", '["a"]', True, False),
            ("pull_request", "owner/project", '["a"]', True, False),
            ("pull_request", "owner/project", "[]", False, False),
            ("pull_request", "stranger/project", '["a"]', False, True),
            ("pull_request", "", '["a"]', False, True),  # the fork is gone
        ],
    )
    def test_forks_are_left_out_and_told(
        self, event: str, head: str, devices: str, runs: bool, told: bool
    ) -> None:
        values = {
            "needs.changed.outputs.devices": devices,
            "github.event_name": event,
            "github.event.pull_request.head.repo.full_name": head,
            "github.repository": "owner/project",
        }
        assert holds(JOB["if"], values) == runs
        (notice,) = [step for step in CHANGED["steps"] if "if" in step]
        assert holds(notice["if"], values) == told
        done = subprocess.run(["bash", "-c", notice["run"]], capture_output=True, check=True)
        assert done.stdout.startswith(b"::notice title=Not retrained::")


class TestMake:
    def test_a_server_that_is_not_set_is_no_empty_address(self) -> None:
        shown = [
            make("--eval", "show: ; @env", "show", MLFLOW_TRACKING_URI=uri).stdout
            for uri in ("", "http://server")
        ]
        assert "MLFLOW_TRACKING_URI" not in shown[0]
        assert "MLFLOW_TRACKING_URI=http://server" in shown[1]

    @pytest.mark.parametrize("name", ["", "a b", "a;b", "-a", "../a", "a/b", "$$(id)", "`id`", "é"])
    def test_without_the_name_of_a_device_it_says_so_and_sets_nothing_up(
        self, name: str, tmp_path: Path
    ) -> None:
        done = make("retrain", f"DEVICE={name}", f"VENV={tmp_path / 'venv'}")
        assert done.returncode == 2
        assert done.stderr.startswith("Which device? make retrain DEVICE=NAME")
        assert done.stdout == ""
        assert not list(tmp_path.iterdir())


class TestChangedDevices:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        git(tmp_path, "init", "-q", "-b", "main")
        for name in ("old.csv", "gone.csv", ".gitkeep"):
            self.write(tmp_path, name)
        self.base = commit(tmp_path, "before")
        return tmp_path

    def write(self, folder: Path, name: str, text: str = "a\n") -> None:
        path = folder / "data/01_raw/devices" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def retrain(self, folder: Path, device: str) -> None:
        pointer = folder / "data/06_models/devices" / f"{device}.dvc"
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.write_text((folder / f"data/01_raw/devices/{device}.csv").read_text())

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / ".github/changed_devices.py"), *arguments]
        return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)

    def listed(self, folder: Path, *arguments: str) -> list[str]:
        done = self.run(folder, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"devices=\[.*\]\n", done.stdout)
        found: list[str] = json.loads(done.stdout.partition("=")[2])
        return found

    def test_added_and_changed_but_not_removed(self, folder: Path) -> None:
        self.write(folder, "old.csv", "b\n")
        for name in ("new.parquet", "LOUD.CSV", "a.b-c_1.csv", "sheet.xlsx"):
            self.write(folder, name, "c\n")
        for name in ("notes.md", "big.csv.dvc", "a.yml", ".hidden.csv", "below/deep.csv"):
            self.write(folder, name, "d\n")
        (folder / "README.md").write_text("e\n")
        (folder / "data/01_raw/devices/gone.csv").unlink()
        commit(folder, "after")
        assert self.listed(folder, self.base) == ["LOUD", "a.b-c_1", "new", "old", "sheet"]

    def test_renamed_is_new_under_its_new_name(self, folder: Path) -> None:
        git(folder, "mv", "data/01_raw/devices/old.csv", "data/01_raw/devices/new.csv")
        commit(folder, "renamed")
        assert self.listed(folder, self.base) == ["new"]

    def test_only_what_this_side_changed(self, folder: Path) -> None:
        git(folder, "checkout", "-q", "-b", "side")
        self.write(folder, "mine.csv")
        commit(folder, "mine")
        git(folder, "checkout", "-q", "main")
        self.write(folder, "theirs.csv")
        base = commit(folder, "theirs")
        git(folder, "checkout", "-q", "side")
        assert self.listed(folder, base) == ["mine"]

    def test_no_change_is_no_device(self, folder: Path) -> None:
        assert self.listed(folder, self.base) == []

    @pytest.mark.parametrize("base", ["0" * 40, "1234" * 10, ""])
    def test_all_where_there_is_nothing_to_compare_with(self, folder: Path, base: str) -> None:
        assert self.listed(folder, base) == ["gone", "old"]

    def test_all_where_the_histories_have_nothing_in_common(self, folder: Path) -> None:
        git(folder, "checkout", "-q", "--orphan", "other")
        self.write(folder, "new.csv")
        commit(folder, "a history of its own")
        assert self.listed(folder, self.base) == ["gone", "new", "old"]

    def test_not_one_that_was_retrained_after_its_table_changed(self, folder: Path) -> None:
        self.write(folder, "old.csv", "b\n")
        self.write(folder, "other.csv", "b\n")
        commit(folder, "tables")
        self.retrain(folder, "old")
        commit(folder, "retrained")
        assert self.listed(folder, self.base) == ["other"]
        assert self.listed(folder, "0" * 40) == ["gone", "other"]
        git(folder, "checkout", "-q", "-b", "main2", self.base)
        (folder / "README.md").write_text("e\n")
        commit(folder, "meanwhile")
        git(folder, "merge", "-q", "--no-ff", "-m", "merge", "main")
        assert self.listed(folder, "HEAD~1") == ["other"]
        self.write(folder, "old.csv", "c\n")
        commit(folder, "grown")
        assert self.listed(folder, self.base) == ["old", "other"]

    def test_one_whose_predictor_came_with_its_table_or_is_gone(self, folder: Path) -> None:
        """It may have been registered elsewhere: that is how a commit of both looks."""
        self.write(folder, "old.csv", "b\n")
        self.retrain(folder, "old")
        commit(folder, "both")
        assert self.listed(folder, self.base) == ["old"]
        git(folder, "rm", "-q", "data/06_models/devices/old.dvc")
        commit(folder, "no predictor")
        assert self.listed(folder, self.base) == ["old"]

    def test_of_more_than_a_workflow_can_run_the_rest_is_told(self, folder: Path) -> None:
        for number in range(300):
            self.write(folder, f"d{number:03}.csv", "b\n")
        commit(folder, "many")
        done = self.run(folder, self.base)
        names = json.loads(done.stdout.removeprefix("devices="))
        assert names == [f"d{number:03}" for number in range(256)]
        assert re.match("::warning title=.*::256 of 300 ", done.stderr)
        for name in names:
            self.retrain(folder, name)
        commit(folder, "retrained")
        assert self.listed(folder, "") == [*(f"d{n:03}" for n in range(256, 300)), "gone", "old"]

    def test_one_that_is_asked_for(self, folder: Path) -> None:
        assert self.listed(folder, "", "mine") == ["mine"]

    @pytest.mark.parametrize("name", ["a; rm -rf", "$(id)", "-x", "é", "a\nb", "a b", '"', ".."])
    def test_a_name_that_is_none_is_refused(self, folder: Path, name: str) -> None:
        self.write(folder, f"{name}.csv", "b\n")
        commit(folder, "odd")
        hidden = name == ".."  # a file of that name is hidden
        for arguments in [("", name)] + [(self.base,)] * (not hidden):
            done = self.run(folder, *arguments)
            assert done.returncode == 1
            assert done.stdout == ""
            assert ascii(name) in done.stderr
            assert done.stderr.count("\n") == 1


class Repository:
    """An origin, a user's clone of it, a DVC remote, and a `gh` that records its arguments.

    Each job gets its own clone, with the depth set by the workflow.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.server, self.jobs = folder, server, 0
        self.origin, self.person = folder / "origin.git", folder / "person"
        self.remote = folder / "remote"
        git(folder, "clone", "-q", "--bare", str(ROOT), str(self.origin))
        git(folder, "clone", "-q", str(self.origin), str(self.person))
        git(self.person, "checkout", "-q", "-b", "board", git(ROOT, "rev-parse", "HEAD"))
        self._what_is_not_committed()
        self.base = git(self.person, "rev-parse", "HEAD")
        tools = folder / "tools"
        tools.mkdir()
        gh = tools / "gh"
        gh.write_text(
            f'#!/bin/sh\necho "$@" >> {folder}/gh.txt\ntest -n "$GH_TOKEN" || exit 4\n'
            f'test "$1" = auth || cp "$5" {folder}/commented.md\n'
        )
        gh.chmod(0o755)
        self.comment, self.called = folder / "commented.md", folder / "gh.txt"
        foreign = (
            "BRPNAS_",
            "GIT_",
            "MLFLOW_TRACKING",
            "MLFLOW_EXPERIMENT",
            "DVC_REMOTE",
            "GITHUB_",
        )
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        self.environment = kept | {
            "PATH": f"{tools}{os.pathsep}{kept['PATH']}",
            "RUNNER_TEMP": str(folder),
            # A runner has no name of its own for commits.
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "user.useConfigOnly",
            "GIT_CONFIG_VALUE_0": "true",
        }
        self.values = {
            "inputs.device": "",
            "github.event.pull_request.base.sha || github.event.before": self.base,
            "matrix.device": DEVICE,
            "vars.DVC_REMOTE_URL": str(self.remote),
            "vars.MLFLOW_TRACKING_URI": server,
            "github.head_ref || github.ref_name": "board",
            "github.event.pull_request.number": "7",
            "github.server_url": "https://example.org",
            "github.repository": "owner/project",
            "github.run_id": "1",
            "github.token": "token",
        }

    def _what_is_not_committed(self) -> None:
        """Commit the changes of the test's working tree."""
        listed = git(ROOT, "ls-files", "-z", "--modified", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            file, copy = ROOT / name, self.person / name
            if name.startswith("data/"):
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            if file.is_file():
                shutil.copy(file, copy)
            else:
                copy.unlink(missing_ok=True)
        if git(self.person, "status", "--porcelain"):
            commit(self.person, "the working tree")

    def push(self, name: str, text: str) -> None:
        """A person commits a file."""
        if self.jobs:
            git(self.person, "pull", "-q", "--rebase", "origin", "board")
        (self.person / name).write_text(text)
        commit(self.person, name)
        git(self.person, "push", "-q", "origin", "board")

    def arrive(self, rows: int) -> None:
        """A person commits the first rows of the device's table."""
        table = read_embedded_latency("amd-epyc-torch-fp32-1t").sample(frac=1, random_state=1)
        text = table[["arch_id", "latency_ms"]].head(rows).to_csv(index=False)
        self.push(f"data/01_raw/devices/{DEVICE}.csv", text)

    def checkout(self, *options: str) -> Path:
        """The environment of a job."""
        self.jobs += 1
        clone = self.folder / f"job{self.jobs}"
        options = ("-q", "--branch", "board", *options)
        git(self.folder, "clone", *options, self.origin.as_uri(), str(clone))
        (clone / ".venv").symlink_to(sys.prefix)
        for name in ("pyproject.toml", "constraints.txt"):  # `make` must install nothing
            os.utime(clone / name, (0, 0))
        return clone

    def step(
        self, clone: Path, job: Mapping[str, Any], step: Mapping[str, Any]
    ) -> subprocess.CompletedProcess[str] | None:
        """Run a step like a runner; None if its condition is false."""
        given = {**job.get("env", {}), **step.get("env", {})}
        variables = {k: EXPRESSION.sub(self._value, str(v)) for k, v in given.items()}
        if not holds(step.get("if", "True"), {f"env.{k}": v for k, v in variables.items()}):
            return None
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=clone,
            env=self.environment
            | {"PYTHONPATH": str(clone)}
            | {"GITHUB_OUTPUT": f"{clone}.output", "GITHUB_STEP_SUMMARY": f"{clone}.summary"}
            | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def _value(self, match: re.Match[str]) -> str:
        """Value of an expression; an unset secret of the repository is empty."""
        return "" if match[1].startswith("secrets.") else self.values[match[1]]

    def changed(self) -> list[str]:
        """The outputs of the first job."""
        clone = self.checkout()
        (step,) = [step for step in CHANGED["steps"] if step.get("id") == "list"]
        done = self.step(clone, CHANGED, step)
        assert done is not None
        assert done.returncode == 0, done.stderr
        found: list[str] = json.loads(Path(f"{clone}.output").read_text().partition("=")[2])
        return found

    def run(self, clone: Path) -> list[str]:
        """Run every step of the job with a true condition; return their names."""
        ran = []
        for step in STEPS:
            done = self.step(clone, JOB, step)
            if done is not None:
                assert done.returncode == 0, f"{step['name']}\n{done.stdout}\n{done.stderr}"
                ran.append(step["name"])
        return ran

    def pulled(self, name: str) -> Path:
        """A file of the device in another user's clone, pulled from the DVC remote."""
        clone = self.checkout()
        dvc = [sys.executable, "-m", "dvc"]
        for command in (
            [*dvc, "remote", "add", "--local", "--default", "ci", str(self.remote)],
            [*dvc, "pull", "-q", f"{Path(name).parent}.dvc"],
        ):
            subprocess.run(command, cwd=clone, check=True, capture_output=True)
        return clone / name


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Repository]:
    if not Path(sys.prefix, ".installed").exists():
        pytest.skip("`make` would install into this environment, which it has not made")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    with running(command, f"{address}/health", tmp_path, os.environ):
        yield Repository(tmp_path, address)


@pytest.mark.slow
def test_a_device_arrives_and_grows(world: Repository) -> None:
    model, pages = (f"data/{top}/devices/{DEVICE}" for top in ("06_models", "08_reporting"))
    client = MlflowClient(world.server)
    world.arrive(250)
    assert world.changed() == [DEVICE]
    clone = world.checkout("--depth", "1")
    imported = subprocess.run(
        [clone / ".venv/bin/python", "-P", "-c", "import brpnas; print(brpnas.__file__)"],
        env=world.environment | {"PYTHONPATH": str(clone)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert imported.stdout.startswith(str(clone)), "the clone's own code is what runs"
    assert world.run(clone) == [step["name"] for step in STEPS]

    first = world.comment.read_text()
    row = next(line for line in first.splitlines() if line.startswith("| Spearman |"))
    assert row.split(" | ")[2] == "none"
    assert "```mermaid\nxychart-beta" in first
    assert re.search(r"## Decision\n\n```text\nmodel .*\ndecision +promoted\n", first, re.DOTALL)
    assert (
        "`retrain-new-board` of [this run](https://example.org/owner/project/actions/runs/1)"
        in (first)
    )
    assert "pr comment 7 --body-file" in world.called.read_text()
    summary = Path(f"{clone}.summary").read_text()
    assert (clone / pages / "report.md").read_text() in summary
    link = r"\n!\[.*\]\(https://example.org/owner/project/raw/(\w{40})/plot.png\)\n"
    picture = re.fullmatch(re.escape(summary) + link, first)
    assert picture is not None
    shown = subprocess.run(
        ["git", "show", f"{picture[1]}:plot.png"], cwd=world.origin, capture_output=True, check=True
    )
    assert shown.stdout == (clone / pages / "plot.png").read_bytes()
    assert not git(world.origin, "branch", "--contains", picture[1])
    champion = client.get_model_version_by_alias(f"latency-{DEVICE}", "champion")
    challenger = client.get_model_version_by_alias(f"latency-{DEVICE}", "challenger")
    assert (int(champion.version), int(challenger.version)) == (1, 1)
    changes = git(world.origin, "show", "--format=%an: %s", "--name-only", "board").splitlines()
    assert changes == [f"retrain: Retrain {DEVICE}", "", f"{model}.dvc", f"{pages}.dvc"]
    kept = (clone / model / "predictor.onnx").read_bytes()
    assert world.pulled(f"{model}/predictor.onnx").read_bytes() == kept
    assert world.changed() == []

    world.arrive(400)
    assert world.changed() == [DEVICE]
    clone = world.checkout("--depth", "1")
    world.push("notes.txt", "pushed while the job trains")
    world.push(f"{model}.dvc", "outs: []\n# and somebody retrained by hand\n")
    world.run(clone)
    second = world.comment.read_text()
    assert re.search(r"^- 400 rows, 250 .* 150 added, 0 removed, 0 ", second, re.MULTILINE)
    assert re.search(r"^- .* resemble .*, p = ", second, re.MULTILINE)
    assert re.search(r"^- .* \d+\.\d % .* 150 added ", second, re.MULTILINE)
    row = next(line for line in second.splitlines() if line.startswith("| Spearman |"))
    assert all(re.fullmatch(r"[+-]?[01]\.\d{4}", cell) for cell in row.strip("| ").split(" | ")[1:])
    chart = second.partition("```mermaid")[2].partition("```")[0]
    assert chart.count("  line [") == 2
    newest = client.get_model_version_by_alias(f"latency-{DEVICE}", "challenger")
    assert int(newest.version) == 2
    assert newest.tags["brpnas.decision"] in ("promoted", "kept")
    assert newest.tags["brpnas.decision"] in second
    assert git(clone, "status", "--porcelain", "--untracked-files=no") == ""
    assert git(world.origin, "show", "board:notes.txt") == "pushed while the job trains"
    kept = (clone / model / "predictor.onnx").read_bytes()
    assert world.pulled(f"{model}/predictor.onnx").read_bytes() == kept


@pytest.mark.slow
def test_a_table_that_is_refused_ends_the_job_and_leaves_nothing(world: Repository) -> None:
    world.push(f"data/01_raw/devices/{DEVICE}.csv", "arch_id,latency_ms\n000200,-1\n")
    clone, before = world.checkout("--depth", "1"), git(world.origin, "rev-parse", "board")
    done = world.step(clone, JOB, STEPS[0])
    assert done is not None
    assert done.returncode != 0
    assert f"{DEVICE}.csv " in done.stderr
    assert "negative latency, line 2" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((clone / "data").rglob(f"*devices/{DEVICE}*/*"))
    assert git(clone, "status", "--porcelain", "data") == ""
    assert git(world.origin, "rev-parse", "board") == before
    with pytest.raises(MlflowException, match="not found"):
        MlflowClient(world.server).get_registered_model(f"latency-{DEVICE}")


@pytest.mark.slow
def test_without_settings_and_request_it_only_reports(world: Repository) -> None:
    """Such steps are left out, and the others need nothing of them."""
    unset = ("vars.DVC_REMOTE_URL", "vars.MLFLOW_TRACKING_URI", "github.event.pull_request.number")
    world.values |= dict.fromkeys(unset, "")
    world.arrive(60)
    clone = world.checkout("--depth", "1")
    assert world.run(clone) == ["Retrain", "Report"]
    assert re.match("# .* new-board\n", Path(f"{clone}.summary").read_text())
    assert (clone / "data/mlflow.db").is_file()
    assert not world.called.exists()

"""Commands on the pages work, and names on them exist.

Cheap commands and all Python run. Commands for the pipeline are only parsed, by the tools
themselves, and every name in them is looked up.
"""

from __future__ import annotations

import functools
import pkgutil
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner as ClickRunner
from dvc.cli import DvcParserError, parse_args
from dvc.exceptions import InvalidArgumentError
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides
from kedro.framework.cli.cli import KedroCLI
from typer.testing import CliRunner

from brpnas.cli import app
from brpnas.measure import select_cells
from pipelines.checks import check_parameters
from pipelines.config import Parameters, parse
from pipelines.explain import leaves
from pipelines.member_export import FOLDER
from pipelines.pipeline_registry import ON_REQUEST, STAGES, register_pipelines
from pipelines.training import IMAGES_CACHE
from tests.cli.models import write_models
from tests.contracts.pages import (
    DOCS,
    PAGES,
    ROOT,
    Command,
    anchors,
    blocks,
    code_words,
    commands,
    links,
    paths,
    split,
)

COMMANDS = list(dict.fromkeys(command for page in PAGES for command in commands(page)))
BASE = ROOT / "conf" / "base"
DVC: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())
SHORT = {
    "measure": [
        *("--cells=2", "--channels=8", "--cells-per-stage=1"),
        *("--image=32", "--runs=2", "--repeats=2"),
    ],
    "export": ["--cells=2"],
    "kit": ["--cells=2", "--channels=8", "--cells-per-stage=1", "--image=32"],
}
"""Options that override those of a page: its commands must take seconds."""
WITH_PYTHON = [page for page in PAGES if blocks(page.read_text(), "python")]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
each_page_with_python = pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)


def of(program: str) -> list[Any]:
    """Commands of one program, as parameters of a test."""
    found = [command for command in COMMANDS if command.program == program]
    marks = {True: [pytest.mark.data], False: []}
    return [pytest.param(c, id=str(c), marks=marks["--fetch" in c.words]) for c in found]


def parameters(overrides: dict[Path, list[str]], folder: Path) -> dict[str, Any]:
    """All parameters, after these overrides to copies of their files."""
    shutil.copytree(BASE, folder / "base")
    for file, given in overrides.items():
        copy = folder / "base" / file.name
        assert file == Path("conf/base") / file.name, f"{file} is not a file of parameters"
        apply_overrides(str(copy), given)
    values: dict[str, Any] = {}
    for file in (folder / "base").glob("parameters_*.yml"):
        values |= yaml.safe_load(file.read_text())
    return values


@functools.cache
def kedro() -> KedroCLI:
    return KedroCLI(ROOT)


def check_kedro(arguments: Sequence[str]) -> None:
    """Parse a command as Kedro would, and look up the pipelines, environment and parameters."""
    command: click.Command = kedro()
    context = click.Context(command, info_name="kedro")
    rest = list(arguments)
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, f"kedro has no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    given = command.make_context(command.name, rest, parent=context.parent).params
    for named in (given.get("pipeline"), given.get("pipelines")):
        names = {named} if isinstance(named, str) else set(named or ())
        assert names <= set(register_pipelines())
    if given.get("env"):
        assert (ROOT / "conf" / given["env"]).is_dir(), f"there is no environment {given['env']}"
    known = {
        key
        for file in BASE.glob("parameters_*")
        for key in leaves(yaml.safe_load(file.read_text()))
    }
    assert set(leaves(given.get("params") or {})) <= known


def check_dvc(arguments: Sequence[str], folder: Path) -> None:
    """Parse a command as DVC would; look up its stages, apply its parameters to a copy."""
    parsed = parse_args(list(arguments))
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("[!.]*/dvc.yaml")}
    targets = set(getattr(parsed, "targets", None) or [])
    assert targets <= {*DVC["stages"], "dvc.yaml", *files}
    overrides = to_path_overrides(getattr(parsed, "set_param", None) or [])
    values = parameters({Path(file): given for file, given in overrides.items()}, folder)
    parse(Parameters, values)
    check_parameters(register_pipelines()["__default__"], values)


def dask(name: str) -> click.Command:
    """A subcommand of Dask, whichever package it comes from."""
    found = {entry.name: entry for entry in entry_points(group="dask_cli")}
    assert name in found, f"dask has no command {name}"
    command: click.Command = found[name].load()
    return command


def check_dask(arguments: Sequence[str]) -> None:
    """Look up the subcommand and every option of a command of Dask."""
    name, *rest = arguments
    command = dask(name)
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    unknown = {word for word in rest if word.startswith("--")} - known
    assert not unknown, f"dask {name} has no {unknown}"
    command.make_context(name, rest)


def check_docker(arguments: Sequence[str]) -> None:
    """Look up the image, and parse the arguments for `kedro run`."""
    at, image = next((i, a) for i, a in enumerate(arguments) if a.startswith("brpnas/"))
    assert arguments[0] == "run"
    stage = image.removeprefix("brpnas/")
    if set(arguments[at + 1 :]) != {"--help"}:
        check_kedro(["run", f"--pipelines={stage}", *arguments[at + 1 :]])
    assert stage in {*STAGES, *ON_REQUEST}


def check_compose(arguments: Sequence[str]) -> None:
    """Look up the services, and parse the arguments for `kedro run`."""
    file = arguments[arguments.index("--file") + 1]
    services = yaml.safe_load((ROOT / file).read_text())["services"]
    if "run" in arguments:
        given = arguments[arguments.index("run") + 1 :]
        stage, *rest = (a for a in given if a not in {"--rm", "--no-deps"})
        check_kedro(["run", f"--pipelines={stage}", *rest])
        assert stage in services
    else:
        named = [a for a in arguments if a.isidentifier()]
        assert set(named) - {"up", "logs", "dask"} <= set(services)


def check_make(arguments: Sequence[str]) -> None:
    """Ask make for its commands without running them."""
    command = ["make", "--dry-run", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like after a run of the pipeline: it holds small predictors."""
    root = tmp_path_factory.mktemp("workspace")
    write_models(root)
    shutil.copytree(ROOT / "docs/examples", root / "docs/examples")
    return root


class TestCommands:
    def test_every_program_is_checked(self) -> None:
        checked = {"brpnas", "dask", "docker", "docker-compose", "kedro", "dvc", "make"}
        others = {"source", "pre-commit", "helm", "kubectl"}
        assert {command.program for command in COMMANDS} == {*checked, *others}

    @pytest.mark.parametrize("command", of("brpnas"))
    def test_brpnas_runs(
        self,
        command: Command,
        workspace: Path,
        monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest,
    ) -> None:
        monkeypatch.chdir(workspace)
        if "--fetch" in command.words:
            monkeypatch.setenv("BRPNAS_MIRROR", str(request.getfixturevalue("mirror")))
        (workspace / "cells.txt").write_text("\n".join(select_cells(5)))
        short = SHORT.get(command.arguments[0], [])
        absent = ("ssh://", "command", "front")  # boards, and the front of a search
        if any(word.startswith("ssh://") or word in absent for word in command.words):
            short = ["--help"]
        result = CliRunner().invoke(app, [*command.arguments, *short])
        assert result.exit_code == 0, result.output

    @pytest.mark.parametrize("command", of("kedro"))
    def test_kedro_would_run(self, command: Command) -> None:
        check_kedro(command.arguments)

    def test_kedro_lists_the_pipelines(self) -> None:
        listed = ClickRunner().invoke(kedro(), ["registry", "list"])
        assert listed.exit_code == 0, listed.output
        assert all(f"- {name}" in listed.output for name in ("__default__", *STAGES, *ON_REQUEST))

    @pytest.mark.parametrize("command", of("dvc"))
    def test_dvc_would_run(self, command: Command, tmp_path: Path) -> None:
        check_dvc(command.arguments, tmp_path)

    @pytest.mark.parametrize("command", of("dask"))
    def test_dask_would_run(self, command: Command) -> None:
        if command.arguments[0] == "kubernetes":
            pytest.importorskip("dask_kubernetes")
            result = ClickRunner().invoke(dask("kubernetes"), command.arguments[1:])
            assert result.exit_code == 0, result.output
        else:
            check_dask(command.arguments)

    @pytest.mark.parametrize("command", of("docker"))
    def test_docker_would_run(self, command: Command) -> None:
        check_docker(command.arguments)

    @pytest.mark.parametrize("command", of("docker-compose"))
    def test_compose_would_run(self, command: Command) -> None:
        check_compose(command.arguments)

    @pytest.mark.parametrize("command", of("make"))
    def test_make_would_run(self, command: Command) -> None:
        check_make(command.arguments)


class TestPython:
    @pytest.fixture
    def script(
        self,
        page: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest,
    ) -> Path:
        """All Python of a page, in the working directory."""
        text = "\n".join(blocks(page.read_text(), "python"))
        if "fetch_group" in text:
            monkeypatch.setenv("BRPNAS_MIRROR", str(request.getfixturevalue("mirror")))
        monkeypatch.chdir(tmp_path)
        file = tmp_path / "script.py"
        file.write_text(text)
        return file

    @each_page_with_python
    def test_blocks_of_a_page_run_one_after_another(
        self, script: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        runpy.run_path(str(script), run_name="__main__")
        assert capsys.readouterr().out, "an example that prints nothing shows nothing"

    @pytest.mark.slow
    @each_page_with_python
    def test_they_import_all_that_they_use(self, script: Path) -> None:
        """In a process of their own; this one has imported more."""
        command = [sys.executable, str(script)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    @each_page
    def test_blocks_that_need_other_packages_compile(self, page: Path) -> None:
        for block in blocks(page.read_text(), "py"):
            compile(block, page.name, "exec")

    def test_the_library_is_shown(self) -> None:
        assert len(blocks((ROOT / "docs" / "library.md").read_text(), "python")) >= 4


class TestNames:
    @each_page
    def test_paths_exist_or_are_written_by_the_pipeline(self, page: Path) -> None:
        written = [
            out if isinstance(out, str) else next(iter(out))
            for stage in DVC["stages"].values()
            for out in stage["outs"]
        ]
        written += [str(IMAGES_CACHE.relative_to(ROOT)), f"data/{FOLDER}"]
        settings = BASE.parent.glob("*/globals.yml")
        workspaces = [yaml.safe_load(file.read_text())["workspace"] for file in settings]
        written += workspaces
        for file in BASE.glob("*.yml"):
            for workspace in workspaces:
                text = file.read_text().replace("${globals:workspace}", workspace)
                written += re.findall(r"(?:path: |/)(data/[\w./-]+)", text)
        # Folders with a file or a folder of each device's name.
        ends = ("/devices", "/measured", "/predictors")
        named = [path_ for path_ in written if path_.endswith(ends)]
        lost = [
            path
            for path in paths(page.read_text())
            if not any(ROOT.glob(path))
            and not any(f"{out}/".startswith(f"{path.rstrip('/')}/") for out in written)
            and str(Path(path).parent) not in named
            and path.removeprefix("brpnas/") not in {*STAGES, *ON_REQUEST}  # an image
        ]
        assert lost == []

    @each_page
    def test_links_lead_somewhere(self, page: Path) -> None:
        for target, anchor in links(page.read_text()):
            file = (page.parent / target).resolve() if target else page
            assert file.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in anchors(file.read_text()), f"no heading #{anchor}"

    def test_every_page_is_linked_from_the_first(self) -> None:
        linked = {target for target, _ in links((ROOT / "docs" / "index.md").read_text())}
        assert {page.name for page in DOCS} - {"index.md"} <= linked

    @each_page
    def test_names_of_the_library_exist(self, page: Path) -> None:
        sources = "hooks.py", "mlflow_store/processes.py"
        text = "".join((ROOT / "pipelines" / source).read_text("utf-8") for source in sources)
        tags = re.findall(r'"(brpnas\.\w+)"', text)
        for word in code_words(page.read_text()):
            if re.fullmatch(r"brpnas(\.\w+)+", word) and word not in tags:
                pkgutil.resolve_name(word)

    @each_page
    def test_parameters_exist(self, page: Path, tmp_path: Path) -> None:
        known = set(leaves(parameters({}, tmp_path)))
        groups = {key.partition(".")[0] for key in known if "." in key}
        pattern = rf"((?:{'|'.join(groups)})(?:\.(?!onnx\b)\w+)+)(?::.*)?"
        named = [re.fullmatch(pattern, word) for word in code_words(page.read_text())]
        assert {match[1] for match in named if match} <= known

    @each_page
    def test_environment_variables_are_read_somewhere(self, page: Path) -> None:
        places = ["Makefile", "tests/conftest.py", "conf/base/mlflow.yml"]
        places += [".github/workflows/retrain.yml", "docker/Dockerfile"]
        places += ["docker/compose.yaml", "docker/stage"]
        places += [str(p) for top in ("brpnas", "pipelines") for p in (ROOT / top).rglob("*.py")]
        code = "".join((ROOT / place).read_text() for place in places)
        named = set(re.findall(r"\b(?:BRPNAS|MLFLOW)_[A-Z_]+", page.read_text()))
        assert {name for name in named if name not in code} == set()


class TestTheChecksThemselves:
    """Each check finds an error planted for it."""

    def test_lines_are_split_as_a_shell_would(self) -> None:
        line = "echo '|a~0|+|b|' | brpnas predict x.safetensors --json  # comment"
        expected = [["echo", "|a~0|+|b|"], ["brpnas", "predict", "x.safetensors", "--json"]]
        assert split(line) == expected

    @pytest.mark.parametrize(
        "line",
        [
            "run --pipeline=serch",
            "run --pipelines=train,serch",
            "run --envy=latbench",
            "run --env=latbanch",
            "run --params=search.bugdet=60",
            "registry lost",
            "serve",
        ],
    )
    def test_wrong_kedro_commands_are_found(self, line: str) -> None:
        with pytest.raises((AssertionError, click.ClickException)):
            check_kedro(line.split())

    @pytest.mark.parametrize(
        "words",
        [
            ["repo"],
            ["repro", "serch"],
            ["status", "dvc.yml"],
            ["exp", "run", "--set-parameter", "x"],
            ["exp", "run", "-S", "conf/base/parameters_search.yml:search.bugdet=60"],
            ["exp", "run", "-S", "conf/base/parameters_search.yml:dataset=mnist"],
            ["exp", "run", "-S", "conf/base/parameters_search.yml:constraints=latency_ms"],
            ["exp", "run", "-S", "params.yaml:search.budget.queries=60"],
        ],
    )
    def test_wrong_dvc_commands_are_found(self, words: list[str], tmp_path: Path) -> None:
        with pytest.raises(
            (AssertionError, DvcParserError, InvalidArgumentError, ValueError, LookupError)
        ):
            check_dvc(words, tmp_path)

    @pytest.mark.parametrize(
        "line", ["wroker tcp://a:1", "worker tcp://a:1 --nprocs 1", "ssh --nthreads two a b"]
    )
    def test_wrong_dask_commands_are_found(self, line: str) -> None:
        with pytest.raises((AssertionError, click.ClickException)):
            check_dask(line.split())

    def test_wrong_make_target_is_found(self) -> None:
        with pytest.raises(AssertionError):
            check_make(["rnu"])

    @pytest.mark.parametrize(
        ("find", "text", "found"),
        [
            (paths, "see `conf/base/x_<stage>.yml` and data/a.", {"conf/base/x_*.yml", "data/a"}),
            (paths, "https://host/docs/page.md and ../data/x", set()),
            (links, "[a](b.md#c) [d](#e) [f](https://g)", [("b.md", "c"), ("", "e")]),
            (anchors, "# How it is scored\n## `a`: b, c", {"how-it-is-scored", "a-b-c"}),
            (code_words, "`a` b\n```bash\n`c`\n```\n`d`", {"a", "d"}),
        ],
    )
    def test_pages_are_taken_apart(
        self, find: Callable[[str], object], text: str, found: object
    ) -> None:
        assert find(text) == found

"""`dvc.yaml` states the inputs, outputs and parameters of the Kedro pipeline of every stage."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides
from kedro.config import OmegaConfigLoader

from pipelines import settings
from pipelines.explain import leaves
from pipelines.pipeline_registry import ON_REQUEST, STAGES, register_pipelines

REPOSITORY = Path(__file__).resolve().parents[2]
DVC: dict[str, Any] = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
NOT_DEPENDENCIES = {
    "answers_by_hand",
    "device_prior",
    "measured_devices",
    "published_fbnet",
    "published_help",
    "published_latbench",
    "published_nasbench101",
    "published_nasbench201",
    "published_nasbench301",
    "search_store",
}
"""Inputs that DVC does not track: files pinned by hash in the code, a prior of devices, which need
not be there because one ships, folders that the search itself writes to, and devices.yml, whose
folder is tracked."""
NO_EFFECT = {
    "brpnas.errors",
    "brpnas.front_door",
    "brpnas.garbage",
    "pipelines.config",
    "pipelines.deferred",
    "pipelines.explain",
    "pipelines.renamed",
}
"""Modules with an effect on error messages or times of imports, never on results."""

OF_IMAGES = {"images.label", "images.path", "images.size"}
"""`pipelines.resolve` takes `network` and `dataset` from these; the split of the images is theirs
too, and decides neither."""


@pytest.fixture(scope="module")
def loader() -> OmegaConfigLoader:
    return OmegaConfigLoader(str(REPOSITORY / "conf"), env="base", **settings.CONFIG_LOADER_ARGS)


@pytest.fixture(scope="module")
def catalog(loader: OmegaConfigLoader) -> dict[str, Any]:
    return loader["catalog"]


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("brpnas", "pipelines")


def path_of(catalog: dict[str, Any], name: str) -> str:
    assert name in catalog, f"{name!r} is not in the catalog, so DVC could not see it"
    return str(catalog[name].get("filepath") or catalog[name]["path"])


def is_file(catalog: dict[str, Any], name: str) -> bool:
    """Whether a data set is kept in a file, and not in memory."""
    return name in catalog and catalog[name]["type"] != "kedro.io.MemoryDataset"


def names(items: list[Any]) -> list[str]:
    return [item if isinstance(item, str) else next(iter(item)) for item in items]


def data(items: list[str]) -> set[str]:
    return {item for item in items if item.startswith("data/")}


def test_stages_are_those_of_the_registry() -> None:
    assert list(DVC["stages"]) == list(STAGES)


def test_repro_never_measures_nor_trains_anew() -> None:
    assert not set(ON_REQUEST) & set(DVC["stages"])


@pytest.mark.parametrize("stage", STAGES)
def test_command_runs_the_pipeline(stage: str) -> None:
    assert DVC["stages"][stage]["cmd"] == f"docker/stage {stage}"


@pytest.mark.parametrize("stage", STAGES)
def test_dependencies_on_data_are_the_inputs(stage: str, catalog: dict[str, Any]) -> None:
    inputs = {n for n in register_pipelines()[stage].inputs() if not n.startswith("params:")}
    paths = {path_of(catalog, name) for name in inputs - NOT_DEPENDENCIES}
    within = {path for path in paths if paths & {str(parent) for parent in Path(path).parents}}
    expected = paths - within  # a folder stands for all that lies below it
    assert data(DVC["stages"][stage]["deps"]) == expected


def test_folders_of_ones_own_tables_exist_in_every_clone_and_hold_the_catalogue(
    catalog: dict[str, Any],
) -> None:
    """DVC refuses to start without a dependency, so git keeps the folders."""
    folders = {name: path_of(catalog, name) for name in ("measured_latency", "trained_accuracy")}
    for folder in folders.values():
        command = ["git", "check-ignore", "--quiet", "--no-index", f"{folder}/.gitkeep"]
        ignored = subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0
        assert not ignored
        assert (REPOSITORY / folder / ".gitkeep").is_file()
        command[-1] = f"{folder}/mine.parquet"
        assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0
    brought = path_of(catalog, "device_files")
    assert (REPOSITORY / brought / ".gitkeep").is_file()
    for name in (".gitkeep", "my-board.csv"):
        command[-1] = f"{brought}/{name}"
        assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 1, "is committed"
    devices = Path(path_of(catalog, "measured_devices"))
    assert devices.parent.as_posix() == folders["measured_latency"]


@pytest.mark.parametrize("stage", STAGES)
def test_outs_are_all_outputs_that_the_catalog_keeps(stage: str, catalog: dict[str, Any]) -> None:
    pipeline = register_pipelines()[stage]
    expected = {path_of(catalog, name) for name in pipeline.outputs()}
    expected |= {path_of(catalog, n) for n in pipeline.all_outputs() if is_file(catalog, n)}
    assert set(names(DVC["stages"][stage]["outs"])) == expected


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_those_of_the_pipeline_key_by_key(
    stage: str, loader: OmegaConfigLoader
) -> None:
    used = {n for n in register_pipelines()[stage].inputs() if n.startswith("params:")}
    values = loader["parameters"]
    expected = set(leaves({n[7:]: reduce(getitem, n[7:].split("."), values) for n in used}))
    if used & {"params:network", "params:dataset"}:
        expected |= OF_IMAGES
    assert {key for _, key in parameters(stage)} == expected


@pytest.fixture(scope="module")
def repository_of_stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All stages up to date: their code and data are files of one line, their parameters real."""
    root = tmp_path_factory.mktemp("stubs")
    shutil.copy(REPOSITORY / "dvc.yaml", root)
    shutil.copytree(REPOSITORY / "conf" / "base", root / "conf" / "base")
    for stage in DVC["stages"].values():
        for name in [*stage["deps"], *names(stage["outs"])]:
            path = root / name if Path(name).suffix else root / name / "file"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    with contextlib.chdir(root):
        Repo.init(no_scm=True).commit(force=True)
    return root


CHANGES = [
    ("measure", "measure.cells=20", set()),
    ("train_candidates", "train_candidates.cells=20", set()),
    ("retrain", "retrain.tolerance=0.1", set()),
    ("retrain", "retrain.unit_check=false", {"ingest"}),
    ("retrain", "adaptation.steps=9", {"train"}),
    ("measure", "timing.runs=5", {"search", "export"}),
    ("train_candidates", "network_training.epochs=2", {"search", "export"}),
    ("search", "search.report.comparison_seeds=3", {"search"}),
    ("search", "search.sampler.name=random", {"search"}),
    ("export", "export.precision=int8", {"export"}),
    ("export", "export.member=2", {"export"}),
    ("train_candidates", "images.split_seed=1", {"search", "export"}),
]


@pytest.fixture(scope="module")
def changed(repository_of_stubs: Path) -> dict[str, set[str]]:
    """Every parameter of `CHANGES` is changed: the stages that run again because of each."""
    for file, given, _ in CHANGES:
        path = repository_of_stubs / "conf" / "base" / f"parameters_{file}.yml"
        before = path.read_text()
        apply_overrides(str(path), [given])  # as `dvc exp run -S` does
        assert path.read_text() != before
    found: dict[str, set[str]] = defaultdict(set)
    with contextlib.chdir(repository_of_stubs):
        status = Repo().status(targets=list(STAGES))
    for stage, differences in status.items():
        for difference in differences:
            assert difference.keys() == {"changed deps"}
            for file, keys in difference["changed deps"].items():
                assert file.startswith("conf/base/")
                for key in keys:
                    found[key].add(stage)
    assert found.keys() <= {given.partition("=")[0] for _, given, _ in CHANGES}
    return found


@pytest.mark.parametrize(("file", "given", "again"), CHANGES)
def test_only_stages_that_read_a_parameter_run_again(
    file: str, given: str, again: set[str], changed: dict[str, set[str]]
) -> None:
    assert changed.get(given.partition("=")[0], set()) == again


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_in_the_file_that_is_named(stage: str) -> None:
    for file, key in parameters(stage):
        assert key in set(leaves(yaml.safe_load((REPOSITORY / file).read_text())))


@pytest.mark.parametrize("stage", STAGES)
def test_dependencies_on_code_hold_all_that_is_imported(
    stage: str, imports: grimp.ImportGraph
) -> None:
    upstream = imports.find_upstream_modules(f"pipelines.{stage}", as_package=True)
    packages = {".".join(module.split(".")[:2]) for module in upstream if "." in module}
    paths = {package.replace(".", "/") for package in packages - NO_EFFECT}
    expected = {path if (REPOSITORY / path).is_dir() else f"{path}.py" for path in paths}
    listed = set(DVC["stages"][stage]["deps"]) - data(DVC["stages"][stage]["deps"])
    assert listed == expected | {f"pipelines/{stage}"}
    assert all((REPOSITORY / path).exists() for path in listed)


def test_metrics_and_plots_are_outs() -> None:
    outs = [out for stage in DVC["stages"].values() for out in names(stage["outs"])]
    assert DVC["metrics"] == ["data/08_reporting/metrics.json"]
    assert set(DVC["metrics"]) <= set(outs)
    files = [file for plot in DVC["plots"] for body in plot.values() for file in body["y"]]
    assert len(files) == 3
    assert all(Path(file).parent.as_posix() in outs for file in files)


def test_metrics_alone_are_kept_by_git() -> None:
    uncached = [
        path
        for stage in DVC["stages"].values()
        for out in stage["outs"]
        if isinstance(out, dict)
        for path, options in out.items()
        if options.get("cache") is False
    ]
    assert uncached == DVC["metrics"]


def parameters(stage: str) -> Iterator[tuple[str, str]]:
    for entry in DVC["stages"][stage]["params"]:
        for file, keys in entry.items():
            yield from ((file, key) for key in keys)

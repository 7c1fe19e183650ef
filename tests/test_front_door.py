"""`import brpnas`: a few names, each imported when asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import brpnas


def run(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_at_most_twenty_names_each_once() -> None:
    assert len(brpnas.__all__) <= 20
    assert brpnas.__all__ == sorted(set(brpnas.__all__))


@pytest.mark.parametrize("name", brpnas.__all__)
def test_every_name_is_the_documented_object_of_a_public_package(name: str) -> None:
    value = getattr(brpnas, name)
    home = ".".join(value.__module__.split(".")[:2])
    assert value.__doc__
    assert getattr(sys.modules[home], name) is value
    assert name in sys.modules[home].__all__


@pytest.mark.parametrize(
    "name",
    [
        "brpnas",
        "brpnas.candidates",
        "brpnas.datasets",
        "brpnas.devices",
        "brpnas.measure",
        "brpnas.measure.runtimes",
        "brpnas.testing",
    ],
)
def test_names_are_those_that_type_checkers_see(name: str) -> None:
    package = import_module(name)
    assert set(package.__all__) <= set(dir(package))
    tree = ast.parse(Path(str(package.__file__)).read_text())
    (block,) = (
        n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
    )
    declared = {alias.name for found in block.body for alias in found.names}  # type: ignore[attr-defined]
    assert declared == set(package.__all__)
    for public in package.__all__:
        assert getattr(package, public) is getattr(package, public)
    with pytest.raises(AttributeError, match=f"'{name}' .*'nothing'"):
        package.nothing  # noqa: B018


def test_names_are_described_in_the_docstring() -> None:
    assert [name for name in brpnas.__all__ if f"`{name}`" not in str(brpnas.__doc__)] == []


def test_import_loads_no_package_of_weight() -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'matplotlib', 'kedro', 'mlflow', 'dvc'}"
    assert run(f"import sys, brpnas; dir(brpnas); print({heavy} & set(sys.modules))") == "set()"


def test_windows_is_refused_at_import_with_the_ways_that_work() -> None:
    command = [sys.executable, "-c", "import sys; sys.platform = 'win32'; import brpnas"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("brpnas.errors.UnsupportedPlatformError: ")
    assert "Linux and macOS" in last
    assert "Windows Subsystem for Linux" in last
    assert "containers" in last


def test_names_without_torch_load_no_torch() -> None:
    code = "import sys, brpnas; brpnas.get_space('nasbench201'); print('torch' in sys.modules)"
    assert run(code) == "False"


def test_star_import_and_dir_give_all_names() -> None:
    assert set(brpnas.__all__) <= set(dir(brpnas))
    namespace: dict[str, object] = {}
    exec("from brpnas import *", namespace)
    assert set(brpnas.__all__) <= set(namespace)


def test_version_is_that_of_the_installed_package() -> None:
    assert brpnas.__version__ == version("brpnas")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'brpnas' .*'search_all'"):
        brpnas.search_all  # noqa: B018


def test_submodules_are_still_reached() -> None:
    assert run("import brpnas, brpnas.errors; print(brpnas.errors.__name__)") == "brpnas.errors"

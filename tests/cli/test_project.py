from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

from brpnas.cli.project import Registry, find_project, find_registry, from_project
from brpnas.errors import ConfigurationError


def write_project(folder: Path, more: str = "") -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(f'[tool.kedro]\npackage_name = "pipelines"\n{more}')
    return folder


class TestFindProject:
    def test_from_a_folder_within(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        project = write_project(tmp_path / "project")
        inner = project / "data" / "deep"
        inner.mkdir(parents=True)
        assert find_project(inner) == project
        monkeypatch.chdir(inner)
        assert find_project() == project

    def test_other_projects_on_the_way_are_passed_over(self, tmp_path: Path) -> None:
        project = write_project(tmp_path / "project")
        for name, text in {"other": "[tool.ruff]\n", "broken": "[tool.kedro"}.items():
            (project / name).mkdir()
            (project / name / "pyproject.toml").write_text(text)
            assert find_project(project / name) == project

    def test_this_repository_is_one(self, repository: Path) -> None:
        assert find_project(repository / "docs") == repository

    def test_outside_of_any(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"tool\.kedro"):
            find_project(tmp_path)


class TestFromProject:
    def test_is_from_the_project_or_outside_from_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project = write_project(tmp_path / "project")
        (project / "docs").mkdir()
        monkeypatch.chdir(project / "docs")
        assert from_project(Path("data/01_raw")) == project / "data" / "01_raw"
        assert from_project(tmp_path) == tmp_path
        monkeypatch.chdir(tmp_path)
        assert from_project(Path("data/01_raw")) == Path("data/01_raw")


class TestRegistry:
    @pytest.fixture(autouse=True)
    def path(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The folder of a project stays on it no longer than a test."""
        monkeypatch.setattr(sys, "path", list(sys.path))

    def test_of_this_project_has_the_functions_that_are_called(self, repository: Path) -> None:
        commands = find_registry(repository)
        public = [name for name in vars(Registry) if not name.startswith("_")]
        assert len(public) == 5
        for name in public:
            declared = inspect.signature(getattr(Registry, name)).parameters
            written = inspect.signature(getattr(commands, name)).parameters
            assert list(written.values()) == list(declared.values())[1:]  # without self

    def test_is_the_module_that_the_project_names(self, tmp_path: Path) -> None:
        project = write_project(tmp_path / "project", '[tool.brpnas]\nregistry = "own_registry"\n')
        (project / "own_registry.py").write_text(
            "def models_text(root, env=None): return root.name"
        )
        assert find_registry(project).models_text(project) == "project"

    @pytest.mark.parametrize(
        ("named", "told"),
        [
            ("", "`registry`"),
            ('[tool.brpnas]\nregistry = ["a"]\n', "`registry`"),
            ('[tool.brpnas]\nregistry = "absent_module"\n', "absent_module"),
            ('[tool.brpnas]\nregistry = "absent_package.commands"\n', r"absent_package\.commands"),
        ],
    )
    def test_is_missed_in_a_project_without(self, tmp_path: Path, named: str, told: str) -> None:
        project = write_project(tmp_path / "project", named)
        with pytest.raises(ConfigurationError, match=told) as raised:
            find_registry(project)
        assert str(project) in str(raised.value)

    def test_a_package_that_it_lacks_is_not_blamed_on_the_project(self, tmp_path: Path) -> None:
        project = write_project(tmp_path / "project", '[tool.brpnas]\nregistry = "lacking"\n')
        (project / "lacking.py").write_text("import absent_dependency")
        with pytest.raises(ModuleNotFoundError, match="absent_dependency"):
            find_registry(project)

"""The documentation site: strict about links, in its order, with a reference of all packages."""

from __future__ import annotations

import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import brpnas
from tests.contracts.pages import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
TITLE, DIRECTIVE = re.compile(r"^# `([\w.]+)`\n"), re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
INTERNAL = {
    *("archives", "array_headers", "arrays", "atomic", "cli", "conformal", "front_door"),
    *("garbage", "journal", "locks"),
    *("onnx_check", "parquet", "surroundings", "tables", "telemetry", "typed", "yaml_files"),
}
"""Modules of the library without a promise to its users."""


def pages(entries: list[Any]) -> Iterator[str]:
    """Pages of the navigation, in its order."""
    for entry in entries:
        values = entry.values() if isinstance(entry, dict) else [entry]
        for value in values:
            yield from pages(value) if isinstance(value, list) else [value]


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def copy(folder: Path) -> Path:
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    (folder / "brpnas").symlink_to(ROOT / "brpnas")
    return folder


class TestBuild:
    def test_no_link_is_broken_and_every_name_has_its_entry(self, tmp_path: Path) -> None:
        done = build(copy(tmp_path))
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        # A parameter in a docstring that the function has not, and the like.
        assert [line for line in said.splitlines() if line.startswith("griffe:")] == []
        for page in REFERENCE:
            package = import_module(TITLE.findall(page.read_text("utf-8"))[0])
            html = (tmp_path / "site" / "reference" / f"{page.stem}.html").read_text("utf-8")
            entries = set(re.findall(r'id="(brpnas[\w.]*)"', html))
            for name in package.__all__:
                # A function of the name of its module has its entry there.
                full = f"{package.__name__}.{name}"
                assert {full, f"{full}.{name}"} & entries, f"no entry of {full}"

    def test_a_broken_link_ends_it(self, tmp_path: Path) -> None:
        folder = copy(tmp_path)
        shutil.rmtree(folder / "docs" / "reference")
        broken = {
            "broken_page.md": "[x](nowhere.md)",
            "broken_heading.md": "[x](broken_page.md#nowhere)",
            "broken_name.md": "[`x`][brpnas.x]",
        }
        for page, link in broken.items():
            (folder / "docs" / page).write_text(f"# Home\n\n{link}\n", "utf-8")
        done = build(folder)
        assert done.returncode != 0
        said = done.stdout + done.stderr
        assert [page for page in broken if not re.search(rf"{page}:\d", said)] == []


class TestNavigation:
    def test_holds_every_page_once(self) -> None:
        listed = list(pages(PROJECT["nav"]))
        found = {
            path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")
        }
        assert sorted(listed) == sorted(found)

    def test_is_in_the_order_of_a_new_user(self) -> None:
        assert [next(iter(entry)) for entry in PROJECT["nav"]] == [
            "Get started", "Your device", "Your data", "Search", "Predictors in production",
            "Method", "Results", "Reference",
        ]  # fmt: skip


class TestReference:
    @pytest.mark.parametrize("page", REFERENCE, ids=lambda page: page.stem)
    def test_a_page_is_of_one_package(self, page: Path) -> None:
        text = page.read_text("utf-8")
        (package,) = TITLE.findall(text)
        first, *functions = DIRECTIVE.findall(text)
        assert first == package
        assert all(name.startswith(f"{package}.") for name in functions)

    def test_examples_are_a_section_of_their_own(self) -> None:
        """Under any other heading the site shows the prompts of an example as quotations."""
        heading = re.compile(r"^ *(\w+):\n+ *>>> ", re.MULTILINE)
        sources = (ROOT / "brpnas").rglob("*.py")
        found = [name for path in sources for name in heading.findall(path.read_text("utf-8"))]
        assert len(found) > 40
        assert set(found) == {"Examples"}

    def test_covers_the_library(self) -> None:
        shown = {TITLE.findall(page.read_text("utf-8"))[0] for page in REFERENCE}
        there = {f"brpnas.{module.name}" for module in pkgutil.iter_modules(brpnas.__path__)}
        assert shown == {"brpnas", *there} - {f"brpnas.{name}" for name in INTERNAL}


def test_the_workflow_publishes_what_make_builds() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "docs.yml").read_text("utf-8"))
    steps = workflow["jobs"]["build"]["steps"]
    (command,) = re.findall(
        r"^\t(zensical .*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    assert command in "\n".join(step.get("run", "") for step in steps)
    assert steps[-1]["with"]["path"] == PROJECT["site_dir"]
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["publish"]["needs"] == "build"
    assert "refs/heads/main" in workflow["jobs"]["publish"]["if"]

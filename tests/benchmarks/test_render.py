"""README.md, docs/results.md and their pictures equal those rendered from the committed results."""

from __future__ import annotations

import copy
import re
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from jinja2 import UndefinedError

from benchmarks.__main__ import NAMES
from benchmarks.anchors import ANCHORS, get
from benchmarks.data import ROOT
from benchmarks.devices.prediction import new_devices
from benchmarks.pictures import PICTURES, alt_text, write
from benchmarks.pictures.files import describe
from benchmarks.render import IMAGES, PAGE, README, load, readme, render
from benchmarks.tables import markdown, missed, spread, targets

AGAIN = "run `python -m benchmarks render`"


def test_page_is_what_the_committed_results_make() -> None:
    assert PAGE.read_text("utf-8") == render(load()), AGAIN


def test_no_figure_of_the_page_is_typed_by_hand() -> None:
    template = (ROOT / "benchmarks" / "pages" / "results.md.j2").read_text("utf-8")
    text = re.sub(r"\{[{%].*?[%}]\}", "", template, flags=re.DOTALL)
    assert re.findall(r"\d+\.\d+", text) == ["0.99"]  # correlation of a twin


def test_no_table_stands_twice_on_the_page() -> None:
    rows = re.findall(r"^\| (?!---).*\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 200
    long = [row for row in rows if len(re.findall(r"\d\.\d", row)) >= 5]
    assert len(long) == len(set(long))


class TestReadme:
    """The first page: its figures, its picture, its size."""

    @pytest.fixture
    def page(self) -> str:
        return README.read_text("utf-8")

    def test_is_what_template_and_results_make(self, page: str) -> None:
        picture = (IMAGES / "pareto.svg").read_text("utf-8")
        assert page == readme(load(), alt_text(picture)), AGAIN

    def test_is_short_and_shows_a_picture(self, page: str) -> None:
        assert len(page.splitlines()) <= 140
        assert len(re.findall(r"^\|[-|]+\|$", page, re.MULTILINE)) <= 2
        assert re.findall(r"!\[.+\]\((.*)\)", page) == ["docs/images/pareto.svg"]

    def test_no_figure_is_typed_by_hand(self) -> None:
        template = (ROOT / "benchmarks" / "pages" / "README.md.j2").read_text("utf-8")
        text = re.sub(r"```.*?```|\{[{%].*?[%}]\}|\]\([^)]*\)", "", template, flags=re.DOTALL)
        assert re.findall(r"\d+\.\d+", text) == ["3.11", "2.0"]  # Python, licence

    def test_a_figure_of_another_result_changes_it(self, page: str) -> None:
        results = copy.deepcopy(dict(load()))
        results["queries"]["datasets"]["cifar10"]["samplers"]["brp"]["60"]["chosen"][0] = 12.34
        changed = readme(results, "")
        assert "12.34" in changed
        assert "12.34" not in page

    def test_a_missing_figure_is_an_error(self) -> None:
        results = copy.deepcopy(dict(load()))
        del results["road"]["interrupts"]["interrupted"]
        with pytest.raises(UndefinedError, match="interrupted"):
            readme(results, "")


class TestPictures:
    """The committed files equal those rendered from the results."""

    @pytest.mark.parametrize("name", PICTURES)
    def test_says_the_figures_of_the_committed_results(self, name: str) -> None:
        committed = (IMAGES / f"{name}.svg").read_text("utf-8")
        assert alt_text(committed) == alt_text(PICTURES[name](load())), AGAIN
        assert re.search(r"\d", alt_text(committed))

    def test_all_are_shown_and_none_is_left_over(self) -> None:
        pages = "".join(page.read_text("utf-8") for page in PAGE.parent.glob("*.md"))
        shown = set(re.findall(r"\(images/([\w.]+)\)", pages))
        drawn_by_hand = {"targets.svg"}
        assert shown == {file.name for file in IMAGES.iterdir()}
        assert shown == {f"{name}.svg" for name in PICTURES} | drawn_by_hand

    def test_that_of_the_readme_is_small(self) -> None:
        assert (IMAGES / "pareto.svg").stat().st_size < 100_000

    def test_a_file_has_a_size_and_the_colours_of_both_schemes(self, tmp_path: Path) -> None:
        element = (
            '<svg role="img" aria-label="a 1" viewBox="0 0 20 10"><path fill="var(--blue)"/></svg>'
        )
        write(describe(element, "b < 2"), tmp_path / "x.svg")
        root = ElementTree.parse(tmp_path / "x.svg").getroot()
        assert (root.get("width"), root.get("height"), root.get("aria-label")) == (
            "25",
            "12",
            "b < 2",
        )
        rules = (tmp_path / "x.svg").read_text()
        assert rules.count("--blue:") == 2
        assert "prefers-color-scheme: dark" in rules


def test_every_target_says_whether_it_was_reached() -> None:
    rows = targets(load()).splitlines()
    pending = [row for row in rows if row.endswith("| not run |")]
    groups = {"front": "Front of", "explorer": "Report in Chromium"}
    still = tuple(group for name, group in groups.items() if name not in load())  # not run yet
    absent = [anchor.what for anchor in ANCHORS if still and anchor.group.startswith(still)]
    rows_of = {row: row.split(" | ")[0].removeprefix("| ") for row in pending}
    assert set(absent) <= set(rows_of.values())
    pending = [row for row, what in rows_of.items() if what not in absent]
    if not new_devices():  # the tables of new runtimes do not ship yet
        assert {row.split(":")[0] for row in pending} == {
            "| worst new runtime, 100 measured cells, none in the prior"
        }
    else:
        assert pending == []
    judged = [row for row in rows if row.endswith(("| yes |", "| **no** |"))]
    assert len(judged) + len(pending) + len(absent) == len(ANCHORS)
    assert targets({}).count("| not run |") == len(ANCHORS)
    assert missed({}) == []


def test_a_target_is_reached_or_named_as_missed() -> None:
    figure = {"chosen": [94.2, 0.1]}
    samplers = {"brp": {"60": figure, "100": figure}}
    results = {"queries": {"datasets": {"cifar10": {"samplers": samplers, "ceilings": {}}}}}
    of_cifar = [a for a in ANCHORS if a.what.startswith("cifar10,") and "queries" in a.what]
    assert [a.reached(results) for a in of_cifar] == [True, False]
    assert [a.reached(results) for a in ANCHORS].count(None) == len(ANCHORS) - 2


def test_smaller_is_better_where_it_is() -> None:
    ranks = {"nb101": {"ranks": {"brp": [1, 2, 6, 9]}}}
    (anchor,) = (a for a in ANCHORS if "median after" in a.what)
    assert (anchor.ours(ranks), anchor.reached(ranks)) == (4.0, True)
    ranks["nb101"]["ranks"]["brp"] += [8]
    assert (anchor.ours(ranks), anchor.reached(ranks)) == (6.0, False)


def test_ranking_takes_the_whole_space() -> None:
    rows = [
        {"size": 1000, "seconds": 0.1, "peak_mb": 500},
        {"size": 423_624, "seconds": 12.0, "peak_mb": 900},
        {"size": 423_624, "seconds": 7.0, "peak_mb": 950},
    ]
    found = {a.what: a.ours({"scale": {"ranking": rows}}) for a in ANCHORS if "423,624" in a.group}
    assert found == {"seconds": 7.0, "peak memory, MiB": 900.0}


@pytest.mark.parametrize("keys", [("a", "x"), ("b",), ("a", 2), ("a", "b", "c")])
def test_get_gives_none_for_what_is_not_there(keys: tuple[str | int, ...]) -> None:
    assert get({"a": {"b": 1}}, *keys) is None
    assert get({"a": [5]}, "a", 0) == 5


def test_markdown() -> None:
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"
    assert spread([0.5, 0.25], 1, 100) == "50.0 ± 25.0"
    assert spread(None) == ""
    assert spread(0.25, 3) == "0.250"


class TestSuite:
    """One command, one module, one stage for each benchmark."""

    @pytest.mark.parametrize("name", NAMES)
    def test_every_name_has_a_module(self, name: str) -> None:
        assert find_spec(f"benchmarks.{name}") is not None

    def test_every_benchmark_that_is_shown_has_a_stage_that_the_page_depends_on(self) -> None:
        stages = yaml.safe_load((ROOT / "benchmarks" / "dvc.yaml").read_text())["stages"]
        shown = set(re.findall(r"`python -m benchmarks (\w+)`;", PAGE.read_text("utf-8")))
        assert shown <= {*stages, "containers"}  # which needs a Docker engine
        listed = {dep for dep in stages["render"]["deps"] if "/results/" in dep}
        assert listed == {f"benchmarks/results/{name}.json" for name in shown}

    def test_every_stage_runs_its_command_and_depends_on_what_exists(self) -> None:
        stages = yaml.safe_load((ROOT / "benchmarks" / "dvc.yaml").read_text())["stages"]
        for name, stage in stages.items():
            assert re.search(rf"python -m benchmarks {name}\b", stage["cmd"])
            missing = [d for d in stage["deps"] if not (ROOT / d).exists()]
            assert [d for d in missing if not d.startswith("benchmarks/results/")] == []

"""docs/results.md is what the committed results make, and says what is missing."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest
import yaml

from benchmarks.__main__ import MODULES, NAMES
from benchmarks.anchors import ANCHORS, get
from benchmarks.data import ROOT
from benchmarks.render import PAGE, load, render
from benchmarks.sections import SECTIONS, markdown, spread


def test_page_is_what_the_committed_results_make() -> None:
    assert PAGE.read_text() == render(load()), "run `python -m benchmarks results`"


def test_without_results_every_table_says_so() -> None:
    page = render({})
    assert page.count(": not run.") == sum(len(section.tables) for section in SECTIONS)
    assert page.count("| not run |") == len(ANCHORS)
    assert "Not reached" not in page


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
        assert find_spec(f"benchmarks.{MODULES.get(name, name)}") is not None

    def test_every_benchmark_that_is_shown_has_a_stage_that_the_page_depends_on(self) -> None:
        stages = yaml.safe_load((ROOT / "benchmarks" / "dvc.yaml").read_text())["stages"]
        shown = {name for section in SECTIONS for name, _ in section.tables}
        assert shown <= set(stages)
        listed = {dep for dep in stages["results"]["deps"] if "/results/" in dep}
        assert listed == {f"benchmarks/results/{name}.json" for name in shown}

    def test_every_stage_runs_its_command_and_depends_on_what_exists(self) -> None:
        stages = yaml.safe_load((ROOT / "benchmarks" / "dvc.yaml").read_text())["stages"]
        for name, stage in stages.items():
            assert re.search(rf"python -m benchmarks {name}\b", stage["cmd"])
            missing = [d for d in stage["deps"] if not (ROOT / d).exists()]
            assert [d for d in missing if not d.startswith("benchmarks/results/")] == []

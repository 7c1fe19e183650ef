"""`brpnas arch`: an architecture, explained and drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from brpnas.spaces import get_space
from brpnas.spaces.nasbench201 import from_string, to_string
from tests.cli.conftest import Brpnas

CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"
CUT = to_string((3, 0, 0, 0, 0, 3))


def test_says_all_about_a_cell(brpnas: Brpnas) -> None:
    text = brpnas("arch", f"  {CELL} ").stdout
    assert CELL in text.splitlines()[0]
    assert "#+((0)@nor_conv_3x3)@nor_conv_3x3+0" in text
    assert "connected       yes" in text
    assert "0.559 M" in text
    assert "78.562 M" in text
    assert "1 -> 2  avg_pool_3x3  removed" in text
    assert "1 -> 3  nor_conv_3x3  kept" in text


def test_says_that_a_cell_is_cut(brpnas: Brpnas) -> None:
    assert re.search(r"^connected +no\b", brpnas("arch", CUT).stdout, re.MULTILINE)


def test_draws_the_cell(brpnas: Brpnas, tmp_path: Path) -> None:
    file = tmp_path / "cell.svg"
    result = brpnas("arch", CELL, "--svg", file)
    assert f"Drawing: {file}" in result.stdout
    assert ET.parse(file).getroot().tag.endswith("svg")


def test_drawing_into_no_folder_is_an_error(brpnas: Brpnas, tmp_path: Path) -> None:
    result = brpnas("arch", CELL, "--svg", tmp_path / "no" / "cell.svg")
    assert result.exit_code == 1
    assert "cell.svg" in result.stderr


@pytest.mark.parametrize("text", ["", "foo", CELL.replace("nor_conv_3x3", "nor_conv_5x5")])
def test_no_cell_is_an_error_with_an_example(brpnas: Brpnas, text: str) -> None:
    result = brpnas("arch", text)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.search(f"{re.escape(repr(text))} .*NAS-Bench-201", result.stderr)
    assert "An example: |" in result.stderr


CHAIN = "conv3-sep3w-skip-conv5-squeeze"


def test_says_all_about_an_architecture_of_another_space(
    brpnas: Brpnas, repository: Path, tmp_path: Path
) -> None:
    space = repository / "docs/examples/chain_space.py"
    drawing = tmp_path / "chain.svg"
    result = brpnas("arch", "--space", space, f" {CHAIN} ", "--svg", drawing)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["architecture", CHAIN]
    assert lines[1] == ["space", str(space)]
    assert ["isomorphism", "id", "conv3-sep3w-conv5-squeeze"] in lines
    params, flops = get_space(str(space)).cost([CHAIN])
    assert ["parameters", f"{params[0] / 1e6:.3f}", "M"] in lines
    assert ["FLOPs", f"{flops[0] / 1e6:.3f}", "M", "multiply-adds"] in lines
    assert ["3", "sep3w", "4", "kept"] in lines
    assert ["4", "skip", "5", "removed"] in lines
    assert "squeeze" in drawing.read_text()


def test_darts_is_explained_and_drawn(brpnas: Brpnas, tmp_path: Path) -> None:
    space = get_space("darts")
    (cell,) = space.sample(np.random.default_rng(0), 1)
    drawing = tmp_path / "cell.svg"
    result = brpnas("arch", "--space", "darts", cell, "--svg", drawing)
    assert result.exit_code == 0, result.output
    assert cell in result.stdout
    graph = space.encode([cell], "raw")[0]
    rows = [line.split() for line in result.stdout.splitlines() if line[:4].strip().isdigit()]
    assert len(rows) == 30
    assert [row[1] for row in rows] == [space.vocabulary[op] for op in graph.ops[1:]]
    assert ET.parse(drawing).getroot().tag.endswith("svg")


def test_costs_that_are_not_known_are_left_out(tmp_path: Path, brpnas: Brpnas) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from brpnas.spaces import NasBench201, SearchSpace\n\n\n"
        "class Mine(NasBench201):\n    cost = SearchSpace.cost\n"
    )
    text = brpnas("arch", "--space", path, CELL).stdout
    assert "parameters" not in text
    assert re.search(r"\bcost\b", text)


def test_an_unknown_space_is_an_error(brpnas: Brpnas) -> None:
    result = brpnas("arch", "--space", "nasbench2O1", CELL)
    assert result.exit_code == 1
    assert "'nasbench201'?" in result.stderr


def test_other_notations_are_read(brpnas: Brpnas, tmp_path: Path) -> None:
    drawing = tmp_path / "cell.svg"
    names = from_string(CELL)
    result = brpnas("arch", str(list(names)), "--svg", drawing)
    assert result.stdout.splitlines()[0].split() == ["architecture", CELL]
    assert drawing.is_file()


def test_costs_of_the_exported_network_stand_beside_the_published_ones(brpnas: Brpnas) -> None:
    dead = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|"
    space = get_space("nasbench201")
    published, exported = (
        [float(value[0]) / 1e6 for value in space.cost([dead], network)]
        for network in (space.published, space.published.as_exported)
    )
    assert exported[0] < published[0]
    text = brpnas("arch", dead).stdout
    assert f"{published[0]:.3f} M" in text
    assert f"has {exported[0]:.3f} M parameters and {exported[1]:.3f} M multiply-adds" in text

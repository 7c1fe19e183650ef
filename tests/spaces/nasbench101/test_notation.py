"""Every notation of a cell means the same cell; invalid notations are refused with the reason."""

from __future__ import annotations

import itertools
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench101 import NasBench101
from brpnas.spaces.nasbench101.cell import OPERATIONS, to_string
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.notation import from_matrix, read_cell, read_notation
from tests.spaces.nasbench101.slow import cell_of, graphs_file, in_space, key_of, reordered

CELL = "conv3x3~0|maxpool3x3~0|conv1x1~12|output~03"
CHAIN = "|".join(f"conv3x3~{i}" for i in range(6)) + "|output~6"


def published(key: int) -> dict[str, object]:
    matrix, labels = cell_of(key)
    operations = ["input", *(OPERATIONS[label] for label in labels), "output"]
    return {"module_adjacency": [list(row) for row in matrix], "module_operations": operations}


@pytest.mark.parametrize(
    "text",
    [
        CELL,
        f"  {CELL}\n",
        CELL.replace("|", " | "),
        "maxpool3x3~0|conv3x3~0|conv1x1~12|output~03",
        "conv3x3-bn-relu~0|maxpool3x3~0|conv1x1-bn-relu~21|output~3003",
        "conv3x3~0|conv3x3~1|maxpool3x3~0|conv1x1~13|output~04",
        "conv3x3~0|conv3x3~|maxpool3x3~0|conv1x1~13|output~04",
        json.dumps(published(key_of(cell_of(read_cell(CELL))))),
        str(published(read_cell(CELL))),
        json.dumps(list(published(read_cell(CELL)).values())),
        "([[0,1,1,0,1],[0,0,0,1,0],[0,0,0,1,0],[0,0,0,0,1],[0,0,0,0,0]], (-1, 0, 2, 1, -2))",
    ],
)
def test_each_notation_means_the_cell(text: str) -> None:
    assert to_string(read_notation(text)) == CELL
    assert NasBench101().read(text) == CELL


def test_matrices_of_any_order_of_nodes() -> None:
    """Also those where edges lead backwards, which the published form does not allow."""
    for key in np.random.default_rng(0).choice(all_keys(), 20).tolist():
        for matrix, labels in itertools.islice(reordered(cell_of(key)), 30):
            assert from_matrix(matrix, [-1, *labels, -2]) == key


def test_random_graphs_of_up_to_nine_nodes() -> None:
    """Dead nodes, cycles, too many edges: against the definition."""
    rng, cells = random.Random(0), 0
    for _ in range(1500):
        size = rng.randint(2, 9)
        matrix = tuple(
            tuple(int(rng.random() < 1.3 / size) * (i != j) for j in range(size))
            for i in range(size)
        )
        labels = tuple(rng.randrange(3) for _ in range(size - 2))
        expected = in_space((matrix, labels))
        if expected is None:
            with pytest.raises(ArchitectureError):
                from_matrix(matrix, [0, *labels, 0])
        else:
            cells += 1
            assert from_matrix(matrix, [0, *labels, 0]) == expected
    assert 100 < cells < 1300


@pytest.mark.data
def test_published_graphs_are_read(mirror: Path) -> None:
    content, cells = graphs_file(mirror)
    for cell in cells[:200]:
        matrix, labels = cell
        operations = ["input", *(OPERATIONS[label] for label in labels), "output"]
        text = json.dumps({"module_adjacency": matrix, "module_operations": operations})
        assert read_notation(text) == key_of(cell)
    assert len(content["key"]) == len(cells)


@pytest.mark.slow
@pytest.mark.data
def test_hashes_are_read(mirror: Path) -> None:
    content, cells = graphs_file(mirror)
    for i in (0, 7, 999):
        assert read_notation(f" {content['key'][i]}\n") == key_of(cells[i])
    with pytest.raises(ArchitectureError, match=r"'0{32}' .*hash"):
        read_notation("0" * 32)


BAD = {
    "": "must read 'operation~sources'",
    "conv3x3~0": "'output', not 'conv3x3'",
    "conv3x3~0|output~0|": "unknown operation 'output'.",
    "conv3x4~0|output~1": "'conv3x3'?",
    "conv3x3~0|output~2": "node 2, 'output~2'",
    "conv3x3~a|output~1": "must read 'operation~sources'",
    "conv3x3~|output~1": "its node 2",
    "conv3x3~0|output~": "its node 2",
    CHAIN: " 8 nodes",
    "|".join(["conv3x3~0"] * 10) + "|output~1": " 12 nodes",
    "conv3x3~0|conv3x3~01|conv3x3~012|conv3x3~0123|output~4": " 11 edges",
    "[[[0,1],[1,0]],[0,0]]": "nodes [0, 1]",
    "[[[0,1],[0,1]],[0,0]]": "nodes [1]",
    "[[[0,2],[0,0]],[0,0]]": "0 and 1, not 2",
    "[[[0,1],[0]],[0,0]]": "2 operations",
    "[[],[]]": "0 operations",
    '[[[0,1,0],[0,0,1],[0,0,0]],["","pool",""]]': "unknown operation 'pool'",
    "[[[0,1,0],[0,0,1],[0,0,0]],[0,3,0]]": "operation 3",
    "[1, 2": ": line 1 column 6",
    "[1, 2]": "(module_adjacency)",
    '{"adjacency": 1}': "(module_adjacency)",
    "A" * 32: "must read 'operation~sources'",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_none_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        read_notation(text)
    message = str(caught.value)
    assert re.match(rf"{re.escape(repr(text))} .*NAS-Bench-101 cell: ", message)
    assert BAD[text] in message
    assert message.endswith(f" An example: {CELL}")


def test_the_example_is_a_cell() -> None:
    assert to_string(read_cell(CELL)) == CELL

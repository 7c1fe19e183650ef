"""Cells of NASLib: read, and told from ours by latencies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from brpnas.datasets import embedded_devices, read_embedded_latency
from brpnas.errors import ArchitectureError
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201 import to_string
from brpnas.spaces.nasbench201.naslib import LEAST_TEXTS, NASLIB
from tests.seeds import first_of

SPACE = NasBench201()
# As in NASLib: operations by code, and edges by source.
OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def by_hand(codes: tuple[int, ...]) -> str:
    """The string, put together from the meaning of each code."""
    ops = {edge: OPERATIONS[code] for edge, code in zip(EDGES, codes, strict=True)}
    return "+".join(
        "|" + "|".join(f"{ops[source, target]}~{source}" for source in range(target)) + "|"
        for target in (1, 2, 3)
    )


def written(arch_ids: list[str]) -> list[str]:
    """Cells as NASLib writes them."""
    known = {by_hand(codes): str(codes) for codes in itertools.product(range(5), repeat=6)}
    return [known[arch_id] for arch_id in arch_ids]


def test_every_cell_is_read_by_the_meaning_of_its_codes() -> None:
    for codes in itertools.product(range(5), repeat=6):
        assert NASLIB.read(str(codes)) == by_hand(codes)


@pytest.mark.parametrize("text", ["403142", "4-0-3-1-4-2", "[4, 0, 3, 1, 4, 2]", "4 0 3 1 4 2"])
def test_codes_may_be_joined_in_any_way(text: str) -> None:
    assert NASLIB.read(text) == by_hand((4, 0, 3, 1, 4, 2))


def test_a_string_is_a_string_in_every_notation() -> None:
    cell = to_string((3, 0, 1, 2, 4, 0))
    assert NASLIB.read(cell) == cell


@pytest.mark.parametrize("text", ["13", "40314", "403145", "(none, none)", "(0, 0, 0, 0, 0)", "x"])
def test_what_is_no_six_codes_is_refused(text: str) -> None:
    with pytest.raises(ArchitectureError, match="NAS-Bench-201"):
        NASLIB.read(text)


@pytest.mark.parametrize("device", sorted(embedded_devices()))
@pytest.mark.parametrize("rows", [20, 100])
def test_latencies_tell_the_notations_apart(device: str, rows: int) -> None:
    table = read_embedded_latency(device).sample(rows, random_state=3)
    values = table["latency_ms"].to_numpy(np.float64)
    ours = [str(tuple(codes)) for codes in SPACE.codes(table["arch_id"].tolist()).tolist()]
    theirs = written(table["arch_id"].tolist())
    about, ratio = NASLIB.evidence(theirs, values)
    assert about.all()
    assert ratio > 4
    assert NASLIB.evidence(ours, values)[1] < 1


def test_strings_and_indices_are_not_about_it() -> None:
    cells = read_embedded_latency("amd-epyc-torch-fp32-1t").head(60)
    values = cells["latency_ms"].to_numpy(np.float64)
    texts = cells["arch_id"].tolist()
    texts[:LEAST_TEXTS] = written(texts[:LEAST_TEXTS])
    texts[LEAST_TEXTS] = "17"
    about, ratio = NASLIB.evidence(texts, values)
    assert np.flatnonzero(about).tolist() == list(range(LEAST_TEXTS))
    assert ratio != 0
    assert NASLIB.evidence(texts[1:], values[1:])[1] == 0, "too few"


@pytest.mark.parametrize("seed", first_of(range(20)))
def test_shuffled_rows_are_not_taken_for_another_notation(seed: int) -> None:
    table = read_embedded_latency("amd-epyc-torch-fp32-1t")
    drawn = table.sample(100, random_state=seed)
    values = np.random.default_rng(seed).permutation(drawn["latency_ms"].to_numpy(np.float64))
    assert NASLIB.evidence(written(drawn["arch_id"].tolist()), values)[1] <= 0


def test_latencies_that_do_not_depend_on_the_cells_say_nothing() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        texts = [str(tuple(codes)) for codes in rng.integers(0, 5, (40, 6)).tolist()]
        assert abs(NASLIB.evidence(texts, rng.uniform(4, 5, 40))[1]) < 4
    assert NASLIB.evidence(texts, np.full(40, 3.0))[1] == 0

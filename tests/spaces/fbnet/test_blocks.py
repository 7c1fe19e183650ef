from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.fbnet.blocks import (
    BLOCKS,
    LAYERS,
    SHAPES,
    SKIP,
    STAGE_OF,
    block_codes,
    malformed,
    skips_last,
    to_strings,
)
from tests.spaces.fbnet.examples import FBNET_C, chain_of


def test_the_names_say_the_shapes():
    for name, (kernel, expansion, groups) in zip(BLOCKS, SHAPES, strict=False):
        assert name == f"k{kernel}_e{expansion}" + ("_g2" if groups == 2 else "")
    assert BLOCKS[SKIP] == "skip"
    assert len(BLOCKS) == len(SHAPES) + 1 == 9


def test_layers_and_stages():
    assert len(STAGE_OF) == LAYERS == 22
    assert np.bincount(STAGE_OF).tolist() == [1, 4, 4, 4, 4, 4, 1]


def test_codes_and_strings_are_inverse():
    codes = np.random.default_rng(0).integers(9, size=(50, LAYERS))
    assert np.array_equal(block_codes(to_strings(codes)), codes)
    assert block_codes([]).shape == (0, LAYERS)
    assert to_strings(block_codes([])) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (chain_of("skip").removesuffix("-skip"), "21 blocks"),
        (chain_of("skip") + "-skip", "23 blocks"),
        (chain_of("skip") + "-", "unknown block ''"),
        (FBNET_C.replace("skip", "skp"), "'skip'?"),
        (FBNET_C.replace("k5_e6", "k7_e6"), "unknown block 'k7_e6'"),
        (FBNET_C.upper(), "unknown block 'K3_E1'"),
        (FBNET_C.replace("-", "|"), "unknown block"),
    ],
)
def test_a_malformed_text_is_refused_with_the_reason(text, why):
    with pytest.raises(ArchitectureError) as caught:
        block_codes([FBNET_C, text])
    assert repr(text) in str(caught.value)
    assert why in str(caught.value)


def test_the_example_of_the_message_is_an_architecture():
    example = str(malformed("x", "no")).rpartition(" ")[2]
    assert to_strings(block_codes([example])) == [example]


class TestSkipsLast:
    def test_within_the_layers_of_equal_shape(self):
        names = ["skip", "skip", "k3_e1", "skip", "k3_e3", *["k3_e1"] * 12, "skip", "skip", "skip",
                 "k5_e6", "skip"]  # fmt: skip
        moved = to_strings(skips_last(block_codes(["-".join(names)])))[0].split("-")
        assert moved[:5] == ["skip", "skip", "k3_e1", "k3_e3", "skip"]
        assert moved[17:] == ["skip", "k5_e6", "skip", "skip", "skip"]
        assert moved[5:17] == names[5:17]

    def test_the_order_of_the_others_stays_and_again_changes_nothing(self):
        codes = np.random.default_rng(1).integers(9, size=(500, LAYERS)).astype(np.int8)
        moved = skips_last(codes)
        assert np.array_equal(skips_last(moved), moved)
        assert (moved != codes).any(axis=1).mean() > 0.3
        stages = np.array(STAGE_OF)
        for before, after in zip(codes, moved, strict=True):
            for stage in range(7):
                a, b = before[stages == stage], after[stages == stage]
                assert a[0] == b[0]
                assert a[a != SKIP].tolist() == b[b != SKIP].tolist()

from __future__ import annotations

import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.fbnet import BLOCKS, read_notation
from tests.spaces.fbnet.examples import FBNET_C, chain_of

NAMES = FBNET_C.split("-")
CODES = [BLOCKS.index(name) for name in NAMES]


@pytest.mark.parametrize(
    "text",
    [
        FBNET_C,
        f"  {FBNET_C}\n",
        str(CODES),
        str(tuple(CODES)),
        str(CODES).replace(" ", ""),
        f" {NAMES} ",
        str(NAMES).replace("'", '"'),
        f"({', '.join(NAMES)})",
    ],
)
def test_all_notations_of_one_architecture(text):
    assert read_notation(text) == FBNET_C


def test_codes_are_in_the_published_order():
    published = ["k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6",
                 "skip"]  # fmt: skip
    assert read_notation(str([*range(9), *range(9), 0, 1, 2, 3])) == "-".join(
        [*published, *published, *published[:4]]
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (str(CODES[:-1]), "21 entries"),
        ("[]", "1 entries"),
        (str([*CODES[:-1], 9]), "code 9"),
        (str([*CODES[:-1], -1]), "unknown block"),
        (str([*CODES[:-1], "skip"]), "unknown block '0'"),
        (str([*NAMES[:-1], "skp"]), r"'skip'\?"),
        (f"[{chain_of('skip')}]", "1 entries"),
        (str(CODES)[:-1], "unknown block"),
        ("[" + "0, " * 2000 + "]", "unknown block"),
    ],
    ids=range(9),
)
def test_other_lists_are_refused(text, why):
    with pytest.raises(ArchitectureError, match=why):
        read_notation(text)

"""Renumbering against a slow loop over all orders of nodes."""

import itertools

import numpy as np

from brpnas.spaces.darts import Darts, node_numbers, to_strings
from brpnas.spaces.darts.isomorphism import renumberings, smallest_numbering
from tests.spaces.darts.examples import chain_of
from tests.spaces.darts.slow import plain, read, renumbered, same_function


def one_operation() -> list[str]:
    """The 180 normal cells of separable convolutions, with one reduction cell."""
    reduce = chain_of("max3").split(";")[1]
    pairs = [list(itertools.combinations(range(node + 2), 2)) for node in range(4)]
    return [
        f"normal={'|'.join(f'sep3~{i}+sep3~{j}' for i, j in choice)};{reduce}"
        for choice in itertools.product(*pairs)
    ]


def test_ids_are_equal_exactly_for_renumbered_cells():
    arch_ids = one_operation()
    ids = Darts().isomorphism_ids(arch_ids)
    cells = [plain(read(arch_id)[0]) for arch_id in arch_ids]
    assert len(set(cells)) == 180
    for arch_id, mine in zip(arch_ids, ids, strict=True):
        same = {cell for cell, other in zip(cells, ids, strict=True) if other == mine}
        assert same == renumbered(read(arch_id)[0])


def test_both_cells_count():
    space = Darts()
    parts = [arch_id.replace("normal=", "").split(";reduce=") for arch_id in one_operation()]
    swapped = [f"normal={other};reduce={cell}" for cell, other in parts]
    classes = len(set(space.isomorphism_ids(one_operation())))
    assert len(set(space.isomorphism_ids(swapped))) == classes
    assert 1 < classes < 180


def test_the_id_is_a_member_and_its_own_id(rng_sample):
    space = Darts()
    ids = space.isomorphism_ids(rng_sample)
    assert space.isomorphism_ids(ids) == ids
    assert all(same_function(a, b) for a, b in zip(rng_sample, ids, strict=True))
    changed = sum(a != b for a, b in zip(rng_sample, ids, strict=True))
    assert 100 < changed < 200


def test_all_renumberings_are_found(rng_sample):
    arch_ids = [*rng_sample, chain_of("sep3")]
    members, owner = renumberings(node_numbers(arch_ids))
    texts = to_strings(members)
    assert len(set(texts)) == len(texts)
    for row, arch_id in enumerate(arch_ids):
        mine = [text for text, of in zip(texts, owner.tolist(), strict=True) if of == row]
        normal, reduce = (renumbered(cell) for cell in read(arch_id))
        assert len(mine) == len(normal) * len(reduce)
        assert arch_id in mine
        assert all(same_function(arch_id, text) for text in mine)
        again, _ = renumberings(node_numbers(mine[-1:]))
        assert to_strings(again) == mine


def test_a_chain_has_one_numbering():
    chain = "|".join(f"sep3~{i}+dil5~{i + 1}" for i in range(4))
    arch_id = f"normal={chain};reduce={chain}"
    members, owner = renumberings(node_numbers([arch_id]))
    assert (to_strings(members), owner.tolist()) == ([arch_id], [0])


def test_nodes_that_read_the_inputs_alone_may_stand_anywhere():
    names = ("sep3", "sep5", "dil3", "dil5")
    cell = "|".join(f"{name}~0+max3~1" for name in names)
    members, _ = renumberings(node_numbers([f"normal={cell};reduce={cell}"]))
    assert len(members) == 24 * 24


def test_nothing_gives_nothing():
    empty = np.empty((0, 8), np.int64)
    assert smallest_numbering(empty).shape == (0, 8)
    assert [a.shape for a in renumberings(empty)] == [(0, 8), (0,)]

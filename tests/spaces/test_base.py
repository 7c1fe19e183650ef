"""The abstract space and the registry of spaces."""

import numpy as np
import pytest

from brpnas.errors import UnknownNameError
from brpnas.graphs import VIEWS
from brpnas.spaces import NasBench201, SearchSpace, get_space
from tests.test_graphs import chain, stacked


class Chains(SearchSpace):
    """Chains of 0 to 3 operations, named by their length."""

    name = "chains"
    vocabulary = ("blank", "global", "input", "output", "op")

    def __len__(self):
        return 4

    def enumerate(self):
        return ["0", "1", "2", "3"]

    def sample(self, rng, count):
        return [str(i) for i in rng.permutation(4)[:count]]

    def mutate(self, arch_id, rng):
        return str((int(arch_id) + int(rng.integers(1, 4))) % 4)

    def canonical(self, text):
        return text.strip()

    def encode(self, arch_ids, view):
        op = 4 if view == "raw" else 2
        return stacked([chain(int(a), op) for a in arch_ids], 5, len(self.vocabulary))

    def isomorphism_ids(self, arch_ids):
        return list(arch_ids)


def test_graphs_encodes_everything_in_each_view():
    graphs = Chains().graphs()
    assert graphs.space == "chains"
    assert graphs.arch_ids == ("0", "1", "2", "3")
    for view in VIEWS:
        expected = Chains().encode(["0", "1", "2", "3"], view)
        assert np.array_equal(graphs.view(view).ops, expected.ops)
    assert not np.array_equal(graphs.view("raw").ops, graphs.view("pruned").ops)


def test_read_is_canonical_where_there_is_no_other_notation():
    assert Chains().read(" 3 ") == "3"


@pytest.mark.parametrize("missing", sorted(SearchSpace.__abstractmethods__))
def test_a_space_without_one_of_the_methods_cannot_be_made(missing):
    partial = {k: v for k, v in vars(Chains).items() if k != missing and k != "__abstractmethods__"}
    incomplete = type("Incomplete", (SearchSpace,), partial)
    with pytest.raises(TypeError, match=missing):
        incomplete()


def test_get_space_by_name():
    assert isinstance(get_space("nasbench201"), NasBench201)


@pytest.mark.parametrize("name", ["nasbench-201", "NASBench201", "nasbench2o1"])
def test_get_space_suggests(name):
    with pytest.raises(UnknownNameError, match=r"search space .* Known: .*nasbench201"):
        get_space(name)


def test_a_space_too_large_to_list_is_sampled():
    rng = np.random.default_rng(0)
    assert Chains().listed(rng, 2) == Chains().enumerate()
    drawn = get_space("fbnet").listed(rng, 5)
    assert len(set(drawn)) == 5

import pytest

from brpnas.spaces import get_space, size_of
from brpnas.testing.words import ToySpace


class Huge(ToySpace):
    def __len__(self) -> int:
        return 10**30


def test_any_number_is_told():
    assert size_of(Huge()) == 10**30
    with pytest.raises(OverflowError):
        len(Huge())


@pytest.mark.parametrize("name", ["nasbench201", "nasbench101", "darts"])
def test_it_is_the_length(name):
    space = get_space(name)
    assert size_of(space) == len(space)

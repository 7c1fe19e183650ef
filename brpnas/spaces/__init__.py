"""Search spaces: which architectures there are, and what their graphs look like.

`get_space` returns a space by the name used in configuration and tables. `NasBench201` is the
cell space of NAS-Bench-201.
"""

from brpnas.errors import UnknownNameError
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.nasbench201 import NasBench201

__all__ = ["NasBench201", "SearchSpace", "get_space"]

_SPACES: dict[str, type[SearchSpace]] = {NasBench201.name: NasBench201}


def get_space(name: str) -> SearchSpace:
    """Return the search space of that name.

    Raises:
        UnknownNameError: If there is none.
    """
    if name not in _SPACES:
        raise UnknownNameError("search space", name, _SPACES)
    return _SPACES[name]()

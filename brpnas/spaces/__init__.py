"""Search spaces: their architectures and the graphs of these.

`get_space` returns a space by the name used in configuration and tables, `size_of` its number of
architectures. `NasBench201`, `NasBench101`, `Darts` and `FbNet` are the published spaces. A custom
space is a subclass of `SearchSpace` in a Python file; the path of the file is its name.
"""

from brpnas.spaces.base import SearchSpace
from brpnas.spaces.counting import size_of
from brpnas.spaces.darts import Darts
from brpnas.spaces.fbnet import FbNet
from brpnas.spaces.nasbench101 import NasBench101
from brpnas.spaces.nasbench201 import NasBench201
from brpnas.spaces.network import NetworkConfig
from brpnas.spaces.registry import DEFAULT_SPACE, get_space, opened_space, space_fingerprint

__all__ = [
    "DEFAULT_SPACE",
    "Darts",
    "FbNet",
    "NasBench101",
    "NasBench201",
    "NetworkConfig",
    "SearchSpace",
    "get_space",
    "opened_space",
    "size_of",
    "space_fingerprint",
]

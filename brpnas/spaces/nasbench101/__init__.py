"""The cell space of NAS-Bench-101 (Ying et al., ICML 2019, arXiv 1902.09635)."""

from brpnas.spaces.nasbench101.cell import MAX_EDGES, MAX_NODES, OPERATIONS, to_strings
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.hashing import keys_of_hashes, module_hashes
from brpnas.spaces.nasbench101.notation import from_matrix, read_notation
from brpnas.spaces.nasbench101.space import NasBench101

__all__ = [
    "MAX_EDGES",
    "MAX_NODES",
    "OPERATIONS",
    "NasBench101",
    "all_keys",
    "from_matrix",
    "keys_of_hashes",
    "module_hashes",
    "read_notation",
    "to_strings",
]

"""The cell space of NAS-Bench-201 (Dong & Yang, ICLR 2020, arXiv 2001.00326)."""

from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS, from_string, to_string
from brpnas.spaces.nasbench201.notation import published_cells, read_notation
from brpnas.spaces.nasbench201.space import NasBench201

__all__ = [
    "EDGES",
    "OPERATIONS",
    "NasBench201",
    "from_string",
    "published_cells",
    "read_notation",
    "to_string",
]

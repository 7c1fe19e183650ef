"""The cell space of DARTS (Liu et al., ICLR 2019, arXiv 1806.09055)."""

from brpnas.spaces.darts.cell import OPERATIONS, node_decisions, node_numbers, to_strings
from brpnas.spaces.darts.notation import read_notation
from brpnas.spaces.darts.space import Darts

__all__ = [
    "OPERATIONS",
    "Darts",
    "node_decisions",
    "node_numbers",
    "read_notation",
    "to_strings",
]

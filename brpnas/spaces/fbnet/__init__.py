"""The layer-wise space of mobile networks of FBNet (Wu et al., CVPR 2019, arXiv 1812.03443)."""

from brpnas.spaces.fbnet.blocks import BLOCKS, LAYERS, block_codes, to_strings
from brpnas.spaces.fbnet.notation import read_notation
from brpnas.spaces.fbnet.space import FbNet

__all__ = ["BLOCKS", "LAYERS", "FbNet", "block_codes", "read_notation", "to_strings"]

"""The FBNet network in torch.

`build_network` makes the network of an architecture: stem, 22 blocks, head. Import this module
explicitly: the package does not, so spaces work without torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from brpnas.spaces.fbnet.blocks import block_codes
from brpnas.spaces.fbnet.layers import convolution, make_block
from brpnas.spaces.fbnet.plan import PUBLISHED, plan_of
from brpnas.spaces.network import NetworkConfig

__all__ = ["FbNetNetwork", "build_network"]


class FbNetNetwork(nn.Module):
    """Stem, blocks, head of FBNet (Wu et al., CVPR 2019, arXiv 1812.03443).

    Maps images ``[B, *input_shape]`` to logits ``[B, classes]``. Use `build_network` to make one
    from an architecture string.

    Args:
        codes: Codes of the 22 blocks.
        config: Sizes, see `brpnas.spaces.fbnet.plan.plan_of`. There are no dead operations, so
            `executes_dead_ops` is ignored.
    """

    def __init__(self, codes: Sequence[int], config: NetworkConfig) -> None:
        super().__init__()
        plan = plan_of(config)
        self.stem = convolution(plan.image[0], plan.stem, 3, plan.stem_stride)
        self.blocks = nn.Sequential(
            *(make_block(code, layer) for code, layer in zip(codes, plan.layers, strict=True))
        )
        self.head = convolution(plan.layers[-1].outputs, plan.head)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(plan.head, plan.classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``[B, classes]`` of images ``[B, channels, height, width]``."""
        features = self.pool(self.head(self.blocks(self.stem(image))))
        logits: Tensor = self.classifier(torch.flatten(features, 1))
        return logits


def build_network(arch_id: str, config: NetworkConfig | None = None) -> FbNetNetwork:
    """Make the network of an architecture, with torch's default initial weights.

    By default the published network on CIFAR-100.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.
        ConfigurationError: If the size is not one of FBNet networks.
    """
    return FbNetNetwork(block_codes([arch_id])[0].tolist(), config or PUBLISHED)

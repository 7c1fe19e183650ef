"""The NAS-Bench-101 macro network in torch.

`build_network` makes the network around a cell: stem, stages of cells with max-pooling between
them, head. Import this module explicitly: the package does not, so spaces work without torch.
"""

from __future__ import annotations

from torch import Tensor, nn

from brpnas.spaces.nasbench101.canonical import sources_of
from brpnas.spaces.nasbench101.cell import labels_of
from brpnas.spaces.nasbench101.layers import Cell, conv_block
from brpnas.spaces.nasbench101.notation import read_cell
from brpnas.spaces.nasbench101.space import NasBench101
from brpnas.spaces.network import NetworkConfig

__all__ = ["MacroNetwork", "build_network"]


class MacroNetwork(nn.Module):
    """Stem, stages, head of NAS-Bench-101 (Ying et al., ICML 2019, arXiv 1902.09635).

    Maps images ``[B, *input_shape]`` to logits ``[B, classes]``. Use `build_network` to make one
    from an architecture string. Batch normalisation averages over ten batches, torch's default; the
    benchmark trains longer and averages over 300. Cells have no dead operations, so
    ``executes_dead_ops`` is ignored.

    Args:
        key: Canonical key of the cell.
        config: Sizes of the network.

    Raises:
        ConfigurationError: If there are fewer channels than nodes to share them.
    """

    def __init__(self, key: int, config: NetworkConfig) -> None:
        super().__init__()
        sources, labels = sources_of(key), labels_of(key)
        channels = config.channels
        self.stem = conv_block(config.input_shape[0], channels, 3)
        blocks: list[nn.Module] = []
        for stage in range(config.stages):
            wide = config.channels << stage
            if stage:
                blocks.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
            for _ in range(config.cells_per_stage):
                blocks.append(Cell(sources, labels, channels, wide))
                channels = wide
        self.stages = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, config.classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``[B, classes]`` of images ``[B, channels, height, width]``."""
        features = self.pool(self.stages(self.stem(image)))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


def build_network(arch_id: str, config: NetworkConfig | None = None) -> MacroNetwork:
    """Make the network of an architecture, with torch's default initial weights.

    By default the published network on CIFAR-10.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.
        ConfigurationError: If there are fewer channels than nodes to share them.

    Examples:
        >>> sum(p.numel() for p in build_network("output~0").parameters())
        882570
    """
    return MacroNetwork(read_cell(arch_id), config or NasBench101.published)

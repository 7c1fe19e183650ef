"""Number of channels of each node of a NAS-Bench-101 cell.

The sources of the output share its channels; the first ones take one more if these do not divide
evenly. Any other node has the channels of its widest target (Ying et al., ICML 2019, arXiv
1902.09635, section S1). So the order of the nodes matters.
"""

from __future__ import annotations

from collections.abc import Sequence

from brpnas.errors import ConfigurationError

__all__ = ["node_channels"]


def node_channels(sources: Sequence[int], channels_in: int, channels_out: int) -> list[int]:
    """Channels of each node of a cell, from the bits of the sources of each node.

    Raises:
        ConfigurationError: If there are fewer channels than nodes to share them.

    Examples:
        >>> node_channels([0b0, 0b1, 0b1, 0b1, 0b1110], 128, 256)
        [128, 86, 85, 85, 256]
    """
    last = len(sources) - 1
    sharing = [node for node in range(1, last) if sources[last] >> node & 1]
    if len(sharing) > channels_out:
        raise ConfigurationError(
            f"A cell of {channels_out} channels cannot be shared by the {len(sharing)} sources of "
            f"its output: set channels to {len(sharing)} or more."
        )
    channels = [0] * len(sources)
    channels[0], channels[last] = channels_in, channels_out
    for rank, node in enumerate(sharing):
        channels[node] = channels_out // len(sharing) + (rank < channels_out % len(sharing))
    for node in reversed(range(1, last)):
        if node not in sharing:
            channels[node] = max(
                channels[target] for target in range(node + 1, last) if sources[target] >> node & 1
            )
    return channels

"""Sizes of the network that is built around a cell: the same few numbers for every space."""

from __future__ import annotations

from dataclasses import dataclass

from brpnas.errors import ConfigurationError

__all__ = ["NetworkConfig"]


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network around the cell; the defaults are those of NAS-Bench-201 on CIFAR-10.

    What a stage is, and what joins two of them, is a matter of the space: see its ``build``.

    Args:
        channels: Channels of the first stage; every later stage doubles them.
        cells_per_stage: Cells in each stage.
        stages: Number of stages; between two of them the image is halved.
        input_shape: Channels, height and width of an image.
        classes: Number of logits.
        executes_dead_ops: True holds all operations of a cell, as benchmarks train and count them.
            False holds only those on a path from input to output: the same function, without the
            parameters and the work that cannot reach the output.

    Raises:
        ConfigurationError: If a size is not positive.
    """

    channels: int = 16
    cells_per_stage: int = 5
    stages: int = 3
    input_shape: tuple[int, int, int] = (3, 32, 32)
    classes: int = 10
    executes_dead_ops: bool = True

    def __post_init__(self) -> None:
        sizes = (self.channels, self.cells_per_stage, self.stages, self.classes)
        if len(self.input_shape) != 3 or min(*sizes, *self.input_shape) < 1:
            raise ConfigurationError(
                f"{self} is not a network: channels, cells_per_stage, stages and classes must be 1 "
                "or more, and input_shape three sizes (channels, height, width) of 1 or more."
            )

"""Sizes of the network around a cell, the same few numbers for every space."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from brpnas.errors import ConfigurationError

__all__ = ["SIZE_PATTERN", "NetworkConfig"]

SIZE_PATTERN = (
    r"^channels=(\d{1,6}) +cells_per_stage=(\d{1,6}) +stages=(\d{1,6}) "
    r"+input_shape=(\d{1,6})x(\d{1,6})x(\d{1,6}) +classes=(\d{1,9})$"
)
"""Pattern of `NetworkConfig.size`."""

_EXAMPLE = "channels=16 cells_per_stage=5 stages=3 input_shape=3x32x32 classes=10"


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network around the cell; the defaults are those of NAS-Bench-201 on CIFAR-10.

    Stages and their connections depend on the space: see its ``build``.

    Args:
        channels: Channels of the first stage; every later stage doubles them.
        cells_per_stage: Cells in each stage.
        stages: Number of stages; the image is halved between two of them.
        input_shape: Channels, height and width of an image.
        classes: Number of logits.
        executes_dead_ops: True keeps all operations of a cell, as benchmarks train and count them.
            False keeps only those on a path from input to output: the same function with fewer
            parameters and operations.

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
                f"{self} is not a network: all sizes must be 1 or more, and input_shape must be "
                "(channels, height, width)."
            )

    @property
    def as_exported(self) -> NetworkConfig:
        """The same size without dead operations, as networks are trained and exported."""
        return replace(self, executes_dead_ops=False)

    @property
    def size(self) -> str:
        """The size as written in tables, catalogues and predictor files, without dead operations.

        Examples:
            >>> NetworkConfig(channels=8).size
            'channels=8 cells_per_stage=5 stages=3 input_shape=3x32x32 classes=10'
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)[:-1]}
        values["input_shape"] = "x".join(map(str, self.input_shape))
        return " ".join(f"{name}={value}" for name, value in values.items())

    @classmethod
    def of_size(cls, text: str) -> NetworkConfig:
        """Read the text of `size`; without dead operations.

        Raises:
            ConfigurationError: If the text is malformed.
        """
        match = re.fullmatch(SIZE_PATTERN, text.strip())
        if match is None:
            raise ConfigurationError(
                f"{text!r} is not the size of a network; an example: {_EXAMPLE!r}."
            )
        channels, cells, stages, colours, height, width, classes = map(int, match.groups())
        return cls(channels, cells, stages, (colours, height, width), classes, False)

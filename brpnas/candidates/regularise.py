"""Drop path and an auxiliary head in training, for networks that have them.

A network supports drop path if it has a number ``drop_path`` to set, and an auxiliary head if it
has the methods of `HasAuxiliary`; those of the space `darts` do
(`brpnas.spaces.darts.build.DartsNetwork`), those of one's own space may.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.errors import ConfigurationError

__all__ = [
    "DropsPaths",
    "HasAuxiliary",
    "begin_epoch",
    "begin_training",
    "end_training",
    "training_loss",
]


@runtime_checkable
class DropsPaths(Protocol):
    """A network that drops the results of operations at random in training.

    Attributes:
        drop_path: Probability of dropping one, for each image.
    """

    drop_path: float


@runtime_checkable
class HasAuxiliary(Protocol):
    """A network that can have a second classifier in training."""

    def add_auxiliary(self) -> None:
        """Add the second classifier, with fresh weights."""

    def remove_auxiliary(self) -> None:
        """Take it away again, with its weights."""

    def forward_auxiliary(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both classifiers, ``[B, classes]``."""


def begin_training(
    network: nn.Module, drop_path: float, auxiliary_weight: float, space: str
) -> None:
    """Check that the network has what is asked for, and add the auxiliary head.

    Args:
        network: The network.
        drop_path: Probability of drop path at the end of training.
        auxiliary_weight: Weight of the auxiliary head's loss.
        space: Name of the network's space, for messages.

    Raises:
        ConfigurationError: If it has not.
    """
    if drop_path and not isinstance(network, DropsPaths):
        raise ConfigurationError(
            f"Networks of the space {space!r} have no drop path: set drop_path to 0."
        )
    if auxiliary_weight:
        if not isinstance(network, HasAuxiliary):
            raise ConfigurationError(
                f"Networks of the space {space!r} have no auxiliary head: set auxiliary_weight to "
                "0."
            )
        network.add_auxiliary()


def begin_epoch(network: nn.Module, drop_path: float, progress: float) -> None:
    """Set drop path, which grows linearly with the share of the epochs that are done."""
    if drop_path and isinstance(network, DropsPaths):
        network.drop_path = drop_path * progress


def training_loss(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    auxiliary_weight: float,
    label_smoothing: float,
) -> Tensor:
    """Cross-entropy of a batch, with that of the auxiliary head added."""
    if auxiliary_weight and isinstance(network, HasAuxiliary):
        logits, auxiliary = network.forward_auxiliary(images)
        extra = F.cross_entropy(auxiliary, labels, label_smoothing=label_smoothing)
        main = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        return main + auxiliary_weight * extra
    return F.cross_entropy(network(images), labels, label_smoothing=label_smoothing)


def end_training(network: nn.Module, auxiliary_weight: float) -> None:
    """Take the auxiliary head away, so that weights are those of the plain network."""
    if auxiliary_weight and isinstance(network, HasAuxiliary):
        network.remove_auxiliary()

"""Drop path and an auxiliary head in training.

A network supports drop path with a number ``drop_path`` to set, and an auxiliary head with the
methods of `HasAuxiliary`. Networks of the space `darts` support both
(`brpnas.spaces.darts.build.DartsNetwork`), networks of custom spaces may.
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
    """A network that randomly drops results of operations in training.

    Attributes:
        drop_path: Probability of dropping, per image.
    """

    drop_path: float


@runtime_checkable
class HasAuxiliary(Protocol):
    """A network that can have a second classifier in training."""

    def add_auxiliary(self) -> None:
        """Add the second classifier, with fresh weights."""

    def remove_auxiliary(self) -> None:
        """Remove the second classifier with its weights."""

    def forward_auxiliary(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both classifiers, ``[B, classes]``."""


def begin_training(
    network: nn.Module, drop_path: float, auxiliary_weight: float, space: str
) -> None:
    """Check that the network supports the settings, and add the auxiliary head.

    Args:
        network: The network.
        drop_path: Probability of drop path at the end of training.
        auxiliary_weight: Weight of the auxiliary head's loss.
        space: Name of the network's space, for messages.

    Raises:
        ConfigurationError: If it does not.
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
    """Set drop path, which grows linearly with the share of finished epochs."""
    if drop_path and isinstance(network, DropsPaths):
        network.drop_path = drop_path * progress


def training_loss(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    auxiliary_weight: float,
    label_smoothing: float,
) -> Tensor:
    """Cross-entropy of a batch, plus the weighted loss of the auxiliary head."""
    if auxiliary_weight and isinstance(network, HasAuxiliary):
        logits, auxiliary = network.forward_auxiliary(images)
        extra = F.cross_entropy(auxiliary, labels, label_smoothing=label_smoothing)
        main = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        return main + auxiliary_weight * extra
    return F.cross_entropy(network(images), labels, label_smoothing=label_smoothing)


def end_training(network: nn.Module, auxiliary_weight: float) -> None:
    """Remove the auxiliary head; the weights of the plain network remain."""
    if auxiliary_weight and isinstance(network, HasAuxiliary):
        network.remove_auxiliary()

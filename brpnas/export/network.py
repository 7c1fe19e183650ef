"""ONNX of the network of an architecture.

`export_network` writes a file with initialised weights from an architecture string, for measuring
latency. `export_image_network` writes any network on images, also trained ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from brpnas.atomic import atomic_path
from brpnas.export.onnx import Exporter, export_module
from brpnas.export.parity import check_parity
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, get_space

__all__ = [
    "export_image_network",
    "export_network",
    "initialise_weights",
    "initialised_network",
]

_PERIOD = 251
"""Values in the bank of weights: a prime, so that they repeat in every layout of a tensor too."""
_LINEAR_DEVIATION = 0.01


def export_network(
    arch_id: str,
    path: Path,
    config: NetworkConfig | None = None,
    *,
    space: str = DEFAULT_SPACE,
    seed: int = 0,
    dynamic_batch: bool = False,
    tolerance: float = 1e-5,
    exporter: Exporter = "dynamo",
) -> float:
    """Write the network of an architecture, with initialised weights, as ONNX.

    Input ``image`` float32 ``[1, *config.input_shape]``, output ``logits`` ``[1, classes]``. The
    metadata name the architecture and mark the weights as untrained.

    Args:
        arch_id: Architecture string of the space.
        path: File to write.
        config: Sizes of the network; by default the published ones of the space, without dead
            operations.
        space: Name of the search space.
        seed: Decides the weights.
        dynamic_batch: Leave the batch size open instead of fixing it to 1.
        tolerance: Largest error allowed against torch; deep networks round more.
        exporter: See `brpnas.export.onnx.Exporter`.

    Returns:
        Largest error against torch.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.
        UnknownNameError: If the space is unknown.
        ConfigurationError: If the space has no networks.
        ParityError: If the outputs of the file differ from the network's.
    """
    known = get_space(space)
    arch_id = known.canonical(arch_id)
    config = config or known.published.as_exported
    network = initialised_network(arch_id, config, space=space, seed=seed)
    metadata = {
        "arch_id": arch_id,
        "space": space,
        "weights": f"initialised, not trained (seed {seed})",
        "executes_dead_ops": json.dumps(config.executes_dead_ops),
    }
    return export_image_network(
        network,
        path,
        config.input_shape,
        metadata,
        dynamic_batch=dynamic_batch,
        tolerance=tolerance,
        exporter=exporter,
    )


def initialised_network(
    arch_id: str, config: NetworkConfig, *, space: str = DEFAULT_SPACE, seed: int = 0
) -> nn.Module:
    """The network of an architecture with initialised weights, in evaluation mode.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.
        ConfigurationError: If the space has no networks.
    """
    # Torch's own initialisation draws from the global state.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = get_space(space).build(arch_id, config)
        initialise_weights(network, config.input_shape, seed)
    return network


def export_image_network(
    network: nn.Module,
    path: Path,
    input_shape: tuple[int, int, int],
    metadata: Mapping[str, str],
    *,
    dynamic_batch: bool = False,
    tolerance: float = 1e-5,
    exporter: Exporter = "dynamo",
) -> float:
    """Write a network from ``image`` float32 ``[B, *input_shape]`` to ``logits`` as ONNX.

    The file is published only with the outputs of the network; ``input_shape`` is added to its
    metadata.

    Returns:
        Largest error against torch.

    Raises:
        ParityError: If the outputs of the file differ from the network's.
    """
    noise = torch.Generator().manual_seed(0)
    images = torch.randn(3, *input_shape, generator=noise)
    feeds = [{"image": images[:size]} for size in ((1, 3) if dynamic_batch else (1,))]
    described = {"input_shape": json.dumps([1, *input_shape]), **metadata}
    with atomic_path(path) as partial:
        export_module(
            network,
            partial,
            feeds[0],
            "logits",
            dynamic_batch=dynamic_batch,
            metadata=described,
            exporter=exporter,
        )
        return check_parity(network, partial, feeds, tolerance)


def initialise_weights(
    network: nn.Module, input_shape: tuple[int, int, int], seed: int, batch: int = 16
) -> None:
    """Draw the weights of a network in place, deterministic in the seed.

    Convolutions have the deviation of He et al. (arXiv 1502.01852), linear layers 0.01. The
    statistics of batch normalisation come from one batch of noise. Without these, a cell of skip
    connections multiplies its input by four, fifteen times over: the logits grow too large to
    compare or quantise. Other layers keep their weights.

    Weights repeat a bank of random values, turned by another angle in each layer, and the channels
    of a normalisation share one variance. So exported files, where both are often multiplied,
    compress about thirty times, and no two layers are equal (a runtime would merge them).
    """
    generator = torch.Generator().manual_seed(seed)
    bank = torch.randn(_PERIOD, generator=generator)
    bank = (bank - bank.mean()) / bank.std()
    normalisations: list[nn.BatchNorm2d] = []
    layers = 0
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _fill(layer, bank.roll(layers) * (-1) ** (layers // _PERIOD))
            layers += 1
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
            normalisations.append(layer)
    momenta = [layer.momentum for layer in normalisations]
    for layer in normalisations:
        layer.momentum = 1.0
    noise: Tensor = torch.randn(batch, *input_shape, generator=generator)
    with torch.no_grad():
        network.train()(noise)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum
        if layer.running_var is not None:
            layer.running_var.fill_(layer.running_var.mean().item())
    network.eval()


@torch.no_grad()
def _fill(layer: nn.Conv2d | nn.Linear, bank: Tensor) -> None:
    """Repeat values of deviation 1 in a layer, scaled to the deviation of its kind."""
    weight = layer.weight
    deviation = _LINEAR_DEVIATION
    if isinstance(layer, nn.Conv2d):
        fan_out = weight.shape[0] * weight[0, 0].numel() // layer.groups
        deviation = math.sqrt(2 / fan_out)
    elif layer.bias is not None:
        layer.bias.zero_()
    times = -(-weight.numel() // len(bank))
    weight.copy_((bank * deviation).repeat(times)[: weight.numel()].view_as(weight))

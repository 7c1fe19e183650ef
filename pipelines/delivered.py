"""The delivered network file, made in the same way by `search` for timing and by `export`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from torch import nn

from brpnas.candidates import TrainedNetworkFile, export_trained
from brpnas.export import export_network, initialised_network
from brpnas.spaces import NetworkConfig
from pipelines.config import ExportConfig

__all__ = ["network_module", "network_onnx"]


def network_onnx(
    arch_id: str, trained: bytes, space: str, network: NetworkConfig, config: ExportConfig
) -> tuple[bytes, float]:
    """The network of an architecture as ONNX, and its largest error against torch.

    Args:
        arch_id: The architecture.
        trained: Its trained network (`brpnas.candidates.TrainedNetworkFile`); empty for initial
            weights.
        space: Name of the space.
        network: Size of the network.
        config: Parameters of `export`.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        if trained:
            file = TrainedNetworkFile.from_bytes(trained)
            error = export_trained(file, path, tolerance=config.tolerance)
        else:
            error = export_network(
                arch_id,
                path,
                network,
                space=space,
                seed=config.seed,
                dynamic_batch=True,
                tolerance=config.tolerance,
            )
        return path.read_bytes(), error


def network_module(
    arch_id: str, trained: bytes, space: str, network: NetworkConfig, config: ExportConfig
) -> nn.Module:
    """The torch module of the file of `network_onnx`; the same arguments.

    Raises:
        SchemaError: If the trained network is damaged.
    """
    if trained:
        return TrainedNetworkFile.from_bytes(trained).module()
    return initialised_network(arch_id, network, space=space, seed=config.seed)

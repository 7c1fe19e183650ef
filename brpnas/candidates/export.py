"""ONNX of a trained network, with complete metadata for its users."""

from __future__ import annotations

import json
from pathlib import Path

from brpnas.candidates.weights import TrainedNetworkFile
from brpnas.export import export_image_network

__all__ = ["export_trained"]


def export_trained(
    trained: TrainedNetworkFile,
    path: Path,
    *,
    tolerance: float = 1e-5,
) -> float:
    """Write a trained network as ONNX.

    Input ``image`` float32 ``[B, C, H, W]``, output ``logits`` ``[B, classes]``. The metadata
    contain ``preprocessing`` (complete; its numbers also as ``pixel_scale``, ``mean``, ``std``),
    ``label_names``, the origin of the weights, and the accuracies as JSON: ``valid_accuracy``,
    ``valid_balanced_accuracy``, ``test_accuracy``, ``test_balanced_accuracy``. After a final
    training the first two are named ``search_valid_...``, because they belong to the network of the
    search, and the unknown test accuracies are left out.

    Args:
        trained: The network.
        path: File to write.
        tolerance: Largest allowed error.

    Returns:
        Largest error against torch.

    Raises:
        ParityError: If the file differs from the network.
    """
    parts = ", training and validation images" if trained.final else ""
    search = "search_" if trained.final else ""
    figures = {
        f"{search}valid_accuracy": trained.valid_accuracy,
        f"{search}valid_balanced_accuracy": trained.valid_balanced_accuracy,
        "test_accuracy": trained.test_accuracy,
        "test_balanced_accuracy": trained.test_balanced_accuracy,
    }
    metadata = {
        "arch_id": trained.arch_id,
        "space": trained.space,
        "weights": f"trained on {trained.dataset}{parts}, {trained.epochs} epochs, seed "
        f"{trained.seed}",
        **{name: json.dumps(value) for name, value in figures.items() if value is not None},
        "preprocessing": json.dumps(trained.preprocessing()),
        "pixel_scale": json.dumps(trained.pixel_scale),
        "mean": json.dumps(trained.mean),
        "std": json.dumps(trained.std),
        "label_names": json.dumps(trained.label_names),
    }
    return export_image_network(
        trained.module(),
        path,
        trained.network.input_shape,
        metadata,
        dynamic_batch=True,
        tolerance=tolerance,
    )

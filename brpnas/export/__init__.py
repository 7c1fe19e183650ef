"""ONNX files of predictors and of architectures, checked against torch, with a model card.

`export_predictor` writes a graph predictor, `export_device_predictor` one with intervals,
`export_network` the network of an architecture. A file is published only if ONNX Runtime gives the
outputs of torch. `export_module` and `check_parity` do this for any other module. `model_card`
writes the page of a file.
"""

from brpnas.export.card import Attribution, ModelCard, model_card
from brpnas.export.interface import TensorSpec, describe_model, with_metadata
from brpnas.export.network import (
    export_image_network,
    export_network,
    initialise_weights,
    initialised_network,
)
from brpnas.export.onnx import OPSET, Exporter, export_module
from brpnas.export.parity import check_parity
from brpnas.export.predictors import export_device_predictor, export_predictor, graph_feeds

__all__ = [
    "OPSET",
    "Attribution",
    "Exporter",
    "ModelCard",
    "TensorSpec",
    "check_parity",
    "describe_model",
    "export_device_predictor",
    "export_image_network",
    "export_module",
    "export_network",
    "export_predictor",
    "graph_feeds",
    "initialise_weights",
    "initialised_network",
    "model_card",
    "with_metadata",
]

"""The predictor of `fit_device`: a metric of a device with calibrated intervals.

It has the interface of `brpnas.predictors.MetricPredictor`, so search, export and command line
take either; `brpnas.predictors.load_predictor` reads both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.stats
import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from torch import Tensor, nn

from brpnas.datasets.metrics import LATENCY_MS, MEASURED_PATTERN
from brpnas.errors import SchemaError
from brpnas.graphs import DEVICE_VIEWS, SpaceGraphs, View
from brpnas.predictors.ensemble import GraphEnsemble, Members, Vocabulary
from brpnas.predictors.files import (
    check_finite,
    checked,
    part,
    read_file,
    refuse_file,
    write_file,
)
from brpnas.predictors.training import single_thread
from brpnas.predictors.transfer.features import both_views
from brpnas.predictors.transfer.folds import FoldNetworks
from brpnas.predictors.transfer.kernel import Posterior
from brpnas.predictors.transfer.prior import PriorFeatures, SavedFeatures, saved_hyperparameters
from brpnas.spaces.network import SIZE_PATTERN
from brpnas.typed import Finite, Fraction

__all__ = ["DevicePredictor"]

_CHUNK = 1024
_KIND = "device_latency"
_PLAIN = (
    "weight",
    "view",
    "factor",
    "coverage",
    "method",
    "errors",
    "rows",
    "space",
    "known",
    "metric",
)
"""Attributes written unchanged."""
_PROCESS = ("weights", "whiten", "left_out", "left_out_variance")
"""Tensors of the Gaussian process besides its hyperparameters and features."""


class _DeviceModule(nn.Module):
    """Both views of a cell to the metric and its interval."""

    def __init__(self, predictor: DevicePredictor) -> None:
        super().__init__()
        self.features: PriorFeatures = predictor.features
        self.posterior = predictor.posterior
        self.networks = predictor.networks
        self.ensemble = None if self.networks is None else self.networks.ensemble
        self.weight, self.view, self.factor = predictor.weight, predictor.view, predictor.factor

    def logarithms(
        self, pruned_ops: Tensor, pruned_adj: Tensor, raw_ops: Tensor, raw_adj: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log of the metric and its deviation, float64, each of shape ``[B]``."""
        views = (pruned_ops, pruned_adj, raw_ops, raw_adj)
        mean, variance = self.posterior.predict(self.features(*views))
        if self.ensemble is not None and self.networks is not None:
            own = views[:2] if self.view == "pruned" else views[2:]
            predicted = self.ensemble(*own).double() * self.networks.scale + self.networks.location
            mean = (1 - self.weight) * mean + self.weight * predicted
        return mean, variance.sqrt()

    def forward(
        self, pruned_ops: Tensor, pruned_adj: Tensor, raw_ops: Tensor, raw_adj: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The metric, lower and upper bound in its unit, each of shape ``[B]``."""
        mean, deviation = self.logarithms(pruned_ops, pruned_adj, raw_ops, raw_adj)
        width = self.factor * deviation
        bounds = (mean, mean - width, mean + width)
        return tuple(torch.exp(x).float() for x in bounds)  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class DevicePredictor:
    """Predicts a metric of cells on one device, with intervals.

    Args:
        features: Features of cells.
        posterior: Gaussian process conditioned on the rows.
        networks: Networks of the device alone, if used.
        weight: Weight of the networks in the logarithm of the metric.
        view: View closest to the execution on the device.
        factor: Half width of an interval, in predicted deviations.
        coverage: Nominal coverage of the intervals.
        method: Way of prediction.
        errors: Mean absolute error of the logarithm on left-out rows, by method.
        rows: Number of training rows.
        space: Name of the search space.
        known: Names of the known devices of the prior.
        left_out: The metric of each row, predicted by the others, shape ``[n]``, in the order of
            the rows; NaN for rows outside the process.
        metric: Name of the metric, one of `brpnas.datasets.MEASURED`.
        network_size: Size of the measured networks (`NetworkConfig.size`); None if unknown.
    """

    features: PriorFeatures
    posterior: Posterior
    networks: FoldNetworks | None
    weight: float
    view: View
    factor: float
    coverage: float
    method: str
    errors: dict[str, float]
    rows: int
    space: str
    known: tuple[str, ...]
    left_out: npt.NDArray[np.float64] = field(repr=False)
    metric: str = LATENCY_MS
    network_size: str | None = None

    @property
    def views(self) -> tuple[View, ...]:
        """Views of a cell to read."""
        return DEVICE_VIEWS

    @property
    def history(self) -> pd.DataFrame:
        """Losses by member and epoch: none, since training is not stopped by validation rows."""
        columns = {"member": "int64", "epoch": "int64"}
        columns |= {"train_loss": "float64", "valid_loss": "float64"}
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})

    def module(self) -> nn.Module:
        """Torch module of both views to the metric, lower and upper bound, for export."""
        return _DeviceModule(self).eval()

    def metadata(self) -> dict[str, str]:
        """Metadata of an exported file."""
        found = {
            "coverage": repr(self.coverage),
            "method": self.method,
            "learnt_rows": str(self.rows),
        }
        return found | ({"network_size": self.network_size} if self.network_size else {})

    def predict(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
        """The metric of every architecture in its unit, shape ``[N]``."""
        return np.asarray(np.exp(self._logarithms(graphs)[0]))

    def intervals(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
        """The metric, lower and upper bound of every architecture, shape ``[N, 3]``."""
        mean, deviation = self._logarithms(graphs)
        width = self.factor * deviation
        return np.asarray(np.exp(np.stack([mean, mean - width, mean + width], axis=1)))

    def deviations(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
        """Standard deviation of the logarithm of each prediction, shape ``[N]``.

        Calibrated: a normal distribution of this deviation has the same interval.
        """
        inside = float(scipy.stats.norm.ppf((1 + self.coverage) / 2))
        return np.asarray(self._logarithms(graphs)[1] * self.factor / inside)

    def _logarithms(
        self, graphs: SpaceGraphs
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        self.features.check_graphs(graphs.views)
        inputs, module = both_views(graphs.views), _DeviceModule(self).eval()
        with torch.inference_mode(), single_thread():
            parts = [
                torch.stack(module.logarithms(*(x[i : i + _CHUNK] for x in inputs)))
                for i in range(0, max(1, len(graphs)), _CHUNK)
            ]
        mean, deviation = torch.cat(parts, dim=1).numpy()
        return mean, deviation

    def digest(self) -> str:
        """Short hash of the predictions; the bytes of a file also depend on its metadata."""
        metadata, tensors = self._parts()
        found = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
        for name, values in sorted(tensors.items()):
            found.update(name.encode() + values.numpy().tobytes())
        return found.hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""
        write_file(path, _KIND, *self._parts())

    def _parts(self) -> tuple[dict[str, object], dict[str, Tensor]]:
        metadata, tensors = self.features.parts()
        metadata |= {name: getattr(self, name) for name in _PLAIN}
        metadata |= {"devices": self.features.network.devices, "mean": self.posterior.mean}
        metadata |= {"network_size": self.network_size} if self.network_size else {}
        process = self.posterior
        tensors |= {f"settings.{k}": v for k, v in process.hyperparameters.tensors().items()}
        tensors |= {f"rows.{g}": x for g, x in enumerate(process.features)}
        tensors |= {f"process.{name}": getattr(process, name) for name in _PROCESS}
        tensors["left_out"] = torch.from_numpy(self.left_out)
        if self.networks is not None:
            own = self.networks
            metadata["networks"] = {
                "config": asdict(own.ensemble.config),
                "members": len(own.ensemble.members),
                "num_ops": own.ensemble.num_ops,
                "location": own.location,
                "scale": own.scale,
            }
            tensors |= {f"networks.{k}": v for k, v in own.ensemble.state_dict().items()}
            tensors["folds.left_out"] = torch.from_numpy(own.left_out)
        return metadata, tensors

    @classmethod
    def load(cls, path: Path) -> DevicePredictor:
        """Read the file of `save`.

        Raises:
            SchemaError: If the file is not such a predictor.
        """
        metadata, tensors = read_file(path, _KIND)
        saved = checked(path, metadata, _Saved)
        check_finite(path, tensors, but=("left_out",))
        try:
            predictor = cls._of(path, saved, tensors)
            answers = predictor.module()(*_probe(saved.num_nodes, saved.num_ops))
        except (KeyError, TypeError, IndexError, ValueError, RuntimeError) as error:
            if isinstance(error, SchemaError):
                raise
            refuse_file(path, str(error), error)
        if not all(bool(torch.isfinite(answer).all()) for answer in answers):
            refuse_file(path, "its outputs are not finite")
        return predictor

    @classmethod
    def _of(cls, path: Path, saved: _Saved, tensors: Mapping[str, Tensor]) -> DevicePredictor:
        features = PriorFeatures.of_parts(path, saved, tensors, saved.devices)
        rows = [tensors[f"rows.{g}"] for g in range(len(features.groups))]
        process = {name: tensors[f"process.{name}"] for name in _PROCESS}
        hyperparameters = saved_hyperparameters(tensors, len(rows))
        networks = None
        if saved.networks is not None:
            own, weights = saved.networks, part(tensors, "networks")
            ensemble = GraphEnsemble.of_saved(path, own.config, own.num_ops, own.members, weights)
            left_out = tensors["folds.left_out"].numpy()
            networks = FoldNetworks(ensemble, own.location, own.scale, left_out)
        plain = {name: getattr(saved, name) for name in _PLAIN} | {"known": tuple(saved.known)}
        return cls(
            features,
            Posterior(hyperparameters, rows, saved.mean, **process),
            networks,
            left_out=tensors["left_out"].numpy(),
            network_size=saved.network_size,
            **plain,
        )


class _SavedNetworks(BaseModel):
    """Metadata of `FoldNetworks` in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    config: dict[str, JsonValue]
    members: Members
    num_ops: Vocabulary
    location: float = Field(ge=-50, le=50)
    scale: float = Field(gt=0, le=50)


class _Saved(SavedFeatures):
    """Metadata of the file."""

    devices: int = Field(gt=0, le=1000)
    mean: float = Field(ge=-50, le=50)
    networks: _SavedNetworks | None = None
    weight: Fraction
    view: View
    factor: Finite
    coverage: float = Field(gt=0, lt=1)
    method: str
    errors: dict[str, Finite]
    rows: int = Field(gt=0)
    space: str
    known: list[str]
    metric: str = Field(LATENCY_MS, pattern=MEASURED_PATTERN)
    network_size: str | None = Field(None, pattern=SIZE_PATTERN)


def _probe(num_nodes: int, num_ops: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A graph in both views: operations in turn, each reading all before it."""
    ops = torch.arange(num_nodes)[None] % num_ops
    adj = torch.triu(torch.ones(1, num_nodes, num_nodes))
    return ops, adj, ops, adj

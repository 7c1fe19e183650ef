"""The prior of a new device, learnt from known devices.

`fit_prior` learns a `DevicePrior` from latency tables of known devices, and `fit_device` adapts it
to a new one. A shared network gives every cell features. The weights of these and of the graph are
learnt by treating each known device as new.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.graphs import DEVICE_VIEWS, GraphBatch, SpaceGraphs, View
from brpnas.predictors.ensemble import Vocabulary
from brpnas.predictors.files import (
    SavedModel,
    as_config,
    check_finite,
    checked,
    count_parts,
    part,
    read_file,
    refuse_file,
    write_file,
)
from brpnas.predictors.metric import check_positive
from brpnas.predictors.training import single_thread
from brpnas.predictors.transfer.features import GraphFeatures, both_views
from brpnas.predictors.transfer.kernel import DeviceRows, Hyperparameters, learn_hyperparameters
from brpnas.predictors.transfer.known import MOST_CELLS, CellNumbers, KnownLatency
from brpnas.predictors.transfer.known_device import LEAST_ROWS, DeviceAnswers, measure_answers
from brpnas.predictors.transfer.shared_network import (
    SharedNetwork,
    SharedNetworkConfig,
    train_shared_network,
)
from brpnas.spaces.network import SIZE_PATTERN
from brpnas.typed import Count

__all__ = [
    "KNOWN_GROUPS",
    "LIKE_GROUP",
    "DevicePrior",
    "PriorFeatures",
    "SavedFeatures",
    "fit_prior",
    "saved_hyperparameters",
]

KNOWN_GROUPS = ("devices", "mean_device", "known_latency")
"""Groups of features from known devices; all others come from the graph alone."""
LIKE_GROUP = "like"
"""The group with the latency of the one known device that the new one follows, if any."""

_DEVICE_ROWS = 120
_TWINS = 0.99
_KIND = "device_prior"


class PriorFeatures(nn.Module):
    """Features of cells for the kernel, from the graph and from known devices.

    Args:
        graph: Features of the graph.
        network: Shared network.
        known: Measured latency of known devices; None without tables.
        columns: Devices of the network in use.
        like: Device that the new one follows, a position in ``columns``; its latency is an
            additional group.
    """

    def __init__(
        self,
        graph: GraphFeatures,
        network: SharedNetwork,
        known: KnownLatency | None,
        columns: Sequence[int],
        like: int | None = None,
    ) -> None:
        super().__init__()
        self.graph, self.network, self.known = graph, network, known
        self.columns, self.like = list(columns), like

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""
        names = (*self.graph.groups, *KNOWN_GROUPS)
        return names if self.like is None else (*names, LIKE_GROUP)

    def resembling(self, like: int) -> PriorFeatures:
        """The same features with the latency of one known device as last group."""
        same = PriorFeatures(self.graph, self.network, self.known, self.columns, like)
        same.eval()
        return same

    def forward(
        self, pruned_ops: Tensor, pruned_adj: Tensor, raw_ops: Tensor, raw_adj: Tensor
    ) -> list[Tensor]:
        """Features of each group, float64, each of shape ``[B, width]``."""
        views = (pruned_ops, pruned_adj, raw_ops, raw_adj)
        predicted, residual = self._known(views)
        width = max(1, len(self.columns)) ** 0.5
        mean = (
            predicted.mean(dim=1, keepdim=True)
            if self.columns
            else predicted.sum(dim=1, keepdim=True)
        )
        scale = 1.0 if self.known is None else self.known.scale
        groups = [*self.graph(*views), predicted / width, mean, residual / (scale * width)]
        if self.like is not None:
            groups.append((predicted + residual).narrow(1, self.like, 1))
        return [group.double() for group in groups]

    def latencies(self, views: Mapping[View, GraphBatch]) -> Tensor:
        """Standardised log latency on each device: measured if known, else of the shared network.

        Returns:
            Float64, shape ``[N, columns]``.
        """
        with torch.inference_mode(), single_thread():
            predicted, residual = self._known(both_views(views))
        return (predicted + residual).double().clone()

    def _known(self, views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Prediction of the shared network for each device, and the residual of measurements."""
        # Selected, not indexed: an index becomes transposes in ONNX, and ONNX Runtime before 1.17
        # fuses these with products available in float32 only.
        columns = torch.tensor(self.columns, dtype=torch.int64)
        predicted = self.network(*views).index_select(1, columns)
        if self.known is None:
            return predicted, torch.zeros_like(predicted)
        return predicted, self.known(views[2]).index_select(1, columns)

    def parts(self) -> tuple[dict[str, object], dict[str, Tensor]]:
        """Metadata, and tensors by name, for `of_parts`."""
        metadata: dict[str, object] = {
            "columns": self.columns,
            "like": self.like,
            "num_nodes": self.graph.num_nodes,
            "num_ops": self.graph.num_ops,
            "config": asdict(self.network.config),
        }
        tensors = {f"graph.{k}": v for k, v in self.graph.state_dict().items()}
        tensors |= {f"network.{k}": v for k, v in self.network.state_dict().items()}
        if self.known is not None:
            tensors |= {"known.table": self.known.table}
            tensors |= {"known.choices": self.known.numbers.choices}
        return metadata, tensors

    @classmethod
    def of_parts(
        cls, path: Path, saved: SavedFeatures, tensors: Mapping[str, Tensor], devices: int
    ) -> PriorFeatures:
        """Rebuild from `parts`; other tensors are ignored.

        Raises:
            SchemaError: If these contradict one another.
        """
        config = as_config(path, saved.config, SharedNetworkConfig)
        _check_sizes(path, saved, config, tensors, devices)
        graph = GraphFeatures(saved.num_nodes, saved.num_ops)
        graph.load_state_dict(part(tensors, "graph"))
        with torch.random.fork_rng(devices=[]):  # these weights will be overwritten
            network = SharedNetwork(graph.num_ops, devices, config)
        network.load_state_dict(part(tensors, "network"))
        known = None
        if "known.table" in tensors:
            numbers = CellNumbers(tensors["known.choices"].numpy())
            known = KnownLatency(numbers, tensors["known.table"])
        features = cls(graph, network, known, saved.columns, saved.like)
        features.eval()
        return features

    def check_graphs(self, views: Mapping[View, GraphBatch]) -> None:
        """Check that graphs are of the space of the features.

        Raises:
            SchemaError: If they have other nodes or operations.
        """
        sizes = (self.graph.num_nodes, self.graph.num_ops)
        for name in DEVICE_VIEWS:
            found = (views[name].num_nodes, views[name].num_ops)
            if found != sizes:
                raise SchemaError(
                    f"The predictor knows graphs of {sizes[0]} nodes and {sizes[1]} operations, "
                    f"these have {found[0]} and {found[1]}: it was made in another space. Name "
                    "the space of the predictor, or make one for this space."
                )

    def of(self, views: Mapping[View, GraphBatch], chunk: int = 4096) -> list[Tensor]:
        """Features of any number of graphs, given in both views.

        Raises:
            SchemaError: If they have other nodes or operations than the features.
        """
        self.check_graphs(views)
        inputs = both_views(views)
        with torch.inference_mode(), single_thread():
            parts = [
                self(*(x[i : i + chunk] for x in inputs))
                for i in range(0, max(1, len(inputs[0])), chunk)
            ]
        return [torch.cat(group).clone() for group in zip(*parts, strict=True)]


@dataclass(frozen=True, eq=False)
class DevicePrior:
    """Knowledge of known devices about a new one.

    Args:
        space: Name of the search space.
        devices: Names of the known devices.
        features: Features of cells, of all devices.
        hyperparameters: Hyperparameters of the kernel, the centre for a new device.
        config: Size and schedule of the shared network.
        network_sizes: Size of the measured networks of each device (`NetworkConfig.size`); empty if
            all are of the published size.
        answers: Scale and error of each device, None without held-out rows; empty in files of
            earlier versions.
    """

    space: str
    devices: tuple[str, ...]
    features: PriorFeatures
    hyperparameters: Hyperparameters
    config: SharedNetworkConfig
    network_sizes: tuple[str, ...] = ()
    answers: tuple[DeviceAnswers | None, ...] = ()

    def without(self, devices: Collection[str]) -> DevicePrior:
        """A prior without the features of some devices.

        The shared network was trained on them too: to test adaptation to one of them honestly,
        learn a prior without it.
        """
        kept = [c for c in self.features.columns if self.devices[c] not in devices]
        features = PriorFeatures(
            self.features.graph, self.features.network, self.features.known, kept
        )
        kept_features: PriorFeatures = features.eval()
        return replace(self, features=kept_features)

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""
        metadata, tensors = self.features.parts()
        metadata |= {"space": self.space, "devices": self.devices}
        metadata |= {"network_sizes": self.network_sizes} if self.network_sizes else {}
        if self.answers:
            metadata["answers"] = [one and asdict(one) for one in self.answers]
        tensors |= {f"settings.{k}": v for k, v in self.hyperparameters.tensors().items()}
        write_file(path, _KIND, metadata, tensors)

    @classmethod
    def load(cls, path: Path) -> DevicePrior:
        """Read the file of `save`.

        Raises:
            SchemaError: If the file is not such a prior.
        """
        metadata, tensors = read_file(path, _KIND)
        saved = checked(path, metadata, _Saved)
        check_finite(path, tensors)
        try:
            features = PriorFeatures.of_parts(path, saved, tensors, len(saved.devices))
            hyperparameters = saved_hyperparameters(tensors, len(features.groups))
        except (KeyError, TypeError, IndexError, ValueError, RuntimeError) as error:
            if isinstance(error, SchemaError):
                raise
            refuse_file(path, str(error), error)
        devices, config = tuple(saved.devices), features.network.config
        sizes = tuple(saved.network_sizes)
        answers = tuple(saved.answers)
        for values, what in ((sizes, "sizes of networks"), (answers, "scales")):
            if values and len(values) != len(devices):
                refuse_file(path, f"{len(values)} {what} for {len(devices)} devices")
        return cls(saved.space, devices, features, hyperparameters, config, sizes, answers)


class SavedFeatures(SavedModel):
    """Metadata of `PriorFeatures` in a file."""

    columns: list[Count]
    like: Count | None = None
    num_nodes: int = Field(gt=1, le=127)
    num_ops: Vocabulary


class _Saved(SavedFeatures):
    """Metadata of the file of a prior."""

    space: str
    devices: list[str] = Field(min_length=1, max_length=1000)
    network_sizes: list[Annotated[str, Field(pattern=SIZE_PATTERN)]] = Field(
        default_factory=list, max_length=1000
    )
    answers: list[DeviceAnswers | None] = Field(default_factory=list, max_length=1000)


def saved_hyperparameters(tensors: Mapping[str, Tensor], groups: int) -> Hyperparameters:
    """Hyperparameters of a kernel in a file.

    Raises:
        TypeError: If one is missing or unknown.
        ValueError: If a shape does not match the number of groups.
    """
    hyperparameters = Hyperparameters(**part(tensors, "settings"))
    for name, value in hyperparameters.tensors().items():
        wanted = () if name in ("constant", "noise", "joint") else (groups,)
        if tuple(value.shape) != wanted or value.dtype != torch.float64:
            raise ValueError(f"settings.{name} is of shape {tuple(value.shape)}")
    return hyperparameters


def _check_sizes(
    path: Path,
    saved: SavedFeatures,
    config: SharedNetworkConfig,
    tensors: Mapping[str, Tensor],
    devices: int,
) -> None:
    """Compare the claims of the metadata with the tensors of the file."""
    nothing = torch.empty(0, 0)
    embedding = tensors.get("network.pruned.embedding.weight", nothing)
    layer = tensors.get("network.pruned.convolutions.0.weight", nothing)
    fits = (
        tuple(embedding.shape) == (saved.num_ops, config.hidden)
        and layer.numel() == 2 * config.hidden**2
        and count_parts(tensors, "network.pruned.convolutions.") == config.layers
        and tensors.get("network.pruned.head.bias", nothing).numel() == devices
        and set(saved.columns) <= set(range(devices))
        and (saved.like is None or saved.like < len(saved.columns))
    )
    if fits and "known.table" in tensors:
        choices, table = tensors["known.choices"], tensors["known.table"]
        rows = math.prod(choices.sum(dim=1).clamp(min=1).tolist())
        fits = (
            choices.dtype == torch.bool
            and tuple(choices.shape) == (saved.num_nodes, saved.num_ops)
            and tuple(table.shape) == (rows, devices)
            and rows <= MOST_CELLS
        )
    if not fits:
        refuse_file(path, "its metadata claim other sizes than its tensors")


def fit_prior(
    graphs: SpaceGraphs,
    tables: Mapping[str, pd.DataFrame],
    config: SharedNetworkConfig,
    *,
    held_out: Mapping[str, pd.DataFrame] | None = None,
    keep_tables: bool = True,
    seed: int = 0,
    progress: bool = False,
) -> DevicePrior:
    """Learn a prior from known devices.

    Args:
        graphs: The space.
        tables: Latency table of each known device, columns ``arch_id, latency_ms``.
        config: Size and schedule of the shared network.
        held_out: Further rows of the devices, to measure the error of the network on.
        keep_tables: Keep the measured latencies: predictions for similar devices improve, but the
            file then holds the tables.
        seed: Decides weights, order and rows.
        progress: Show a progress bar.

    Raises:
        ConfigurationError: If fewer than two devices are given.
        SchemaError: If a table is empty, or a latency is not positive and finite.
        UnknownNameError: If a table names an unknown cell.
    """
    if len(tables) < 2:
        raise ConfigurationError(f"A prior needs at least two known devices, not {len(tables)}.")
    devices = tuple(tables)
    log = _log_latency(graphs, tables)
    location, scale = np.nanmean(log, axis=0), np.nanstd(log, axis=0)
    targets = (log - location) / np.maximum(scale, 1e-6)
    inputs, num_ops = both_views(graphs.views), graphs.view("raw").num_ops
    network, _ = train_shared_network(
        inputs, targets, num_ops, config, seed=seed, progress=progress
    )
    graph = GraphFeatures(graphs.view("raw").num_nodes, num_ops)
    graph.fit(graphs.views)
    known = _known(graphs, network, targets) if keep_tables else None
    features = PriorFeatures(graph, network, known, range(len(devices))).eval()
    hyperparameters = learn_hyperparameters(_device_rows(graphs, features, log, seed))
    answers = _answers(graphs, network, log, held_out or {}, devices)
    return DevicePrior(graphs.space, devices, features, hyperparameters, config, answers=answers)


def _log_latency(
    graphs: SpaceGraphs, tables: Mapping[str, pd.DataFrame]
) -> npt.NDArray[np.float64]:
    """Log latency of every cell on every device, NaN where unknown, shape ``[N, devices]``."""
    log = np.full((len(graphs), len(tables)), np.nan)
    for column, (device, table) in enumerate(tables.items()):
        latency = table["latency_ms"].to_numpy(np.float64)
        if not len(latency):
            raise SchemaError(f"The latency table of {device} has 0 rows.")
        check_positive(latency, f"of {device} ")
        log[graphs.rows(table["arch_id"].tolist()), column] = np.log(latency)
    return log


def _answers(
    graphs: SpaceGraphs,
    network: SharedNetwork,
    log: npt.NDArray[np.float64],
    held_out: Mapping[str, pd.DataFrame],
    devices: Sequence[str],
) -> tuple[DeviceAnswers | None, ...]:
    """Scale and error of each device with enough held-out rows."""
    tables = {d: held_out[d] for d in devices if d in held_out and len(held_out[d]) >= LEAST_ROWS}
    tested = dict(zip(tables, _log_latency(graphs, tables).T, strict=True))
    with torch.inference_mode(), single_thread():
        outputs = network(*both_views(graphs.views)).double().numpy()
    connected = graphs.view("pruned").connected
    found: list[DeviceAnswers | None] = []
    for column, device in enumerate(devices):
        if device not in tested:
            found.append(None)
            continue
        own, rows = log[:, column], np.flatnonzero(np.isfinite(tested[device]))
        found.append(
            measure_answers(
                outputs[rows, column],
                tested[device][rows],
                float(np.nanmean(own)),
                max(float(np.nanstd(own)), 1e-6),
                unconnected=bool((np.isfinite(own) & ~connected).any()),
            )
        )
    return tuple(found)


def _known(
    graphs: SpaceGraphs, network: SharedNetwork, targets: npt.NDArray[np.float64]
) -> KnownLatency | None:
    raw = graphs.view("raw")
    numbers = CellNumbers.of(raw)
    if numbers is None:
        return None
    with torch.inference_mode(), single_thread():
        predicted = network(*both_views(graphs.views)).numpy()
        places = numbers(torch.from_numpy(raw.ops.astype(np.int64))).clone()
    residual = np.nan_to_num(targets - predicted)
    table = torch.zeros(numbers.size, targets.shape[1])
    table[places] = torch.from_numpy(residual.astype(np.float32))
    return KnownLatency(numbers, table)


def _device_rows(
    graphs: SpaceGraphs, features: PriorFeatures, log: npt.NDArray[np.float64], seed: int
) -> list[DeviceRows]:
    """Each known device as if it were new, without itself and its near duplicates."""
    alike = pd.DataFrame(log).corr(method="spearman", min_periods=30).to_numpy()
    rng, found = np.random.default_rng(seed), []
    for device in range(log.shape[1]):
        measured = np.flatnonzero(np.isfinite(log[:, device]))
        rows = rng.choice(measured, min(_DEVICE_ROWS, len(measured)), replace=False)
        others = [c for c in range(log.shape[1]) if c != device and not alike[c, device] > _TWINS]
        some = PriorFeatures(features.graph, features.network, features.known, others)
        views = {name: graphs.view(name)[rows] for name in DEVICE_VIEWS}
        found.append(DeviceRows(some.eval().of(views), torch.from_numpy(log[rows, device])))
    return found

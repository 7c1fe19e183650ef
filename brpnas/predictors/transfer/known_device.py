"""The latency of a device that a prior knows, without any measurement.

The shared network of a prior has an output for each known device. `predict_known` turns it into ms
with the error to expect, which `measure_answers` has measured on cells that the network did not
learn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from brpnas.errors import ArchitectureError, SchemaError, UnknownNameError
from brpnas.metrics import spearman, within
from brpnas.predictors.training import single_thread
from brpnas.predictors.transfer.features import both_views
from brpnas.spaces import get_space
from brpnas.typed import Finite, Fraction

if TYPE_CHECKING:
    from brpnas.graphs import SpaceGraphs
    from brpnas.predictors.transfer.prior import DevicePrior

__all__ = ["LEAST_ROWS", "DeviceAnswers", "known_device", "measure_answers", "predict_known"]

COVERAGE = 0.9
LEAST_ROWS = 20
"""Fewest held-out rows to measure an error on."""


@dataclass(frozen=True)
class DeviceAnswers:
    """Scale of the shared network for a known device, and its error on held-out cells.

    Attributes:
        location: Offset in ``log(latency / ms) = output * scale + location``.
        scale: Factor in the same formula.
        rows: Number of held-out cells.
        median: Median of ``|predicted / measured - 1|``.
        within_10: Share of the cells predicted within ±10 %.
        spearman: Rank correlation; None if undefined.
        width: Half width of the interval of `COVERAGE`, in log latency.
        unconnected: Whether cells without a path from input to output were measured.
    """

    location: Annotated[float, Field(ge=-50, le=50)]
    scale: Annotated[float, Field(ge=0, le=50)]
    rows: Annotated[int, Field(ge=LEAST_ROWS)]
    median: Finite
    within_10: Fraction
    spearman: Annotated[float, Field(ge=-1, le=1)] | None
    width: Annotated[float, Field(ge=0, le=50)]
    unconnected: bool


def measure_answers(
    predicted: npt.NDArray[np.float64],
    log: npt.NDArray[np.float64],
    location: float,
    scale: float,
    *,
    unconnected: bool,
) -> DeviceAnswers:
    """Measure the error on held-out cells.

    Args:
        predicted: Output of the network for each cell, shape ``[n]``, at least `LEAST_ROWS`.
        log: Log of the measured latency in ms, shape ``[n]``.
        location: See `DeviceAnswers`.
        scale: See `DeviceAnswers`.
        unconnected: See `DeviceAnswers`.
    """
    errors = predicted * scale + location - log
    relative = np.abs(np.expm1(errors))
    order = spearman(predicted, log)
    level = min(1.0, COVERAGE * (1 + 1 / len(log)))
    return DeviceAnswers(
        location,
        scale,
        len(log),
        float(np.median(relative)),
        within(np.exp(errors), np.ones(len(log)), 0.1),
        None if np.isnan(order) else order,
        float(np.quantile(np.abs(errors), level)),
        unconnected,
    )


def known_device(
    prior: DevicePrior, device: str, network_size: str | None = None
) -> tuple[DeviceAnswers, str]:
    """Scale and error of a known device, and the size of its measured networks.

    Args:
        prior: The prior.
        device: Name of the device.
        network_size: Size of the networks to predict; None for that of the device.

    Raises:
        SchemaError: If the prior holds no scales, or the networks have another size.
        UnknownNameError: If the prior does not know the device.
    """
    named = dict(zip(prior.devices, prior.answers, strict=False))
    if not named:
        raise SchemaError(
            "This prior holds no scale and no error of its devices: an earlier version made it. "
            "Learn it again: kedro run --pipelines=ingest,featurise,pretrain."
        )
    found = named.get(device)
    if found is None:
        known = [name for name, answers in named.items() if answers is not None]
        raise UnknownNameError("device of the prior", device, known)
    sizes = prior.network_sizes or (get_space(prior.space).published.size,) * len(named)
    size = sizes[prior.devices.index(device)]
    if network_size is not None and network_size != size:
        raise SchemaError(
            f"{device} was measured with networks of the size {size}, so the prior knows nothing "
            f"about those of the size {network_size}. Measure some of these: brpnas devices add."
        )
    return found, size


def predict_known(
    prior: DevicePrior, device: str, graphs: SpaceGraphs, *, network_size: str | None = None
) -> npt.NDArray[np.float64]:
    """Latency of architectures on a known device, by the shared network alone.

    Measured latencies in the prior are not used: the stated error holds for every architecture.

    Args:
        prior: The prior.
        device: Name of the device.
        graphs: The architectures.
        network_size: Size of their networks; None for that of the device.

    Returns:
        Latency, lower and upper bound in ms, shape ``[N, 3]``.

    Raises:
        SchemaError: See `known_device`; or if the graphs are of another space.
        UnknownNameError: If the prior does not know the device.
        ArchitectureError: If an architecture has no path from input to output, and the tables of
            the device held none of this kind.
    """
    answers, _ = known_device(prior, device, network_size)
    prior.features.check_graphs(graphs.views)
    dead = np.flatnonzero(~graphs.view("pruned").connected)
    if len(dead) and not answers.unconnected:
        raise ArchitectureError(
            f"{graphs.arch_ids[dead[0]]} has no path from input to output, and no such "
            f"architecture was measured on {device}: its latency is unknown."
        )
    with torch.inference_mode(), single_thread():
        outputs = prior.features.network(*both_views(graphs.views)).double().numpy()
    mean = outputs[:, prior.devices.index(device)] * answers.scale + answers.location
    bounds = [mean, mean - answers.width, mean + answers.width]
    return np.asarray(np.exp(np.stack(bounds, axis=1)))

"""AdamW on the one-cycle schedule, for parameters in one vector.

Equal to `torch.optim.AdamW` with `torch.optim.lr_scheduler.OneCycleLR`, in a tenth of their time
for small networks. Also, the classes of `torch.optim` import a compiler at first use, for seconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.optim.adamw import adamw

from brpnas.predictors.gradients import FlatParameters

__all__ = ["OneCycleAdamW", "one_cycle"]

_START, _END = 1 / 25, 1 / 25 / 1e4
"""Learning rates of the first and the last step, in units of the peak."""
_MOMENTUM, _LEAST_MOMENTUM = 0.95, 0.85
"""Momentum at the ends, and at the peak of the learning rate."""


def one_cycle(peak: float, steps: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Learning rate and momentum of each step (Smith & Topin, arXiv 1708.07120).

    The rate rises to the peak in a tenth of the steps and falls for the others, each along half a
    cosine; the momentum does the opposite.
    """
    total = max(3, steps)
    top = max(0.1 * total, 2) - 1
    step = np.arange(steps)
    rising = step <= top
    way = np.where(rising, 1 - step / top, (step - top) / (total - 1 - top))
    height = (1 + np.cos(np.pi * way)) / 2
    foot = peak * np.where(rising, _START, _END)
    return foot + (peak - foot) * height, _MOMENTUM + (_LEAST_MOMENTUM - _MOMENTUM) * height


class OneCycleAdamW:
    """AdamW (Loshchilov & Hutter, ICLR 2019) with a one-cycle schedule; only matrices decay.

    Args:
        parameters: Parameters with their gradients.
        peak: Highest learning rate.
        weight_decay: Of matrices, in units of the learning rate.
        steps: Number of steps of the schedule.
    """

    def __init__(
        self, parameters: FlatParameters, peak: float, weight_decay: float, steps: int
    ) -> None:
        self.parameters, self.weight_decay = parameters, weight_decay
        self._schedule = zip(*(x.tolist() for x in one_cycle(peak, steps)), strict=True)
        self._mean = torch.zeros_like(parameters.values)
        self._square = torch.zeros_like(parameters.values)
        self._done = torch.zeros(())

    def step(self) -> None:
        """Change the parameters by their gradients."""
        rate, momentum = next(self._schedule)
        self.parameters.matrices.mul_(1 - rate * self.weight_decay)
        adamw(
            [self.parameters.values],
            [self.parameters.slopes],
            [self._mean],
            [self._square],
            [],
            [self._done],
            fused=True,
            amsgrad=False,
            beta1=momentum,
            beta2=0.999,
            lr=rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

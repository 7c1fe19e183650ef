from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from brpnas.predictors.gradients import FlatParameters
from brpnas.predictors.optimiser import OneCycleAdamW, one_cycle


def torch_pair(
    network: nn.Module, peak: float, decay: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """The optimiser and the schedule of torch with the same settings."""
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    total = max(3, steps)
    optimiser = torch.optim.AdamW(groups, lr=peak)
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=total, pct_start=max(0.1, 2 / total)
    )


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 19, 20, 21, 400])
def test_the_schedule_is_that_of_torch(steps: int) -> None:
    optimiser, schedule = torch_pair(nn.Linear(2, 2), 0.3, 0.0, steps)
    expected = []
    for _ in range(steps):
        group = optimiser.param_groups[0]
        expected.append((group["lr"], group["betas"][0]))
        optimiser.step()
        schedule.step()
    np.testing.assert_allclose(np.transpose(one_cycle(0.3, steps)), expected, rtol=1e-9, atol=1e-12)


def test_the_steps_are_those_of_torch() -> None:
    torch.manual_seed(0)
    mine, theirs = nn.Linear(5, 4), nn.Linear(5, 4)
    theirs.load_state_dict(mine.state_dict())
    flat = FlatParameters(mine)
    ours = OneCycleAdamW(flat, 0.05, 0.3, 40)
    optimiser, schedule = torch_pair(theirs, 0.05, 0.3, 40)
    for step in range(40):
        slopes = torch.randn(24, generator=torch.Generator().manual_seed(step))
        flat.slopes.copy_(slopes)
        theirs.weight.grad, theirs.bias.grad = slopes[:20].view(4, 5), slopes[20:]
        with torch.no_grad():
            ours.step()
        optimiser.step()
        schedule.step()
    assert (mine.weight - nn.Linear(5, 4).weight).abs().max() > 0.1
    torch.testing.assert_close(mine.state_dict(), theirs.state_dict(), rtol=1e-5, atol=1e-6)


def test_training_does_not_import_the_compiler_of_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from brpnas.predictors import PairwiseRanker\n"
        "from brpnas.testing.cells import TINY, random_cells\n"
        "PairwiseRanker(TINY, 1).fit(random_cells('raw', 20), np.arange(20.0), 0)\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

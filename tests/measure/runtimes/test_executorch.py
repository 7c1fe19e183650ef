from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brpnas.measure.runtimes import ExecuTorch
from tests.measure.runtimes.networks import TINY, cell_network, installed

EVEN = replace(TINY, input_shape=(1, 8, 8))


@pytest.mark.slow
def test_xnnpack_takes_the_whole_network(tmp_path: Path) -> None:
    runtime = installed(ExecuTorch())
    image = torch.zeros(1, *EVEN.input_shape)  # XNNPACK pools no odd border
    (file,) = runtime.convert(cell_network(3, 2, 4, 1, 0, 3, size=EVEN), image, tmp_path)
    from executorch.exir._serialize._program import deserialize_pte_binary  # noqa: PLC0415

    (plan,) = deserialize_pte_binary(file.read_bytes()).program.execution_plan
    assert [delegate.id for delegate in plan.delegates] == ["XnnpackBackend"]
    assert plan.operators == []

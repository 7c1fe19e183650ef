from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from brpnas.measure.runtimes import LiteRt
from tests.measure.runtimes.networks import TINY, cell_network, installed


@pytest.mark.slow
def test_int8_keeps_image_and_logits_in_float32(tmp_path: Path) -> None:
    runtime = installed(LiteRt(precision="int8"))
    image = torch.zeros(1, *TINY.input_shape)
    (file,) = runtime.convert(cell_network(3, 2, 4, 1, 0, 3), image, tmp_path)
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - an extra

    network = Interpreter(str(file))
    ends = [*network.get_input_details(), *network.get_output_details()]
    assert [end["dtype"] for end in ends] == [np.float32, np.float32]
    assert any(one["dtype"] == np.int8 for one in network.get_tensor_details())

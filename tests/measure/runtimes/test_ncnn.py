from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from brpnas.errors import MeasurementError
from brpnas.measure.runner import SOFTWARE, seeded_image
from brpnas.measure.runtimes import Ncnn
from tests.measure.runtimes.networks import installed


def test_an_odd_border_is_no_padding(tmp_path: Path) -> None:
    network = nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True), nn.Flatten()).eval()
    image = seeded_image((1, 1, 5, 5), 0)
    files = installed(Ncnn()).convert(network, torch.from_numpy(image), tmp_path)
    run = SOFTWARE["ncnn"].load([str(file) for file in files], image, 1, "cpu", "fp32")
    torch.testing.assert_close(torch.from_numpy(run()), network(torch.from_numpy(image)))


def test_a_crash_of_the_converter_fails_one_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = installed(Ncnn())
    monkeypatch.setattr("pnnx.EXEC_PATH", "/bin/false")
    with pytest.raises(MeasurementError, match=r"pnnx\b.*\b1\b"):
        runtime.convert(nn.Conv2d(1, 2, 3).eval(), torch.zeros(1, 1, 5, 5), tmp_path)

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from brpnas.errors import BrpNasError, ParityError
from brpnas.export import check_parity, export_module
from brpnas.export.parity import open_session


class Affine(nn.Module):
    def __init__(self, scale: float, shift: float = 0.0) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.tensor(scale)), shift

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.scale + self.shift).sum(1)


class Rooted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0].sqrt()


class SizeBaked(nn.Module):
    """Depends on the batch size in Python code; a recording of one run loses this."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1) * (2.0 if len(x) > 3 else 1.0)


FEEDS = [{"x": torch.linspace(0.1, 1, 4 * size).reshape(size, 4)} for size in (1, 3, 9)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    export_module(Affine(2.0), path, FEEDS[0], "y", exporter="torchscript")
    return path


def test_the_exported_module_agrees(path: Path) -> None:
    assert 0.0 <= check_parity(Affine(2.0), path, FEEDS) < 1e-6


def test_a_wrong_model_fails(path: Path) -> None:
    with pytest.raises(ParityError, match=r"model\.onnx differs .* allowed"):
        check_parity(Affine(2.001), path, FEEDS)


def test_the_error_is_absolute_below_one_and_relative_above(path: Path) -> None:
    small = [{"x": torch.full((2, 4), 1e-3)}]
    assert check_parity(Affine(2.0, 1e-3), path, small, tolerance=1) == pytest.approx(
        4e-3, rel=1e-3
    )
    large = [{"x": torch.full((2, 4), 100.0)}]
    assert check_parity(Affine(2.5), path, large, tolerance=1) == pytest.approx(0.2, rel=1e-3)


def test_the_tolerance_decides(path: Path) -> None:
    module = Affine(2.0, 1e-3)
    assert check_parity(module, path, FEEDS, tolerance=1e-2) > 1e-3
    with pytest.raises(ParityError, match="1e-04 allowed"):
        check_parity(module, path, FEEDS, tolerance=1e-4)


def test_the_worst_feed_counts(path: Path) -> None:
    good, bad = {"x": torch.zeros(1, 4)}, {"x": torch.ones(1, 4)}
    for feeds in ([good, bad], [bad, good]):
        with pytest.raises(ParityError):
            check_parity(Affine(3.0), path, feeds)


def test_a_missing_number_is_an_error_unless_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "root.onnx"
    negative = [{"x": torch.full((2, 4), -1.0)}]
    export_module(Rooted(), path, negative[0], "y", exporter="torchscript")
    assert check_parity(Rooted(), path, negative) == 0.0
    with pytest.raises(ParityError):
        check_parity(Affine(1.0), path, negative)


def test_a_batch_lost_in_recording_is_found(tmp_path: Path) -> None:
    path = tmp_path / "baked.onnx"
    export_module(SizeBaked(), path, FEEDS[0], "y", exporter="torchscript")
    assert check_parity(SizeBaked(), path, FEEDS[:2]) < 1e-6
    with pytest.raises(ParityError, match="batch of 9"):
        check_parity(SizeBaked(), path, FEEDS)


def test_a_fixed_batch_is_found(tmp_path: Path) -> None:
    path = tmp_path / "fixed.onnx"
    export_module(Affine(2.0), path, FEEDS[1], "y", dynamic_batch=False)
    assert check_parity(Affine(2.0), path, FEEDS[1:2]) < 1e-6
    with pytest.raises(ParityError, match="cannot run"):
        check_parity(Affine(2.0), path, FEEDS)


def test_another_shape_is_found(path: Path) -> None:
    with pytest.raises(ParityError, match="shape"):
        check_parity(nn.Identity(), path, FEEDS)


def test_no_feed_proves_nothing(path: Path) -> None:
    with pytest.raises(ParityError, match=r"model\.onnx .*feed"):
        check_parity(Affine(2.0), path, [])


def test_a_corrupt_file_is_refused(path: Path) -> None:
    path.write_bytes(b"not a model")
    with pytest.raises(BrpNasError, match="cannot run"):
        check_parity(Affine(2.0), path, FEEDS)


def test_training_mode_of_the_module_does_not_matter(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.9), nn.BatchNorm1d(4)).train()
    path = tmp_path / "m.onnx"
    export_module(module, path, FEEDS[0], "y", exporter="torchscript")
    assert check_parity(module, path, FEEDS) < 1e-5
    assert module.training


class Twice(nn.Module):
    def __init__(self, second: float = 3.0) -> None:
        super().__init__()
        self.second = second

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.sum(1), self.second * x[:, 0]


class TestSeveralOutputs:
    @pytest.fixture
    def two(self, tmp_path: Path) -> Path:
        path = tmp_path / "two.onnx"
        export_module(Twice(), path, FEEDS[0], ("first", "second"), exporter="torchscript")
        return path

    def test_all_agree(self, two: Path) -> None:
        assert [x.name for x in open_session(two).get_outputs()] == ["first", "second"]
        assert 0 <= check_parity(Twice(), two, FEEDS) < 1e-6

    def test_a_wrong_second_one_is_found(self, two: Path) -> None:
        with pytest.raises(ParityError, match=r"two\.onnx differs"):
            check_parity(Twice(3.01), two, FEEDS)
        assert check_parity(Twice(3.01), two, FEEDS, tolerance=0.1) == pytest.approx(
            0.01 / 3.01, rel=1e-3
        )

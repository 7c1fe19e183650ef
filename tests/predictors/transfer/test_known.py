"""Numbers of cells, and look-ups by them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from brpnas.graphs import GraphBatch
from brpnas.predictors.transfer.known import CellNumbers, KnownLatency
from tests.predictors.toys import cells, codes, rows_of


def raw_ops(rows: np.ndarray | slice = slice(None)) -> torch.Tensor:
    return torch.from_numpy(cells().view("raw").ops[rows].astype(np.int64))


def batch(ops: list[list[int]], num_ops: int = 6) -> GraphBatch:
    array = np.array(ops, np.int8)
    return GraphBatch(array, np.zeros((*array.shape, array.shape[1]), np.int8), num_ops)


@pytest.fixture(scope="module")
def numbers() -> CellNumbers:
    found = CellNumbers.of(cells().view("raw"))
    assert found is not None
    return found


class TestNumbers:
    def test_every_cell_has_its_own(self, numbers: CellNumbers) -> None:
        found = numbers(raw_ops())
        assert found.shape == (15_625,)
        assert found.dtype == torch.int64
        assert sorted(found.tolist()) == list(range(15_625))
        assert numbers.size == 15_625

    def test_are_the_digits_of_the_cell_in_base_five(self, numbers: CellNumbers) -> None:
        rows = rows_of(200)
        batch_codes = cells().view("raw").ops[rows][:, 2:8].astype(int) - 4
        expected = [int("".join(map(str, digits)), 5) for digits in batch_codes]
        assert numbers(raw_ops(rows)).tolist() == expected
        # the same operations as the string has, in whichever order
        np.testing.assert_array_equal(np.sort(batch_codes), np.sort(codes()[rows]))

    def test_are_the_same_from_what_is_saved(self, numbers: CellNumbers) -> None:
        again = CellNumbers(numbers.choices.numpy())
        assert torch.equal(again(raw_ops()), numbers(raw_ops()))
        assert again.size == numbers.size

    def test_do_not_depend_on_the_order_of_cells(self, numbers: CellNumbers) -> None:
        mixed = CellNumbers.of(cells().view("raw")[rows_of(len(cells()))])
        assert mixed is not None
        assert torch.equal(mixed(raw_ops()), numbers(raw_ops()))

    def test_of_nodes_with_different_choices(self) -> None:
        ops = [[1, a, b] for a in (2, 5) for b in (3, 4, 5)]
        numbers = CellNumbers.of(batch(ops))
        assert numbers is not None
        assert numbers(torch.tensor(ops)).tolist() == list(range(6))
        assert numbers.size == 6

    def test_part_of_a_space_leaves_gaps(self) -> None:
        ops = [[1, 2, 3], [1, 5, 4], [1, 5, 5]]
        numbers = CellNumbers.of(batch(ops))
        assert numbers is not None
        assert numbers.size == 6
        assert numbers(torch.tensor(ops)).tolist() == [0, 4, 5]


class TestNone:
    def test_where_two_cells_have_the_same_operations(self) -> None:
        assert CellNumbers.of(cells().view("pruned")) is None
        assert CellNumbers.of(batch([[1, 2, 3], [1, 3, 3], [1, 2, 3]])) is None

    def test_where_a_table_would_be_too_large(self) -> None:
        wide = np.random.default_rng(0).integers(0, 12, (500, 6)).tolist()
        assert CellNumbers.of(batch(wide, num_ops=12)) is None  # 12^6 is about three million
        assert CellNumbers.of(batch([row[:5] for row in wide], num_ops=12)) is not None


def test_deviations_are_looked_up_by_cell(numbers: CellNumbers) -> None:
    rows = rows_of(300, seed=1)
    deviations = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    table = torch.zeros(numbers.size, 4)
    table[numbers(raw_ops(rows))] = deviations
    known = KnownLatency(numbers, table)
    assert torch.equal(known(raw_ops(rows)), deviations)
    others = np.setdiff1d(np.arange(len(cells())), rows)
    assert not known(raw_ops(others)).any()
    assert known(raw_ops(rows[:1])).shape == (1, 4)


def test_scale_is_the_deviation_of_what_was_measured(numbers: CellNumbers) -> None:
    table = torch.zeros(numbers.size, 2)
    table[:500, 0] = 3 * torch.randn(500, generator=torch.Generator().manual_seed(0))
    known = KnownLatency(numbers, table)
    assert float(known.scale) == pytest.approx(float(table[:500, 0].std()))
    assert float(KnownLatency(numbers, torch.zeros(numbers.size, 2)).scale) > 0

"""Contract tests of search spaces, samplers and predictors, to subclass in the tests of your own.

Each class tests the contract of one kind of object. A subclass whose name starts with ``Test``
names the object, and pytest runs all tests on it. Needs pytest: the extra ``testing``.

- `SearchSpaceContract`: a `brpnas.spaces.SearchSpace`.
- `SamplerContract`: a `brpnas.search.Sampler`; `OnOpenSpace` on a sampled pool,
  `WithReevaluations` with second evaluations of the leaders.
- `PredictorContract`: a predictor trained on graphs, with files.

Examples:
    >>> from brpnas.testing import SearchSpaceContract
    >>> class TestMySpace(SearchSpaceContract):
    ...     name = "docs/examples/chain_space.py"
    ...     size, neighbours = 8**5, 5 * 7
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brpnas.front_door import front_door

if TYPE_CHECKING:
    from brpnas.testing.predictors import PredictorContract
    from brpnas.testing.samplers import OnOpenSpace, SamplerContract, WithReevaluations
    from brpnas.testing.spaces import SearchSpaceContract

__all__ = [
    "OnOpenSpace",
    "PredictorContract",
    "SamplerContract",
    "SearchSpaceContract",
    "WithReevaluations",
]

for _module in ("predictors", "samplers", "spaces"):
    pytest.register_assert_rewrite(f"brpnas.testing.{_module}")

__getattr__, __dir__ = front_door(__name__, __file__)

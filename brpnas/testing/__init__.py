"""Contract tests of search spaces, samplers and predictors, to subclass in the tests of your own.

Each class tests the contract of one kind of object. A subclass whose name starts with ``Test``
names the object, and pytest runs all tests on it. Needs pytest: the extra ``testing``.

- `SearchSpaceContract`: a `brpnas.spaces.SearchSpace`.
- `SamplerContract`: a `brpnas.search.Sampler`; `OnOpenSpace` on a sampled pool,
  `WithReevaluations` with second evaluations of the leaders.
- `PredictorContract`: a predictor trained on graphs, with files.

Examples:
    >>> class TestMySpace(SearchSpaceContract):
    ...     name = "docs/examples/chain_space.py"
    ...     size, neighbours = 8**5, 5 * 7
"""

import pytest

for _module in ("predictors", "samplers", "spaces"):
    pytest.register_assert_rewrite(f"brpnas.testing.{_module}")

from brpnas.testing.predictors import PredictorContract  # noqa: E402 - after the registration
from brpnas.testing.samplers import OnOpenSpace, SamplerContract, WithReevaluations  # noqa: E402
from brpnas.testing.spaces import SearchSpaceContract  # noqa: E402

__all__ = [
    "OnOpenSpace",
    "PredictorContract",
    "SamplerContract",
    "SearchSpaceContract",
    "WithReevaluations",
]

"""Contract tests of search spaces and predictors, to subclass in the tests of your own.

Each class tests the contract of one kind of object. A subclass whose name starts with ``Test``
names the object, and pytest runs all tests on it. Needs pytest: the extra ``testing``.

- `SearchSpaceContract`: a `brpnas.spaces.SearchSpace`.
- `PredictorContract`: a predictor trained on graphs, with files.

Examples:
    >>> class TestMySpace(SearchSpaceContract):
    ...     name = "docs/examples/chain_space.py"
    ...     size, neighbours = 8**5, 5 * 7
"""

import pytest

pytest.register_assert_rewrite("brpnas.testing.predictors", "brpnas.testing.spaces")

from brpnas.testing.predictors import PredictorContract  # noqa: E402 - after the registration
from brpnas.testing.spaces import SearchSpaceContract  # noqa: E402

__all__ = ["PredictorContract", "SearchSpaceContract"]

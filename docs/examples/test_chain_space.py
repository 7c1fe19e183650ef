"""Contract tests of the chain space: `pytest docs/examples`, from the root of the repository."""

from brpnas.testing import SearchSpaceContract


class TestChainSpace(SearchSpaceContract):
    """About 40 tests."""

    name = "docs/examples/chain_space.py"
    size = 8**5
    neighbours = 5 * 7  # seven other blocks at each of five places

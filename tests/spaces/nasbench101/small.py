"""The part of NAS-Bench-101 with hashes within a second instead of half a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np

from brpnas.spaces.nasbench101 import hashing
from brpnas.spaces.nasbench101.enumeration import all_keys


@contextmanager
def small_space(nodes: int = 5) -> Iterator[np.ndarray]:
    """Limit `keys_of_hashes` to cells of at most this number of nodes: 2,532 for five."""
    keys = all_keys()[all_keys() >> 32 <= nodes]
    hashing._table.cache_clear()
    with mock.patch.object(hashing, "all_keys", return_value=keys):
        yield keys
    hashing._table.cache_clear()

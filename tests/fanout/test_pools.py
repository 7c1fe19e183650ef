from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brpnas.fanout.pools import process_pool

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import logging, multiprocessing
from brpnas.fanout.pools import process_pool
logging.basicConfig()
print(process_pool(2, multiprocessing.get_context("spawn")))
"""


def test_a_pool_works() -> None:
    pool = process_pool(2, multiprocessing.get_context("spawn"))
    assert pool is not None
    with pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]


def test_without_shared_memory_there_is_none_and_a_warning_says_why() -> None:
    """In a namespace of its own, /dev/shm is read-only."""
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = "mount -t tmpfs -o ro tmpfs /dev/shm"
    try:
        subprocess.run([*alone, mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount anything, even in a namespace of its own")
    done = subprocess.run(
        [*alone, f'{mount} && exec "$@"', "sh", sys.executable, "-c", ASK],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "None"
    assert re.search(r"/dev/shm \(\[Errno 30\]", done.stderr)

"""Pools of processes, where the machine allows them.

`LocalEngine` is for tasks that may kill their worker; a pool of the standard library is for
functions of our own. It needs semaphores, which live in ``/dev/shm``. In a container that may be
read-only or too small.
"""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext

__all__ = ["process_pool"]

_log = logging.getLogger(__name__)


def process_pool(workers: int, context: BaseContext) -> ProcessPoolExecutor | None:
    """A pool of processes; None, with a warning, if the machine gives no semaphore.

    Args:
        workers: Number of processes.
        context: How they are started.
    """
    try:
        return ProcessPoolExecutor(workers, mp_context=context)
    except OSError as error:
        _log.warning(
            "No %d processes side by side: there is no room for semaphores in /dev/shm (%s). The "
            "work is done in this process, with the same results. In a container, enlarge it: "
            "`docker run --shm-size=64m`.",
            workers,
            error,
        )
        return None

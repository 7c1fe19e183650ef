"""Process pools of the standard library, if the machine allows them.

`LocalEngine` is for tasks that may kill their worker; a pool is for our own functions. It needs
semaphores in ``/dev/shm``, which may be read-only or too small in a container.
"""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext

__all__ = ["process_pool"]

_log = logging.getLogger(__name__)


def process_pool(workers: int, context: BaseContext) -> ProcessPoolExecutor | None:
    """A pool of processes; None, with a warning, without semaphores."""
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

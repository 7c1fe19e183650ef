"""Tasks on the workers of a Dask cluster."""

from __future__ import annotations

import functools
import logging
import pkgutil
import reprlib
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from brpnas.errors import ConfigurationError, EngineError, TaskError
from brpnas.fanout._attempt import attempt, attempt_packed, pack, pack_function, unpack
from brpnas.fanout.code import FINGERPRINT
from brpnas.fanout.engine import Engine, TaskRun

__all__ = ["DaskEngine"]

_LARGE = 16_384  # bytes of a function too large to send with every task
_log = logging.getLogger(__name__)


class _Job(NamedTuple):
    """A task, and whether it has no try left."""

    task: Any
    packed: bytes
    is_last: bool = False


class DaskEngine(Engine):
    """Tasks on the workers of a running Dask cluster.

    Dask moves a task to another worker when its worker dies, up to the scheduler's
    ``allowed-failures`` (3 by default). Innocent tasks on the same worker are counted too, so a
    task given up by Dask is retried once, alone.

    Workers may come and go while tasks run; without workers, tasks wait for the first. A closed run
    cancels waiting tasks; running ones finish, and their results are dropped.

    Args:
        scheduler: Address, as ``tcp://10.0.0.1:8786``.
        retries: 0 to give a task up when Dask does.
        resource: Resource of a worker that each task needs one of, as ``GPU`` for workers started
            with ``--resources GPU=1``; None for none.
        timeout_s: Timeout of the connection to the scheduler.

    Raises:
        ConfigurationError: If the extra ``brpnas[cluster]`` is missing, the scheduler does not
            answer, a worker has other code of brpnas than this process, or none has the resource.
    """

    def __init__(
        self,
        scheduler: str,
        retries: int = 2,
        timeout_s: float = 10.0,
        *,
        resource: str | None = None,
    ) -> None:
        self._distributed = _import_distributed()
        self._retries, self._scheduler, self._resource = retries, scheduler, resource
        self._running: dict[str, Any] = {}  # tasks by their key in Dask
        try:
            # First without a Client: an unconnected one delays the exit of Python.
            address = self._distributed.comm.get_address_host_port(scheduler)
            socket.create_connection(address, timeout_s).close()
            self._client = self._distributed.Client(
                scheduler, timeout=timeout_s, set_as_default=False, name="brpnas"
            )
        except TypeError as error:  # distributed lacks certificates
            raise ConfigurationError(
                f"The Dask scheduler at {scheduler!r} wants TLS ({error}). Set the environment "
                "variables DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ..._TLS__CLIENT__CERT and "
                "..._TLS__CLIENT__KEY, see docs/cluster.md."
            ) from error
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"No Dask scheduler answers at {scheduler!r} ({error}). Start one with `dask "
                "scheduler`: it prints its ADDRESS, such as tcp://127.0.0.1:8786. Start workers "
                "with `dask worker ADDRESS --nthreads 1`."
            ) from error
        try:
            self._check_workers("brpnas")
            self._check_resource()
            _log.info(
                "Dask cluster %s; its dashboard with every worker and task: %s",
                *(scheduler, self._client.dashboard_link or "not running"),
            )
            self._client.subscribe_topic("all", self._note_deaths)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection; the cluster is unchanged."""
        self._client.close()

    def start(self, function: Callable[[Any], Any]) -> TaskRun:
        """Start a run without tasks."""
        packed = pack_function(function)
        self._check_workers(_module_of(function))
        sent: Any = packed
        if len(packed) > _LARGE:
            # To each worker once, by a separate task: scattered data are lost with their workers.
            # A small function is sent with every task: fetching it from a dead worker takes Dask
            # half a minute.
            sent = self._client.submit(bytes, packed, pure=False)
        return _DaskRun(self, sent)

    def _check_workers(self, module: str) -> None:
        """Check that all current workers can import a module, and have the same code of brpnas."""
        found = self._ask_workers("brpnas.fanout.code:FINGERPRINT")
        if not found:
            _log.warning("The Dask cluster %s has no workers yet; waiting", self._scheduler)
        wrong = {
            worker: f"cannot import it ({answer})" if _is_error(answer) else f"has {answer}"
            for worker, answer in found.items()
            if answer != FINGERPRINT
        }
        if wrong:
            raise ConfigurationError(
                f"Dask workers need the brpnas of this process, {FINGERPRINT}: {_listed(wrong)}. "
                "Install the same files there, in the environment of `dask worker`, and restart "
                "the workers."
            )
        if module == "__main__":
            raise ConfigurationError(
                "Dask workers cannot import a function of __main__, a script or an interactive "
                "session. Put it into a module installed on every worker."
            )
        names = self._ask_workers(f"{module}:__name__")
        lost = {worker: f"says {name}" for worker, name in names.items() if name != module}
        if lost:
            raise ConfigurationError(
                f"Dask workers cannot import {module}: {_listed(lost)}. Install the same packages "
                "on every worker as here."
            )

    def _check_resource(self) -> None:
        """Check that a current worker has the resource; without workers, tasks wait for it."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if (
            self._resource
            and workers
            and not any(
                worker.get("resources", {}).get(self._resource, 0) >= 1 for worker in workers
            )
        ):
            raise ConfigurationError(
                f"No Dask worker has the resource {self._resource!r}, so no task could run. Start "
                f"workers with `dask worker ADDRESS --nthreads 1 --resources {self._resource}=1`, "
                "or name no resource."
            )

    def _ask_workers(self, name: str) -> dict[str, Any]:
        """The value of a name, or the lookup error, by worker; dying workers are left out."""
        try:
            answers = self._client.run(pkgutil.resolve_name, name, on_error="return")
        except OSError as error:
            raise EngineError(f"The Dask scheduler {self._scheduler} is gone: {error}.") from error
        return {w: answer for w, answer in answers.items() if not isinstance(answer, OSError)}

    def _note_deaths(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Log the death of a worker with one of our tasks; called in the thread of the client."""
        _, message = event
        if message.get("action") != "remove-worker" or message.get("expected"):
            return
        for key in message.get("processing-tasks", ()):
            if key in self._running:
                _log.info(
                    "The Dask worker %s died; its task %s is retried",
                    message.get("worker"),
                    reprlib.repr(self._running[key]),
                )

    def _check_killed(self, future: Any) -> None:
        """Raise unless the task killed its workers: other failures have other causes."""
        if future.status != "error":
            raise EngineError(
                f"The Dask scheduler {self._scheduler} is gone: its connection was lost, or it was "
                "restarted. Earlier results are valid; start it and run this again to continue."
            )
        error = future.exception()
        if isinstance(error, ConfigurationError):
            raise error
        if not isinstance(error, self._distributed.KilledWorker):
            raise EngineError(
                f"A Dask worker cannot run tasks ({type(error).__name__}: {error}). Install the "
                "same brpnas and the same packages on every worker."
            ) from error


class _DaskRun(TaskRun):
    """Tasks on the workers of a cluster."""

    def __init__(self, engine: DaskEngine, function: Any) -> None:
        super().__init__()
        self._engine, self._client, self._function = engine, engine._client, function
        self._jobs: dict[Any, _Job] = {}  # of each future
        self._given_up: deque[_Job] = deque()
        self._ready: deque[tuple[Any, Any]] = deque()
        # With results: they are fetched at once, before their worker can die.
        self._arrivals = engine._distributed.as_completed(
            [], loop=self._client.loop, with_results=True, raise_errors=False
        )

    def _submit(self, tasks: Sequence[Any]) -> None:
        jobs = []
        for task in tasks:
            packed = attempt(pack, task)
            if isinstance(packed, TaskError):
                self._ready.append((task, packed))
            else:
                jobs.append(_Job(task, packed))
        self._map(jobs)

    def _map(self, jobs: Sequence[_Job]) -> None:
        futures = self._client.map(
            _perform,
            [job.packed for job in jobs],
            function=self._function,
            expected=FINGERPRINT,
            pure=False,
            resources={self._engine._resource: 1} if self._engine._resource else None,
        )
        self._jobs.update(zip(futures, jobs, strict=True))
        self._engine._running |= {f.key: job.task for f, job in zip(futures, jobs, strict=True)}
        self._arrivals.update(futures)

    def _next(self) -> tuple[Any, Any]:
        while not self._ready:
            if not self._jobs:  # one alone
                job = self._given_up.popleft()
                _log.info("Dask gave up %s; it is tried once more, alone", reprlib.repr(job.task))
                self._map([job._replace(is_last=True)])
            future, answer = next(self._arrivals)
            job = self._jobs.pop(future)
            self._engine._running.pop(future.key, None)
            if isinstance(answer, bytes):  # valid even if its status is "lost" by now
                self._ready.append((job.task, attempt(unpack, answer)))
                continue
            self._engine._check_killed(future)
            if self._engine._retries and not job.is_last:
                self._given_up.append(job)
            else:
                self._ready.append((job.task, _killed()))
        return self._ready.popleft()

    def close(self) -> None:
        """Cancel the tasks that wait; running ones finish, and their results are dropped."""
        for future in self._jobs:
            self._engine._running.pop(future.key, None)
        if self._jobs and self._client.status == "running":
            self._client.cancel(list(self._jobs), force=True)
        self._jobs = {}


def _import_distributed() -> ModuleType:
    try:
        import distributed  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ConfigurationError(
            "A Dask scheduler needs the package distributed: pip install 'brpnas[cluster]'."
        ) from error
    module: ModuleType = distributed
    return module


def _perform(task: bytes, function: bytes, expected: str) -> bytes:
    """On a worker: one attempt, if it has the same code."""
    if expected != FINGERPRINT:
        raise ConfigurationError(
            f"A new Dask worker has brpnas {FINGERPRINT}, not {expected}; install the same files "
            "there."
        )
    return attempt_packed(_unpack_function(function), task)


@functools.lru_cache(maxsize=2)
def _unpack_function(function: bytes) -> Callable[[Any], Any]:
    unpacked: Callable[[Any], Any] = unpack(function)
    return unpacked


def _module_of(function: Callable[[Any], Any]) -> str:
    """Module of a function, a partial of one, or a callable object, to import on a worker."""
    while isinstance(function, functools.partial):
        function = function.func
    name: str = getattr(function, "__module__", None) or type(function).__module__
    return name


def _killed() -> TaskError:
    return TaskError("The Dask workers of the task died, one after another; see their logs.")


def _is_error(answer: object) -> bool:
    return isinstance(answer, BaseException)


def _listed(answers: Mapping[str, str]) -> str:
    return "; ".join(f"{worker} {answer}" for worker, answer in sorted(answers.items()))

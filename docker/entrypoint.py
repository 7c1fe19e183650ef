"""Entry point of a stage's container: checks of the mounts, then `kedro run` of the stage.

    python entrypoint.py STAGE [ARGUMENTS OF kedro run]

The exit code is that of `kedro run`: 1 with one paragraph for unusable data or configuration, 143
after SIGTERM, ignored by the first process of a container without a handler.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

__all__ = ["complaint", "main"]

_ROOT = Path(__file__).resolve().parent
_STORE = "data/mlflow.db"
_ARTIFACTS = "data/mlartifacts"


def _end(number: int, frame: FrameType | None) -> None:
    """End at once: outside a run nothing needs cleaning up."""
    os._exit(128 + number)


def _mounts() -> set[Path]:
    lines = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    return {Path(line.split()[4]) for line in lines} - {Path("/")}


def _written(data: Path, mounts: set[Path]) -> Iterator[Path]:
    """Paths written by a run; a folder mounted separately may be read-only on purpose."""
    yield data
    for path in sorted(data.iterdir()):
        if path.name == Path(_STORE).name or (path.is_dir() and path not in mounts):
            yield path


def _read(conf: Path) -> Iterator[Path]:
    yield conf
    for folder in sorted(path for path in conf.iterdir() if path.is_dir()):
        yield folder
        yield from sorted(folder.iterdir())


def _refused(path: Path, mode: int) -> bool:
    return not os.access(path, mode | (os.X_OK if path.is_dir() else 0))


def _why(path: Path, what: str) -> str:
    about = path.stat()
    return (
        f"{path} cannot be {what}: it belongs to user {about.st_uid}, group {about.st_gid}, with "
        f"mode {about.st_mode & 0o7777:04o}, and this container runs as user {os.getuid()}, group "
        f"{os.getgid()}."
    )


def complaint(root: Path, mounts: set[Path]) -> str | None:
    """The reason why no run can begin, with its remedy; None if one can.

    Args:
        root: The folder of the project in the container.
        mounts: Mount points.
    """
    data, conf = root / "data", root / "conf"
    if mounts.isdisjoint({data, *data.parents}):
        return (
            f"Nothing is mounted at {data}: the results would be lost with this container. Add "
            f'-v "$PWD/data:{data}" to `docker run`, before the name of the image.'
        )
    for path in _written(data, mounts):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return (
                f"{path} is mounted read-only, but results go there: take `:ro` away from its -v."
            )
        if _refused(path, os.R_OK | os.W_OK):
            return (
                f'{_why(path, "written")} If you are that user, add --user "$(id -u):$(id -g)" to '
                "`docker run`, before the name of the image. If not, give it to the user of the "
                f"container, on the host: sudo chown -R {os.getuid()}:{os.getgid()} data."
            )
    for path in _read(conf):
        if _refused(path, os.R_OK):
            return f"{_why(path, 'read')} Let all read it, on the host: chmod -R a+rX conf."
    if not (conf / "base").is_dir():
        return f"There is no folder {conf / 'base'}: mount the conf of the project, or none."
    return None


def _release() -> None:
    """Make artifact paths of a local MLflow store relative to the project.

    MLflow records absolute paths, which differ between host and container. Relative ones are valid
    in both, for commands in the folder of the project.
    """
    from pipelines.mlflow_store import relocate  # noqa: PLC0415 - after the checks

    relocate(_ROOT / _STORE, _ARTIFACTS, None)


def main(stage: str, arguments: list[str]) -> None:
    """Run a stage as `kedro run` does; ends this process."""
    signal.signal(signal.SIGTERM, _end)
    os.chdir(_ROOT)
    local = not os.environ.get("MLFLOW_TRACKING_URI")
    if not {"--help", "-h"} & set(arguments):
        reason = complaint(_ROOT, _mounts())
        if reason:
            sys.exit(f"Error: {reason}")
        if local:
            _release()
    from kedro.framework.cli import main as kedro  # noqa: PLC0415 - it takes seconds

    sys.argv = ["kedro", "run", f"--pipelines={stage}", *arguments]
    try:
        kedro()
    finally:
        if local:
            _release()  # the first run of a store has noted paths of this container


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

"""Keeps folders of networks on a board. `brpnas.measure.targets.ssh` sends this file over SSH.

Python 3.9 or later and its standard library suffice. Arguments are a command and the id of a
manifest; the folder is ``~/.cache/brpnas/ID``. Each command but `run` prints one line of JSON,
with the key ``error`` if it failed.

    have ID     make the folder; print its files with their hashes; stop a runner left there
    take ID     unpack a tar file from standard input into the folder
    run ID      become the runner of the folder
    drop ID     remove the folder, and folders that nobody has used for a week
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import tarfile
import time
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["main", "sha256"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PID = "runner.pid"
_WEEK_S = 7 * 24 * 3600


def _root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "brpnas"


def _have(folder: Path) -> dict[str, Any]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _stop_runner(folder)
    files = {path.name: sha256(path) for path in folder.iterdir() if _NAME.fullmatch(path.name)}
    return {"files": files}


def sha256(path: Path) -> str:
    """Hash of the content of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stop_runner(folder: Path) -> None:
    """Ask a runner whose link broke to stop after the network under way."""
    try:
        pid = int((folder / _PID).read_text("ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if os.fsencode(folder) in command:
        os.kill(pid, signal.SIGHUP)


def _take(folder: Path, stream: BinaryIO) -> dict[str, Any]:
    part = folder / f".{os.getpid()}.part"
    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None or not _NAME.fullmatch(member.name):
                    return {"error": f"The archive holds {member.name!r:.80}, not a plain file."}
                with part.open("wb") as file:
                    shutil.copyfileobj(content, file)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(folder / member.name)
    except (tarfile.TarError, EOFError) as error:
        return {"error": f"The files arrived damaged ({error}). Run the same command again."}
    finally:
        part.unlink(missing_ok=True)
    return {}


def _run(root: Path, folder: Path) -> None:
    (folder / _PID).write_text(str(os.getpid()), "ascii")  # exec keeps the process
    runner, manifest = str(folder / "runner.py"), str(folder / "manifest.json")
    sys.stdout.flush()
    words = [sys.executable, runner, "run", "--lock", str(root / "lock"), manifest]
    os.execv(sys.executable, words)


def _drop(root: Path, folder: Path) -> dict[str, Any]:
    with (root / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return {"dropped": False}  # another runner works, perhaps in this folder
        for other in root.iterdir():
            if other == folder or (other.is_dir() and _age_s(other) > _WEEK_S):
                shutil.rmtree(other, ignore_errors=True)
    return {"dropped": not folder.exists()}


def _age_s(folder: Path) -> float:
    """Seconds since the last change in a folder."""
    return time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir()))


def main(command: str, manifest: str) -> int:
    """Run a command; 0 if it is done, 2 if it printed an error."""
    root = _root()
    folder = root / manifest
    answer: dict[str, Any] = {"error": f"Unknown command {command!r}."}
    try:
        if command == "have":
            answer = _have(folder)
        elif command == "take":
            answer = _take(folder, sys.stdin.buffer)
        elif command == "run":
            _run(root, folder)
        elif command == "drop":
            answer = _drop(root, folder)
    except OSError as error:
        answer = {
            "error": f"Cannot write {root} ({error.strerror or error}). Make room on that disk, or "
            "permit writing there. Finished rows are safe: run the same command again afterwards."
        }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 2 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A board: an sshd on a host of its own, in a network namespace, with a user and a bare Python.

The sshd dies with the process that made the board. The next `Board` removes what is left of a board
of a dead process.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_PLACE = Path("/tmp")
_PREFIX = "brpnas-board"
_PORT = 2222
_SSHD = Path("/usr/sbin/sshd")
_PYTHON = Path("/usr/bin/python3")


def missing() -> str | None:
    """Reason that no board can be made here."""
    if os.geteuid() != 0:
        return "only root can make a board"
    tools = ("ip", "setpriv", "ssh", "ssh-keygen", "useradd")
    lacking = [name for name in tools if not shutil.which(name)]
    if lacking or not _SSHD.exists():
        return f"{', '.join([*lacking, *(['sshd'] * (not _SSHD.exists()))])} missing"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        return "no network namespaces here"
    code = "import sys; print(sys.version_info[:2])"
    version = subprocess.run([_PYTHON, "-c", code], capture_output=True, text=True, check=False)
    if version.stdout.strip() != str(sys.version_info[:2]):
        return f"{_PYTHON} is another version of Python, and has no packages"
    return None


def _do(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
    return done.stdout


def _text(path: str) -> str:
    """A file of a process; empty if the process is gone."""
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _started(pid: str) -> str:
    """Start of a process in ticks since boot, different for a later one of the same id.

    Empty if the process is dead.
    """
    state, *fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split() or "Z"
    return "" if state == "Z" else fields[18]


def _remove(folder: Path, tag: str) -> None:
    """Remove processes, host, user and files of a board."""
    space = f"ns{tag}"
    inside = subprocess.run(["ip", "netns", "pids", space], capture_output=True, check=False)
    for pid in inside.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    for words in (["ip", "netns", "del", space], ["userdel", "-f", f"board{tag}"]):
        subprocess.run(words, capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the boards of processes that were killed."""
    for folder in _PLACE.glob(f"{_PREFIX}-*-*-*"):
        tag, pid, start = folder.name.removeprefix(f"{_PREFIX}-").split("-")
        if _started(pid) != start:
            _remove(folder, tag)


class Board:
    """A host with address, user and Python; `close` removes everything."""

    def __init__(self) -> None:
        sweep()
        self._tag, owner = secrets.token_hex(3), str(os.getpid())
        tag = self._tag
        self.folder = _PLACE / "-".join((_PREFIX, tag, owner, _started(owner)))
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.home, self.user = self.folder / "home", f"board{tag}"
        self.space, self._near, self._far = f"ns{tag}", f"near{tag}", f"far{tag}"
        self._path = os.environ["PATH"]
        subnet = f"10.{secrets.randbelow(100) + 100}.{secrets.randbelow(250)}"
        self.host = f"{subnet}.2"
        self._sshd: subprocess.Popen[bytes] | None = None
        try:
            self._connect(subnet)
            _do("useradd", "-M", "-d", self.home, "-s", "/bin/bash", "-p", "*", self.user)
            self._furnish()
            self._client()
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """The board as a target, with the bare Python."""
        return f"ssh://{self.user}@{self.host}:{_PORT}/~/venv/bin/python3"

    def _connect(self, subnet: str) -> None:
        _do("ip", "netns", "add", self.space)
        _do("ip", "link", "add", self._near, "type", "veth", "peer", "name", self._far)
        _do("ip", "link", "set", self._far, "netns", self.space)
        _do("ip", "addr", "add", f"{subnet}.1/24", "dev", self._near)
        _do("ip", "link", "set", self._near, "up")
        inside = ("ip", "-n", self.space)
        _do(*inside, "addr", "add", f"{self.host}/24", "dev", self._far)
        _do(*inside, "link", "set", self._far, "up")
        _do(*inside, "link", "set", "lo", "up")

    def _furnish(self) -> None:
        """Home, keys, and a Python with numpy and ONNX Runtime alone."""
        self.home.mkdir()
        _do(_PYTHON, "-m", "venv", "--without-pip", self.home / "venv")
        (packages,) = (self.home / "venv" / "lib").glob("python3*/site-packages")
        for name in ("numpy", "onnxruntime"):
            spec = importlib.util.find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            source = Path(spec.origin).parent
            for part in (source, source.with_name(f"{name}.libs")):
                if part.exists():
                    ignored = shutil.ignore_patterns("__pycache__", "tests", "quantization")
                    shutil.copytree(part, packages / part.name, ignore=ignored)
        for name in ("host", "user", "stranger"):
            _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized")
        _do("chown", "-R", f"{self.user}:", self.home)

    def _client(self) -> None:
        """A client with a configuration of its own, first in the path."""
        (self.folder / "bin").mkdir()
        key = (self.folder / "host.pub").read_text().rsplit(" ", 1)[0]
        self.known = self.folder / "known"
        self.known.write_text(f"[{self.host}]:{_PORT} {key}\n")
        self.config = self.folder / "config"
        self.configure()
        script = self.folder / "bin" / "ssh"
        client = shutil.which("ssh")
        script.write_text(f'#!/bin/sh\nexec {client} -F {shlex.quote(str(self.config))} "$@"\n')
        script.chmod(0o755)
        os.environ["PATH"] = f"{script.parent}{os.pathsep}{self._path}"

    def configure(self, key: str = "user", known: Path | None = None) -> None:
        """Write the configuration of the client."""
        self.config.write_text(
            f"IdentityFile {self.folder / key}\nIdentitiesOnly yes\n"
            f"UserKnownHostsFile {known or self.known}\nGlobalKnownHostsFile /dev/null\n"
        )

    def start(self) -> None:
        """Start sshd."""
        Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {_PORT}\nHostKey {self.folder / 'host'}\nUsePAM no\nStrictModes no\n"
            f"AuthorizedKeysFile {self.folder / 'authorized'}\nPidFile none\n"
            "PasswordAuthentication no\nMaxStartups 100\n"
        )
        log = self.folder / "sshd.log"
        mortal = ("setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self.space)
        self._sshd = subprocess.Popen([*mortal, _SSHD, "-D", "-f", config, "-E", log])
        end = time.monotonic() + 10
        while "Server listening" not in (log.read_text() if log.exists() else ""):
            assert time.monotonic() < end, log.read_text() if log.exists() else "no sshd"
            time.sleep(0.02)

    def kill_sessions(self) -> None:
        """Kill the process of sshd of each connection."""
        assert self._sshd is not None
        pid = self._sshd.pid
        for child in _text(f"/proc/{pid}/task/{pid}/children").split():
            for one in (child, *_text(f"/proc/{child}/task/{child}/children").split()):
                if "sshd" in _text(f"/proc/{one}/cmdline"):
                    with suppress(ProcessLookupError):
                        os.kill(int(one), signal.SIGKILL)

    def cut(self) -> None:
        """Cut the cable."""
        _do("ip", "link", "set", self._near, "down")

    def plug(self) -> None:
        """Connect the cable again."""
        _do("ip", "link", "set", self._near, "up")

    @contextmanager
    def small_disk(self, folder: Path, size: str) -> Iterator[Path]:
        """Mount a small disk on a folder of the board, and yield it as seen from here."""
        assert self._sshd is not None
        folder.mkdir(exist_ok=True)
        _do("chown", f"{self.user}:", folder)
        inside = ("nsenter", "-t", self._sshd.pid, "-m")  # a namespace of mounts too
        options = f"size={size},mode=777"
        _do(*inside, "mount", "-t", "tmpfs", "-o", options, "none", folder)
        try:
            yield Path(f"/proc/{self._sshd.pid}/root{folder}")
        finally:
            _do(*inside, "umount", folder)

    def runners(self) -> list[int]:
        """Processes of the runner of the board's user."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                if process.owner() == self.user and any(w.endswith(b"runner.py") for w in words):
                    found.append(int(process.name))
            except (OSError, KeyError):
                continue
        return found

    def kill_runners(self) -> None:
        """Kill the runner, and the process of its network."""
        for pid in self.runners():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Remove processes, host, user and files."""
        os.environ["PATH"] = self._path
        _remove(self.folder, self._tag)
        if self._sshd is not None:
            self._sshd.wait()


def require_board() -> None:
    """Skip the test if no board can be made."""
    reason = missing()
    if reason:
        pytest.skip(reason)

"""Python programs on another machine, run by the OpenSSH client of this machine.

Keys, jump hosts and other settings are those of the user (``~/.ssh/config``). Nothing but quoted
words reaches the shell there; the program and its data travel on standard input.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from brpnas.errors import ConfigurationError, MeasurementError, one_line

__all__ = ["Address", "LinkError", "OpenSsh"]

_ADDRESS = re.compile(
    r"ssh://(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@)?"
    r"(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<python>/[ -~]*)?"
)
_BOOT = (
    'import sys;sys.exit("Python "+sys.version.split()[0]+" is too old, 3.9 is needed") '
    "if sys.version_info<(3,9) else exec(sys.stdin.buffer.read({}))"
)
"""Reads a program from standard input; the program reads the rest. One line, for every shell."""
_FAILED, _NOT_FOUND, _NOT_EXECUTABLE = 255, 127, 126
_MOST_SAID = 2000
_CONNECT_S = 15
_ANSWER_S = 600


@dataclass(frozen=True)
class Address:
    """Where to log in, ``ssh://user@host:port/path/of/python3``; all but the host may be missing.

    Args:
        host: Name, alias of ``~/.ssh/config``, or IP address.
        user: User; None for that of the client's configuration.
        port: Port; None for that of the client's configuration.
        python: Python there; a path that begins with ``~/`` is in the user's home.
    """

    host: str
    user: str | None = None
    port: int | None = None
    python: str = "python3"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address.

        Raises:
            ConfigurationError: If it is malformed.
        """
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ConfigurationError(
                f"{text[:200]!r} is not an address such as ssh://pi@raspberrypi.local:22 or "
                "ssh://pi@raspberrypi.local/~/venv/bin/python3 (letters, digits, dots and dashes; "
                "anything else belongs into an alias of ~/.ssh/config)."
            )
        path = (match["python"] or "/").removesuffix("/")
        python = path[1:] if path.startswith("/~/") else path
        port = None if match["port"] is None else int(match["port"])
        return cls(match["host"].strip("[]"), match["user"], port, python or "python3")

    @property
    def login(self) -> str:
        """Arguments of ``ssh``, for messages."""
        port = "" if self.port is None else f"-p {self.port} "
        return port + (f"{self.user}@{self.host}" if self.user else self.host)

    @property
    def url(self) -> str:
        """The address without Python."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{user}{host}" + ("" if self.port is None else f":{self.port}")

    def command(self, program_bytes: int, *words: str) -> str:
        """Command line for the shell there: Python, with a program on standard input."""
        home = self.python.startswith("~/")
        python = '"$HOME"/' + shlex.quote(self.python[2:]) if home else shlex.quote(self.python)
        code = shlex.quote(_BOOT.format(program_bytes))
        return " ".join([python, "-c", code, *map(shlex.quote, words)])


class LinkError(MeasurementError):
    """A program on the other machine could not be started, or its link broke.

    Attributes:
        passing: Whether a later attempt may succeed.
    """

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class OpenSsh:
    """The client, with one connection for all programs.

    Args:
        address: Where to log in.
        alive_s: Seconds between two signs of life of a link; the third missing one breaks it.

    Raises:
        ConfigurationError: If there is no client.
    """

    def __init__(self, address: Address, alive_s: int = 5) -> None:
        client = shutil.which("ssh")
        if client is None:
            raise ConfigurationError(
                "Targets ssh:// need the OpenSSH client: install it (Debian: `sudo apt install "
                "openssh-client`)."
            )
        self.address = address
        # Sockets have paths of about 100 characters at most.
        self._folder = tempfile.TemporaryDirectory(prefix="brpnas-ssh-", dir="/tmp")
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": str(_CONNECT_S),
            "ServerAliveInterval": str(alive_s),
            "ServerAliveCountMax": "3",
            "ControlMaster": "auto",
            "ControlPath": str(Path(self._folder.name) / "master"),
            "ControlPersist": "60",
            "ClearAllForwardings": "yes",
            "RemoteCommand": "none",
            "LogLevel": "ERROR",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        port = [] if address.port is None else ["-p", str(address.port)]
        user = [] if address.user is None else ["-l", address.user]
        self._words = [client, "-T", "-a", "-x", *options, *port, *user]

    def close(self) -> None:
        """End the connection."""
        subprocess.run(
            [*self._words, "-O", "exit", "--", self.address.host],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        self._folder.cleanup()

    def ask(self, program: bytes, *words: str, data: IO[bytes] | None = None) -> dict[str, Any]:
        """Run a program and return the JSON object that it prints, within ten minutes.

        Args:
            program: Source of the program.
            words: Its arguments.
            data: The rest of its standard input.

        Raises:
            LinkError: If it could not run to its end.
            MeasurementError: If it prints anything else.
        """
        answer = None
        with self.running(program, *words, data=data, timeout_s=_ANSWER_S) as output:
            printed = output.read()
            with suppress(ValueError, RecursionError):
                answer = json.loads(printed)
            if not isinstance(answer, dict) and printed.endswith(b"\n"):
                raise self._strange(printed)
        if not isinstance(answer, dict):
            raise LinkError(f"The answer of {self.address.host} was cut off.", passing=True)
        return answer

    @contextmanager
    def running(
        self,
        program: bytes,
        *words: str,
        data: IO[bytes] | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[IO[bytes]]:
        """Run a program; the block reads its output. An error of the block ends it.

        Args:
            program: Source of the program.
            words: Its arguments.
            data: The rest of its standard input.
            timeout_s: Seconds until the program is ended; None for no limit.

        Raises:
            LinkError: At the end of the block, if the exit code is neither 0 nor 2.
        """
        remote = self.address.command(len(program), *words)
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
            given.write(program)
            if data is not None:
                shutil.copyfileobj(data, given)
            given.seek(0)
            with subprocess.Popen(
                [*self._words, "--", self.address.host, remote],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=errors,
            ) as process:
                assert process.stdout is not None
                with _limited(process, timeout_s):
                    yield process.stdout
                    process.wait()
            errors.seek(max(0, errors.seek(0, 2) - _MOST_SAID))
            said = errors.read().decode(errors="replace")
        self._check(process.returncode, said)

    def _strange(self, printed: bytes) -> MeasurementError:
        said = one_line(printed.decode(errors="replace"), 200)
        return MeasurementError(
            f"{self.address.host} answers {said!r}. The shell there must print nothing of its own: "
            f"`ssh {self.address.login} true` shows what it prints (often from ~/.bashrc, or "
            "because the account has no shell)."
        )

    def _check(self, code: int, said: str) -> None:
        """Raise the error of an exit code and of the text on standard error."""
        if code in (0, 2):  # 2: its own error, on standard output
            return
        host, login = self.address.host, self.address.login
        if code in (_NOT_FOUND, _NOT_EXECUTABLE):
            raise LinkError(
                f"{host} lacks {self.address.python}: install it there (Debian: `sudo apt install "
                "python3 python3-venv`), or give the path of another Python: "
                f"{self.address.url}/~/venv/bin/python3.",
                passing=False,
            )
        for pattern, passing, message in _CAUSES * (code == _FAILED):
            if re.search(pattern, said):
                text = message.format(host=host, login=login, key=self._key())
                raise LinkError(text, passing=passing)
        words = one_line(said.strip().rpartition("\n")[2], 500) or "nothing"
        what = "Link or program was killed" if code == _FAILED else f"Python ended with code {code}"
        raise LinkError(f"{what} on {host}. It printed last: {words}", passing=code != 1)

    def _key(self) -> str:
        """Name of the host in the list of known keys."""
        port = self.address.port
        return self.address.host if port in (None, 22) else f"'[{self.address.host}]:{port}'"


@contextmanager
def _limited(process: subprocess.Popen[bytes], timeout_s: float | None) -> Iterator[None]:
    """End a process after an error of the block, or after a time."""
    timer = threading.Timer(timeout_s or threading.TIMEOUT_MAX, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    except BaseException:
        process.terminate()
        raise
    finally:
        timer.cancel()


_CAUSES = (
    (
        "Host key verification failed|HOST IDENTIFICATION HAS CHANGED|host key is known",
        False,
        "The host key of {host} is unknown here, or another one than before; nothing was sent. "
        "Compare the fingerprint shown by `ssh {login}` with that of the board, and accept it. If "
        "the board was installed again, first remove its old key: `ssh-keygen -R {key}`.",
    ),
    (
        "Permission denied|Too many authentication failures",
        False,
        "{host} refuses the login, and a measurement cannot type a password. `ssh-copy-id {login}` "
        "installs your key there; `ssh-add` unlocks a key with a passphrase.",
    ),
    (
        "Could not resolve hostname",
        False,
        "The name {host} is unknown here: correct it, or add an alias to ~/.ssh/config.",
    ),
    (
        "Connection refused",
        True,
        "{host} is on, but no SSH server listens there: start it (Debian: `sudo systemctl enable "
        "--now ssh`), or correct the port. `ssh {login}` must work.",
    ),
    (
        "No route to host|Network is unreachable|[Tt]imed? ?out|not responding",
        True,
        "{host} cannot be reached: is it on and in this network? `ssh {login}` must work.",
    ),
)
"""Text of the client, whether a later attempt may succeed, and what to do."""

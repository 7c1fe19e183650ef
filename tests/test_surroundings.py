"""Commands in surroundings that lack something: processes of their own, with real lacks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from brpnas.errors import SurroundingsError
from brpnas.surroundings import explained
from tests.seeds import first_of

ROOT = Path(__file__).resolve().parents[1]
ASK = [
    sys.executable,
    "-c",
    "import sys; from brpnas.cli import app; sys.argv[0] = 'brpnas'; app()",
]


def shell(line: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell with the arguments as ``"$@"``."""
    return subprocess.run(
        ["sh", "-c", line, "sh", *arguments],
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        errors="replace",
    )


@pytest.mark.parametrize("closed", first_of(["<&- >&- 2>&-", "<&-", ">&-", "2>&-"]))
def test_a_closed_stream_does_not_matter(tmp_path: Path, closed: str) -> None:
    drawing = tmp_path / "cell.svg"
    cell = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    done = shell(f'"$@" {closed}', *ASK, "arch", cell, "--svg", str(drawing))
    assert done.returncode == 0, done.stderr
    assert drawing.read_text("utf-8").startswith("<svg")  # nothing was printed into it
    assert drawing.read_text("utf-8").rstrip().endswith("</svg>")


def test_a_closed_stream_leaves_its_number_to_the_null_device() -> None:
    code = (
        "import os, sys; from brpnas.surroundings import open_streams; open_streams();"
        "file = os.open('/dev/zero', os.O_RDONLY); print('x', file=sys.stdout);"
        "sys.exit(0 if file > 2 else 1)"
    )
    assert shell('"$@" <&- >&- 2>&-', sys.executable, "-c", code).returncode == 0


def test_a_full_disk_ends_in_a_paragraph() -> None:
    done = shell('"$@" >/dev/full', *ASK, "sources", BRPNAS_TRACEBACK="")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert os.strerror(errno.ENOSPC) in done.stderr


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_a_terminal_that_lacks_a_character_shows_an_escape(locale: str) -> None:
    code = (
        "from brpnas.surroundings import open_streams; open_streams(); print('5 \\u00b5s \\u25c2')"
    )
    given = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    encoding = {"PYTHONIOENCODING": "latin-1"} if locale.startswith("en") else {}
    done = shell('"$@"', sys.executable, "-c", code, **given, **encoding)
    assert done.returncode == 0, done.stderr
    assert "25c2" in done.stdout


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "TMPDIR"),
        (errno.EROFS, "mounted read-only"),
        (errno.EACCES, "permissions"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_what_a_user_can_do_is_said_for_errors_below_others(number: int, words: str) -> None:
    outer = RuntimeError("wrapped by kedro")
    outer.__cause__ = OSError(number, os.strerror(number), "/data/x")
    found = explained(outer)
    assert isinstance(found, SurroundingsError)
    assert "/data/x" in str(found)
    assert words in str(found)


def test_libraries_that_know_no_numbers_are_understood() -> None:
    assert "TMPDIR" in str(
        explained(ValueError("I/O error: No space left on device (os error 28)"))
    )
    missing = FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/var/tmp']")
    assert "TMPDIR" in str(explained(missing))


def test_other_errors_keep_their_traceback() -> None:
    assert explained(ValueError("a bug")) is None
    assert explained(BrokenPipeError(errno.EPIPE, "Broken pipe")) is None

"""Addresses, and command lines for the shell of another machine; `test_ssh` logs in for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from brpnas.errors import ConfigurationError
from brpnas.measure.targets import check_target, open_target
from brpnas.measure.targets.openssh import Address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://board", Address("board")),
        ("ssh://pi@board.local:2222", Address("board.local", "pi", 2222)),
        ("ssh://pi@[fe80::1%eth0]:22/", Address("fe80::1%eth0", "pi", 22)),
        ("ssh://board/~/venv/bin/python3", Address("board", python="~/venv/bin/python3")),
        ("ssh://board/opt/a b/python3", Address("board", python="/opt/a b/python3")),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["ssh://board", "ssh://pi@board:2222", "ssh://pi@[fe80::1]:22"])
def test_addresses_without_python(text: str) -> None:
    assert Address.parse(f"{text}/usr/bin/python3").url == text


def test_logins() -> None:
    assert Address.parse("ssh://pi@board:2222").login == "-p 2222 pi@board"
    assert Address.parse("ssh://board").login == "board"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_words_pass_a_shell_unchanged(shell: str, tmp_path: Path) -> None:
    folder = tmp_path / "it's $(touch x)"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    words = ["a b", "'", '"', "$(touch y)", "new\nline", "-x", "; touch z", ""]
    program = b"import sys, json; print(json.dumps([sys.argv[1:], sys.stdin.read()]))"
    address = Address("board", python=f"~/{folder.name}/python3")
    done = subprocess.run(
        [shell, "-c", address.command(len(program), *words)],
        input=program + b"the rest",
        stdout=subprocess.PIPE,
        env={"HOME": str(tmp_path)},
        cwd=tmp_path,
        check=True,
    )
    assert json.loads(done.stdout) == [words, "the rest"]
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    "address",
    [
        "ssh://-oProxyCommand=x",
        "ssh://-oProxyCommand=x@host",
        "ssh://a b",
        "ssh://host'; touch x",
        "ssh://host\nHost x",
        "ssh://host:22x",
        "ssh://host/python\n3",
        "ssh://",
        "ssh://@host",
        "ssh://user@-host",
    ],
)
def test_hostile_addresses(address: str) -> None:
    with pytest.raises(ConfigurationError, match="ssh://pi@raspberrypi"):
        check_target(address)


def test_without_a_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="install it"):
        open_target("ssh://host")

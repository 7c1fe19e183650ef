"""The fingerprint: other for any change of a source file, the same for equal files elsewhere."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

import brpnas
from brpnas.fanout.code import FINGERPRINT, code_fingerprint

SOURCES = Path(brpnas.__file__).parent


def test_it_is_that_of_the_files_of_this_process(tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(SOURCES, copied, ignore=shutil.ignore_patterns("__pycache__", "*.parquet"))
    assert code_fingerprint(copied) == FINGERPRINT
    assert FINGERPRINT.startswith(f"{version('brpnas')} (code ")


def test_any_change_changes_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("y = 1\n")
    found = {code_fingerprint(tmp_path)}
    (tmp_path / "a.py").write_text("x = 2\n")
    found.add(code_fingerprint(tmp_path))
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    found.add(code_fingerprint(tmp_path))
    (tmp_path / "b.py").unlink()
    found.add(code_fingerprint(tmp_path))
    (tmp_path / "c.txt").touch()  # no code
    found.add(code_fingerprint(tmp_path))
    assert len(found) == 4

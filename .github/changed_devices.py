"""Print the devices to retrain as ``devices=["name", ...]`` for a workflow.

Usage: changed_devices.py COMMIT [DEVICE]

These are the devices with a table added or changed since the commit, except those with a newer
predictor; all devices if the commit is unknown. A named device is taken without a comparison. A
workflow has at most 256 jobs of one kind; of more devices, the first are printed, and a warning
explains how to continue.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import PurePosixPath

TABLES = "data/01_raw/devices"
PREDICTORS = "data/06_models/devices"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
MOST = 256
BESIDE = {".md", ".yml", ".yaml", ".dvc"}
"""File types beside tables; files of any other type are refused when read."""


def git(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run git."""
    return subprocess.run(["git", *arguments], check=check, capture_output=True, text=True)


def changed(base: str) -> list[str]:
    """Tables added or changed since a commit; all if it is unknown."""
    if git("merge-base", base, "HEAD", check=False).returncode == 0:
        options = ("--name-only", "--no-renames", "--diff-filter=d", "-z")
        listed = git("diff", *options, f"{base}...HEAD", "--", TABLES)
    else:
        listed = git("ls-files", "-z", "--", TABLES)
    paths = [PurePosixPath(path) for path in listed.stdout.split("\0") if path]
    return [
        str(path)
        for path in paths
        if str(path.parent) == TABLES
        and not path.name.startswith(".")
        and path.suffix.lower() not in BESIDE
    ]


def retrained(table: str) -> bool:
    """Whether the pointer to the predictor was committed after the table."""
    pointer = f"{PREDICTORS}/{PurePosixPath(table).stem}.dvc"
    if git("cat-file", "-e", f"HEAD:{pointer}", check=False).returncode != 0:
        return False
    then, made = (
        git("log", "-1", "--format=%H", "--", f":(literal){path}").stdout.strip()
        for path in (table, pointer)
    )
    older = git("merge-base", "--is-ancestor", then, made, check=False).returncode == 0
    return older and then != made


def main() -> None:
    """Print the line."""
    base, *asked = sys.argv[1:]
    names = asked or [PurePosixPath(t).stem for t in changed(base) if not retrained(t)]
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong:
        named = ", ".join(map(ascii, wrong))
        sys.exit(
            f"No name of a device: {named}. The file of a device is named after it; use letters, "
            "digits, dots, hyphens and underscores."
        )
    devices = sorted(set(names))
    if len(devices) > MOST:
        sys.stderr.write(
            f"::warning title=Not all at once::{MOST} of {len(devices)} devices are retrained now, "
            f"from {devices[0]} to {devices[MOST - 1]}. When this run has ended, start it again "
            "for the rest: gh workflow run retrain.yml --ref BRANCH leaves out what is retrained "
            "by then.\n"
        )
    sys.stdout.write(f"devices={json.dumps(devices[:MOST])}\n")


if __name__ == "__main__":
    main()

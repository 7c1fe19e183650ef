"""Print which devices' files differ from a commit, as ``devices=["name", ...]`` for a workflow.

Usage: changed_devices.py COMMIT [DEVICE]. A device that is named wins over the comparison.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import PurePosixPath

FOLDER = "data/01_raw/devices"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def changed(base: str) -> list[str]:
    """Devices whose file was added or changed since a commit; all if the commit is not known."""
    known = subprocess.run(["git", "cat-file", "-e", f"{base}^{{commit}}"], check=False)
    if known.returncode == 0:
        command = ["git", "diff", "--name-only", "--diff-filter=d", f"{base}...HEAD", "--", FOLDER]
    else:
        command = ["git", "ls-files", "--", FOLDER]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = [PurePosixPath(line) for line in listed.splitlines()]
    return sorted({path.stem for path in paths if path.suffix in (".csv", ".parquet")})


def main() -> None:
    """Print the line."""
    base, *asked = sys.argv[1:]
    devices = asked or changed(base)
    wrong = [name for name in devices if not NAME.fullmatch(name)]
    if wrong:
        sys.exit(f"These names are none of devices: {', '.join(wrong)}")
    sys.stdout.write(f"devices={json.dumps(devices)}\n")


if __name__ == "__main__":
    main()

"""Identity of the code of this process, to detect workers with other code.

Two checkouts of one version may differ in any file, so `FINGERPRINT` is a hash of all source files
of `brpnas`, computed at import.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

__all__ = ["FINGERPRINT", "code_fingerprint"]


def code_fingerprint(root: Path) -> str:
    """Version of brpnas, and a hash of the source files below a folder.

    Examples:
        >>> code_fingerprint(Path(__file__).parent) == code_fingerprint(Path(__file__).parent)
        True
    """
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}:{len(content)}:".encode() + content)
    return f"{version('brpnas')} (code {digest.hexdigest()[:12]})"


FINGERPRINT = code_fingerprint(Path(__file__).parents[1])
"""Required fingerprint of a worker, as ``1.4.0 (code 0123456789ab)``."""

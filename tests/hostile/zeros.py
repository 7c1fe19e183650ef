"""Archives of a few megabytes that expand to gigabytes of zeros, made without compressing them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

__all__ = ["GIGABYTES_3", "zip_of_zeros"]

GIGABYTES_3 = 3 * 2**30
_BLOCK = 2**24
_METHOD, _DAY = zlib.DEFLATED, 0x21


def zip_of_zeros(members: Mapping[str, tuple[bytes, int]]) -> bytes:
    """A ZIP archive of members with a few bytes and then zeros.

    Args:
        members: First bytes of each member, and the number of zeros after them, a multiple of
            16 MiB.
    """
    files, directory = b"", b""
    for name, (start, zeros) in members.items():
        packed, check = _deflated(start, zeros)
        about = (_METHOD, 0, _DAY, check, len(packed), len(start) + zeros, len(name))
        place = len(files)
        files += struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, *about, 0) + name.encode() + packed
        directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, *about, 0, 0, 0, 0, 0, place)
        directory += name.encode()
    count = len(members)
    sizes = (count, count, len(directory), len(files), 0)
    return files + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *sizes)


def _deflated(start: bytes, zeros: int) -> tuple[bytes, int]:
    """The compressed bytes and the checksum of their content: one block is repeated."""
    block, check = bytes(_BLOCK), zlib.crc32(start)
    for _ in range(zeros // _BLOCK):
        check = zlib.crc32(block, check)
    made = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = made.compress(start) + made.flush(zlib.Z_FULL_FLUSH)
    repeated = made.compress(block) + made.flush(zlib.Z_FULL_FLUSH)
    return first + repeated * (zeros // _BLOCK) + made.flush(), check

"""ZIP archives from other sources, checked by their directory before unpacking.

An archive of a few kB may list millions of members, or members of terabytes. `open_archive` checks
the size of the directory, then the claims of each member, against the limits of the caller.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["open_archive", "read_member"]

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES = 22, 20
_COMMENT = 2**16
_ENTRY_BYTES = 4096  # of one member in the directory, with its name
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextmanager
def open_archive(
    file: IO[bytes], *, max_members: int, max_unpacked: int | None = None
) -> Iterator[zipfile.ZipFile]:
    """Open an archive with few, plain members of bounded size.

    Args:
        file: The archive, at any position.
        max_members: Most members.
        max_unpacked: Most bytes of the unpacked compressed members together; None for no limit.
            Stored members are never larger than the file.

    Raises:
        zipfile.BadZipFile: If it is damaged, encrypted, compressed by another method than deflate,
            or beyond the limits.
    """
    size = _directory_bytes(file)
    if size > max_members * _ENTRY_BYTES:
        raise zipfile.BadZipFile(f"its directory has {size:,} bytes, too many for such a file")
    try:
        archive = zipfile.ZipFile(file)
    except (NotImplementedError, UnicodeDecodeError, struct.error) as error:
        raise zipfile.BadZipFile(f"its directory cannot be read: {error}") from error
    with archive:
        _check_members(archive, max_members, max_unpacked)
        yield archive


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Content of a member, of exactly the claimed size.

    Raises:
        zipfile.BadZipFile: If it has another size, or is damaged.
    """
    try:
        with archive.open(member) as file:
            content = file.read(member.file_size + 1)
    except (NotImplementedError, RuntimeError) as error:  # its flags contradict the directory
        raise zipfile.BadZipFile(f"{member.filename!r:.80} cannot be read: {error}") from error
    if len(content) != member.file_size:
        raise zipfile.BadZipFile(f"{member.filename!r:.80} has another size than the archive says")
    return content


def _directory_bytes(file: IO[bytes]) -> int:
    """Size of the list of members, from the record at the end of the archive."""
    length = file.seek(0, os.SEEK_END)
    start = max(0, length - _END_BYTES - _COMMENT)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_BYTES:
        raise zipfile.BadZipFile("it is no complete ZIP file")
    size: int = struct.unpack_from("<L", tail, place + 12)[0]
    file.seek(max(0, start + place - _LOCATOR_BYTES))
    locator = file.read(_LOCATOR_BYTES)
    if locator.startswith(_LOCATOR_64):  # larger than 4 GiB, or says so
        file.seek(struct.unpack_from("<Q", locator, 8)[0] % 2**63)
        record = file.read(56)
        if len(record) < 56 or not record.startswith(_END_64):
            raise zipfile.BadZipFile("its end is damaged")
        size = struct.unpack_from("<Q", record, 40)[0]
    return size


def _check_members(archive: zipfile.ZipFile, max_members: int, max_unpacked: int | None) -> None:
    members = archive.infolist()
    if len(members) > max_members:
        raise zipfile.BadZipFile(f"it holds {len(members):,} members, more than {max_members:,}")
    names: set[str] = set()
    for member in members:
        if member.filename in names:
            raise zipfile.BadZipFile(f"it holds two members named {member.filename!r:.80}")
        names.add(member.filename)
        if member.flag_bits & _ENCRYPTED:
            raise zipfile.BadZipFile(f"its member {member.filename!r:.80} is encrypted")
        if member.compress_type not in _METHODS:
            raise zipfile.BadZipFile(
                f"its member {member.filename!r:.80} is compressed by method "
                f"{member.compress_type} of ZIP, and only 0 and 8 are read"
            )
        is_stored = member.compress_type == zipfile.ZIP_STORED
        if is_stored and member.file_size != member.compress_size:
            raise zipfile.BadZipFile(
                f"its member {member.filename!r:.80} is stored with two sizes: "
                f"{member.file_size:,} and {member.compress_size:,} bytes"
            )
    unpacked = sum(m.file_size for m in members if m.compress_type != zipfile.ZIP_STORED)
    if max_unpacked is not None and unpacked > max_unpacked:
        raise zipfile.BadZipFile(
            f"it unpacks to {unpacked:,} bytes, more than {max_unpacked:,} for such a file"
        )
    packed_bytes = sum(member.compress_size for member in members)
    if archive.fp is not None and packed_bytes > (length := archive.fp.seek(0, os.SEEK_END)):
        raise zipfile.BadZipFile(
            f"its members have {packed_bytes:,} bytes, more than the {length:,} of the file"
        )

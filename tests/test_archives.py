"""Archives: their stated sizes are bounded before unpacking."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from brpnas.archives import open_archive, read_member


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as written:
        for name, content in members:
            written.writestr(name, content)
    return file.getvalue()


def read(content: bytes) -> dict[str, bytes]:
    with open_archive(io.BytesIO(content), max_members=3, max_unpacked=1000) as opened:
        return {member.filename: read_member(opened, member) for member in opened.infolist()}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_plain_archive_is_read(method: int) -> None:
    members = {"a": b"x" * 500, "b/c": b""}
    assert read(archive(*members.items(), method=method)) == members


def _encrypted(content: bytes) -> bytes:
    directory = content.rindex(b"PK\x01\x02")
    flags = bytes([content[directory + 8] | 1])
    return content[: directory + 8] + flags + content[directory + 9 :]


def _claims(content: bytes, size: int) -> bytes:
    """The same archive, with another size of its member in the directory."""
    place = content.rindex(b"PK\x01\x02") + 24
    return content[:place] + struct.pack("<L", size) + content[place + 4 :]


def _large_directory(content: bytes, size: int) -> bytes:
    place = content.rindex(b"PK\x05\x06") + 12
    return content[:place] + struct.pack("<L", size) + content[place + 4 :]


def _large_directory_64(size: int) -> bytes:
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, size, 0)
    return record + b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1) + archive()


ONE = archive(("a", b"x" * 100))
REFUSED = {
    "no archive": (b"hello", "no complete ZIP"),
    "nothing": (b"", "no complete ZIP"),
    "cut off": (ONE[:-30], "no complete ZIP"),
    "too many members": (archive(*((str(i), b"") for i in range(4))), "4 members"),
    "too large when unpacked": (archive(("a", bytes(1001))), "unpacks to 1,001 bytes"),
    "too large together": (archive(("a", bytes(600)), ("b", bytes(600))), "unpacks to 1,200"),
    "encrypted": (_encrypted(ONE), "encrypted"),
    "bzip2": (archive(("a", b"x" * 100), method=zipfile.ZIP_BZIP2), "by method 12"),
    "lzma": (archive(("a", b"x" * 100), method=zipfile.ZIP_LZMA), "by method 14"),
    "a directory of 4 GB": (_large_directory(ONE, 2**32 - 2), "its directory has"),
    "a directory of terabytes": (_large_directory_64(2**42), "its directory has"),
    "claims less than it holds": (_claims(ONE, 10), "another size|CRC"),
    "claims more than it holds": (_claims(ONE, 900), "another size"),
    "stored, of two sizes": (_claims(archive(("a", b"x"), method=0), 900), "'a'.* 900 .*1 bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_odd_archives_are_refused(name: str) -> None:
    content, says = REFUSED[name]
    with pytest.raises(zipfile.BadZipFile, match=says):
        read(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name() -> None:
    with pytest.raises(zipfile.BadZipFile, match="'a'"):
        read(archive(("a", b"1"), ("a", b"2")))


def test_stored_members_that_overlap() -> None:
    """Members that share their bytes claim more than the file has."""
    content = archive(("a", b"x" * 900), method=zipfile.ZIP_STORED)
    place = content.rindex(b"PK\x01\x02")
    entry = content[place : content.rindex(b"PK\x05\x06")]
    copies = [entry.replace(b"a", name) for name in (b"a", b"b", b"c")]
    end = struct.pack("<HHHHLLH", 0, 0, 3, 3, 3 * len(entry), place, 0)
    with pytest.raises(zipfile.BadZipFile, match=r" 2,700 bytes.* 1,094 "):
        read(content[:place] + b"".join(copies) + b"PK\x05\x06" + end)

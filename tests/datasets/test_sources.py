"""Published files come from a mirror or over HTTP, and only with the right content."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from brpnas.datasets import Source, fetch, fetch_group, get_source, load_catalogue
from brpnas.errors import SourceError, UnknownNameError

CONTENT = bytes(range(256)) * 1000


class _Server(ThreadingHTTPServer):
    requests: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if self.path == "/cut" else CONTENT)

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.requests = []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _source(url: str = "http://127.0.0.1:9/file", content: bytes = CONTENT) -> Source:
    return Source(
        name="thing",
        group="things",
        file="things/thing.bin",
        url=url,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="none",
        citation="none",
        contents="bytes",
    )


def _url(server: _Server, path: str = "/file") -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class TestMirror:
    def test_reads_in_place(self, tmp_path: Path) -> None:
        mirror, cache = tmp_path / "mirror", tmp_path / "cache"
        there = mirror / "things" / "thing.bin"
        there.parent.mkdir(parents=True)
        there.write_bytes(CONTENT)
        assert fetch(_source(), mirror=mirror, cache=cache) == there
        assert not cache.exists()

    def test_no_such_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"none .*'thing'.*BRPNAS_MIRROR"):
            fetch(_source(), mirror=tmp_path / "none", cache=tmp_path)

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError) as caught:
            fetch(_source(), mirror=tmp_path, cache=tmp_path / "cache")
        for word in (str(tmp_path), "things/thing.bin", _source().url, "BRPNAS_MIRROR"):
            assert word in str(caught.value)

    def test_wrong_hash(self, tmp_path: Path) -> None:
        path = tmp_path / "things" / "thing.bin"
        path.parent.mkdir()
        path.write_bytes(CONTENT[:-1] + b"!")
        with pytest.raises(SourceError) as caught:
            fetch(_source(), mirror=tmp_path, cache=tmp_path / "cache")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        for word in (str(path), found, _source().sha256, _source().url):
            assert word in str(caught.value)
        assert path.exists(), "a mirror is not ours to change"

    def test_never_asks_the_network(self, tmp_path: Path, server: _Server) -> None:
        with pytest.raises(SourceError):
            fetch(_source(_url(server)), mirror=tmp_path, cache=tmp_path / "cache")
        assert server.requests == []


class TestDownload:
    def test_arrives(self, tmp_path: Path, server: _Server) -> None:
        path = fetch(_source(_url(server)), mirror=None, cache=tmp_path, progress=False)
        assert path == tmp_path / "things" / "thing.bin"
        assert path.read_bytes() == CONTENT
        assert _files(tmp_path) == [path]

    def test_second_time_from_the_cache(self, tmp_path: Path, server: _Server) -> None:
        for _ in range(2):
            fetch(_source(_url(server)), mirror=None, cache=tmp_path, progress=False)
        assert server.requests == ["/file"]

    def test_a_damaged_cache_is_mended(self, tmp_path: Path, server: _Server) -> None:
        path = tmp_path / "things" / "thing.bin"
        path.parent.mkdir()
        path.write_bytes(b"old")
        fetch(_source(_url(server)), mirror=None, cache=tmp_path, progress=False)
        assert path.read_bytes() == CONTENT

    def test_progress_bar_and_nothing_else(
        self, tmp_path: Path, server: _Server, capfd: pytest.CaptureFixture[str]
    ) -> None:
        fetch(_source(_url(server)), mirror=None, cache=tmp_path, progress=True)
        shown = capfd.readouterr()
        assert shown.out == ""
        lines = [line for line in re.split(r"[\r\n]+", shown.err) if line.strip()]
        assert lines
        assert all(line.startswith("thing.bin:") for line in lines)
        assert "100%" in lines[-1]

    def test_silent_without_progress_bar(
        self,
        tmp_path: Path,
        server: _Server,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with caplog.at_level(logging.INFO, "brpnas"):
            fetch(_source(_url(server)), mirror=None, cache=tmp_path, progress=False)
        shown = capfd.readouterr()
        assert shown.out + shown.err == ""
        assert _url(server) in caplog.text

    def test_wrong_hash(self, tmp_path: Path, server: _Server) -> None:
        source = _source(_url(server), content=b"something else")
        with pytest.raises(SourceError) as caught:
            fetch(source, mirror=None, cache=tmp_path, progress=False)
        for word in (source.url, source.sha256, hashlib.sha256(CONTENT).hexdigest()):
            assert word in str(caught.value)
        assert _files(tmp_path) == []

    def test_wrong_hash_keeps_what_was_there(self, tmp_path: Path, server: _Server) -> None:
        path = tmp_path / "things" / "thing.bin"
        path.parent.mkdir()
        path.write_bytes(b"old")
        with pytest.raises(SourceError):
            fetch(_source(_url(server), b"x"), mirror=None, cache=tmp_path, progress=False)
        assert _files(tmp_path) == [path]

    @pytest.mark.parametrize("path", ["/gone", "/cut"])
    def test_server_fails(self, tmp_path: Path, server: _Server, path: str) -> None:
        source = _source(_url(server, path))
        with pytest.raises(SourceError) as caught:
            fetch(source, mirror=None, cache=tmp_path, progress=False)
        for word in ("'thing'", source.url, "BRPNAS_MIRROR", "network"):
            assert word in str(caught.value)
        assert "\n" not in str(caught.value)
        assert _files(tmp_path) == []

    def test_nobody_answers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/file"
        with pytest.raises(SourceError, match=f"'thing' .*{url} .*{tmp_path}"):
            fetch(_source(url), mirror=None, cache=tmp_path, progress=False)
        assert _files(tmp_path) == []

    def test_cache_cannot_be_a_file(self, tmp_path: Path, server: _Server) -> None:
        cache = tmp_path / "cache"
        cache.write_text("not a folder")
        with pytest.raises(SourceError, match=rf"'thing' .*{cache}.*Errno 20\b"):
            fetch(_source(_url(server)), mirror=None, cache=cache, progress=False)


class TestCatalogue:
    def test_groups(self) -> None:
        groups = [source.group for source in load_catalogue().values()]
        assert {g: groups.count(g) for g in groups} == {
            "latbench": 13,
            "nasbench201": 5,
            "help": 3,
            "nasbench101": 2,
            "nasbench301": 3,
            "fbnet": 8,
        }

    def test_urls_are_pinned_and_files_differ(self) -> None:
        sources = load_catalogue().values()
        assert all(re.search(r"/[0-9a-f]{40}/", source.url) for source in sources)
        assert len({s.file for s in sources}) == len({s.sha256 for s in sources}) == len(sources)
        assert all(source.licence and source.citation and source.contents for source in sources)

    def test_by_name(self) -> None:
        assert get_source("nasbench201-runs").file == "nasbench201/metric_vals.pkl"

    def test_unknown_name(self) -> None:
        with pytest.raises(UnknownNameError, match=r"'nasbench201-run'.* 'nasbench201-runs'\?"):
            get_source("nasbench201-run")

    def test_unknown_group(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownNameError, match=r"'latbnch'.* 'latbench'\?"):
            fetch_group("latbnch", mirror=tmp_path, cache=tmp_path)

    @pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "a/../b", ""])
    def test_files_stay_in_the_cache(self, file: str) -> None:
        with pytest.raises(ValidationError):
            Source(**(_source().model_dump() | {"file": file}))


@pytest.mark.data
def test_the_mirror_holds_the_catalogue(mirror: Path, tmp_path: Path) -> None:
    for group, count in (
        ("latbench", 13),
        ("nasbench201", 5),
        ("help", 3),
        ("nasbench101", 2),
        ("nasbench301", 3),
        ("fbnet", 8),
    ):
        files = fetch_group(group, mirror=mirror, cache=tmp_path)
        assert len(files) == count
        for name, path in files.items():
            assert path.stat().st_size == get_source(name).bytes
    assert _files(tmp_path) == []

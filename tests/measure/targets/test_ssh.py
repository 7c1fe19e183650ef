"""A real sshd on a host of its own; see `tests.measure.targets.board`."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from brpnas.errors import MeasurementError, UnknownNameError
from brpnas.measure import (
    OnnxRuntime,
    Protocol,
    TorchEager,
    measure_cells,
    time_artifact,
    time_cells,
    time_module,
)
from brpnas.measure.artifacts import Manifest
from brpnas.measure.setup import build_cell, cell_artifact
from brpnas.measure.targets import SshTarget, openssh
from brpnas.spaces.select import select_cells
from tests.measure.small import small
from tests.measure.targets.board import Board, require_board


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    require_board()
    board = Board()
    try:
        yield board
    finally:
        board.close()


@pytest.fixture
def target(board: Board) -> Iterator[SshTarget]:
    with SshTarget(board.address, alive_s=1, patience_s=30) as target:
        yield target


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six networks of about 0.1 s each, and a reference."""
    folder = tmp_path_factory.mktemp("networks")
    settings = replace(small(), protocol=Protocol(1, 100, 5))
    first, *cells = select_cells(7)
    manifest = settings.manifest([cell_artifact(cell, settings, folder) for cell in cells])
    reference = cell_artifact(first, settings, folder)
    replace(manifest, reference=reference, reference_every=3).write(folder)
    return folder


def cached(board: Board) -> list[str]:
    """Folders on the board."""
    return [p.name for p in (board.home / ".cache" / "brpnas").iterdir() if p.is_dir()]


class TestMeasuring:
    def test_the_board_is_described(self, target: SshTarget, board: Board) -> None:
        machine = target.describe(OnnxRuntime())
        assert machine.software.startswith("ONNX Runtime ")
        assert machine.versions["onnxruntime"] in machine.software
        assert target.name == board.address
        assert target.place == "board"

    def test_cells_without_our_package_there(
        self, target: SshTarget, board: Board, tmp_path: Path
    ) -> None:
        python = board.home / "venv" / "bin" / "python3"
        lacking = subprocess.run([python, "-c", "import brpnas"], cwd="/", check=False, env={})
        assert lacking.returncode == 1
        cells = select_cells(4)
        result = measure_cells(
            cells, small(), tmp_path / "s.jsonl", target=target, reference_every=2, progress=False
        )
        assert set(result.rows["arch_id"]) == set(cells)
        assert (result.rows["file_kib"] > 1).all()
        assert (result.rows["peak_memory_mib"] > 10).all()
        assert len(result.references) == 3
        assert not result.failures
        assert cached(board) == []

    def test_failed_networks_are_rows(self, target: SshTarget, tmp_path: Path) -> None:
        settings = small()
        good, bad = (cell_artifact(cell, settings, tmp_path) for cell in select_cells(2))
        (tmp_path / bad.files[0].file).write_bytes(b"not a network")
        settings.manifest([bad, good]).write(tmp_path)
        rows = list(target.measure(tmp_path))
        assert [row["event"] for row in rows] == ["failed", "network"]
        assert rows[0]["name"] == bad.name

    def test_a_search_measures_there(self, target: SshTarget) -> None:
        """Proposals, and the network found: as a file, and before its export."""
        settings, cells = small(), select_cells(2)
        assert [arch_id for arch_id, _ in time_cells([*cells, "no cell"], settings, target)] == [
            "no cell",
            *cells,
        ]
        network = build_cell(cells[0], settings)
        shape = settings.network.input_shape
        assert time_module(network, shape, settings, target).latency_ms > 0
        with tempfile.TemporaryDirectory() as name:
            made = cell_artifact(cells[0], settings, Path(name))
            timing = time_artifact(made, Path(name), settings, target)
        assert timing.latency_ms > 0
        assert timing.file_kib == made.file_kib


class TestCuts:
    def cut(self, board: Board, number: int) -> None:
        if number % 2:
            board.kill_sessions()
        else:
            board.cut()
            time.sleep(4)  # three signs of life
            board.plug()

    def check(self, board: Board, target: SshTarget, folder: Path, after: dict[int, int]) -> None:
        manifest, found = Manifest.read(folder), []
        for row in target.measure(folder):
            found.append(row)
            if len(found) in after:
                self.cut(board, after[len(found)])
        names = [row["name"] for row in found if row["event"] == "network"]
        assert names == [one.name for one in manifest.networks]
        assert sum(row["event"] == "reference" for row in found) >= 3
        assert cached(board) == []
        assert board.runners() == []

    def test_a_killed_session(self, board: Board, target: SshTarget, networks: Path) -> None:
        self.check(board, target, networks, {3: 1})

    @pytest.mark.slow
    @pytest.mark.parametrize("number", range(20))
    def test_twenty_cuts(
        self, board: Board, target: SshTarget, networks: Path, number: int
    ) -> None:
        """A cut cable, or a killed session, after any row."""
        self.check(board, target, networks, {number % 7 + 1: number})

    @pytest.mark.slow
    @pytest.mark.parametrize("number", range(20))
    def test_twenty_kills(
        self, board: Board, target: SshTarget, networks: Path, number: int
    ) -> None:
        """Of the runner, after any row."""
        names = []
        for row in target.measure(networks):
            names += [row["name"]] * (row["event"] == "network")
            if len(names) == number % 5 + 1 and names[-1] == row["name"]:
                board.kill_runners()
        assert names == [one.name for one in Manifest.read(networks).networks]

    def test_rows_on_the_board_come_first(
        self, board: Board, networks: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with SshTarget(board.address) as target:
            measured = target.measure(networks)
            begun = [next(measured) for _ in range(3)]
            measured.close()
        with SshTarget(board.address) as target:
            found = list(target.measure(networks))
        assert found[:3] == begun
        assert len({row["name"] for row in found}) == 7

    def test_a_link_that_stays_broken_is_an_error(self, board: Board, networks: Path) -> None:
        with SshTarget(board.address, alive_s=1, patience_s=1) as target:
            measured = target.measure(networks)
            next(measured)
            try:
                board.cut()
                with pytest.raises(MeasurementError, match="same command"):
                    list(measured)
            finally:
                board.plug()


def _wrong_key(board: Board) -> None:
    known = board.folder / "changed"
    stranger = (board.folder / "stranger.pub").read_text()
    known.write_text(f"[{board.host}]:2222 {stranger}")
    board.configure(known=known)


def _unknown_key(board: Board) -> None:
    board.configure(known=Path("/dev/null"))


def _refused(board: Board) -> None:
    board.configure(key="stranger")


def _noisy(board: Board) -> None:
    (board.home / ".bashrc").write_text("echo welcome\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_wrong_key, r"ssh-keygen -R '\[10\..*\]:2222'"),
        (_unknown_key, r"host key .*fingerprint"),
        (_refused, r"refuses .*ssh-copy-id -p 2222 board"),
        (_noisy, r"answers 'welcome \{.*~/.bashrc"),
    ],
)
def test_hosts_that_cannot_be_used(
    board: Board, change: Callable[[Board], None], words: str
) -> None:
    change(board)
    try:
        with (
            SshTarget(board.address) as target,
            pytest.raises(MeasurementError, match=words) as caught,
        ):
            target.describe(OnnxRuntime())
    finally:
        board.configure()
        (board.home / ".bashrc").unlink(missing_ok=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (":2222", ":2223", "no SSH server listens"),
        ("/~/venv/bin/python3", "/~/none/python3", r"lacks ~/none/python3.*2222/~/venv"),
        ("/~/venv/bin/python3", "/it's a;touch x/$(id)", r"lacks /it's a;touch x/\$\(id\)"),
        ("/~/venv/bin/python3", "/bin/false", r"code 1 .*nothing"),
        ("/~/venv/bin/python3", "/usr/bin/python3", r"^10\.\S+: .* lacks (numpy|onnxrun).*pip"),
    ],
)
def test_addresses_that_cannot_be_used(board: Board, old: str, new: str, words: str) -> None:
    with (
        SshTarget(board.address.replace(old, new)) as target,
        pytest.raises(MeasurementError, match=words),
    ):
        target.describe(OnnxRuntime())
    assert not (board.home / "x").exists()


def test_no_route(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssh, "_CONNECT_S", 1)
    board.cut()
    try:
        with (
            SshTarget(board.address) as target,
            pytest.raises(MeasurementError, match="`ssh -p 2222 board"),
        ):
            target.describe(OnnxRuntime())
    finally:
        board.plug()


def test_no_runtime_and_no_provider(target: SshTarget, board: Board) -> None:
    with pytest.raises(MeasurementError, match=r"lacks torch .*-m pip"):
        target.describe(TorchEager())
    hostile = "'; touch x; echo \"$(touch y)\n`touch z`"
    with pytest.raises(UnknownNameError, match="CPUExecutionProvider"):
        target.describe(OnnxRuntime(provider=hostile))
    assert not {"x", "y", "z"} & {path.name for path in board.home.iterdir()}


def test_a_full_disk(target: SshTarget, board: Board, networks: Path) -> None:
    with (
        board.small_disk(board.home / ".cache", "32k") as cache,
        pytest.raises(MeasurementError, match=r"brpnas .*No space"),
    ):
        list(target.measure(networks))
    assert not list(cache.rglob("*.part"))
    assert len({row["name"] for row in target.measure(networks)}) == 7

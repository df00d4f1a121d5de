"""Files from servers that break off, lie or are not there."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from netcfg.errors import NetError
from netcfg.io import download
from netcfg.io.download import File, check_hash, find, keep, refuse_page
from tests.data_scripts.scripts import Server, serving

CONTENT = bytes(range(256)) * 1000
GONE = "http://127.0.0.1:1"


def check(path: Path) -> None:
    if path.read_bytes() != CONTENT:
        raise NetError("wrong content")


FILE = File("file.bin", len(CONTENT), check)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        running.files["file.bin"] = CONTENT
        yield running


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., Path]:
    def fetched(*mirrors: str) -> Any:
        return find(FILE, None, mirrors, tmp_path)

    return fetched


def ranges(server: Server) -> list[str | None]:
    return [wanted for _, wanted in server.requests]


def test_download_once(server: Server, fetch: Callable[..., Path], tmp_path: Path) -> None:
    path = fetch(server.url)
    assert path == tmp_path / "file.bin"
    assert path.read_bytes() == CONTENT
    assert fetch(server.url) == path
    assert server.requests == [("/file.bin", None)]
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def test_the_next_mirror_is_tried(server: Server, fetch: Callable[..., Path]) -> None:
    assert fetch(GONE, f"{server.url}/nothing", f"{server.url}/").read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/nothing/file.bin", "/file.bin"]


def test_all_failures_are_told(server: Server, fetch: Callable[..., Path]) -> None:
    server.files["lie/file.bin"] = b"something else"
    with pytest.raises(NetError) as caught:
        fetch(GONE, f"{server.url}/nothing", "file:///etc", f"{server.url}/lie")
    message = str(caught.value)
    assert message.startswith(f"cannot download file.bin: {GONE}/file.bin: ")
    assert "404" in message
    assert "file:///etc/file.bin: an address must begin with http:// or https://" in message
    assert message.endswith("/lie/file.bin: wrong content")


def test_broken_connections_are_taken_up_again(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    server.cut = 100_000
    assert fetch(server.url).read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-", "bytes=200000-"]
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def test_the_next_run_goes_on(server: Server, fetch: Callable[..., Path], tmp_path: Path) -> None:
    server.cut = 0
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    with pytest.raises(NetError, match="the connection ended after 1000 of 256000 bytes"):
        fetch(server.url)
    assert ranges(server) == ["bytes=1000-"] * download.TRIES
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin.part"]
    server.cut = None
    assert fetch(server.url).read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=1000-"


def test_servers_that_cannot_go_on_begin_again(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    server.ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(server.url).read_bytes() == CONTENT
    (tmp_path / "file.bin").unlink()
    server.cut = 100_000
    server.requests.clear()
    with pytest.raises(NetError, match="ended after 100000 of 256000 bytes"):
        fetch(server.url)
    assert len(server.requests) == download.TRIES


def test_servers_that_send_another_part(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    server.shift = 7
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(server.url).read_bytes() == CONTENT
    assert ranges(server) == ["bytes=1000-", None]


def test_busy_servers_are_asked_again(server: Server, fetch: Callable[..., Path]) -> None:
    server.busy = 2
    assert fetch(server.url).read_bytes() == CONTENT
    server.busy = download.TRIES
    (fetch(server.url)).unlink()
    with pytest.raises(NetError, match="503"):
        fetch(server.url)
    assert server.busy == 0


def test_a_wrong_beginning_is_thrown_away(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    for beginning in (b"wrong", bytes(len(CONTENT)), bytes(len(CONTENT) + 5)):
        (tmp_path / "file.bin.part").write_bytes(beginning)
        assert fetch(server.url).read_bytes() == CONTENT
        (tmp_path / "file.bin").unlink()


def test_a_lying_server_leaves_nothing(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    server.files["file.bin"] = CONTENT + b"more"
    with pytest.raises(NetError, match=r"file\.bin is larger than 256000 bytes"):
        fetch(server.url)
    server.files["file.bin"] = CONTENT[::-1]
    with pytest.raises(NetError, match="wrong content"):
        fetch(server.url)
    # Wrong and in pieces: fetched anew once, not for ever.
    server.cut = 100_000
    server.requests.clear()
    with pytest.raises(NetError, match="wrong content"):
        fetch(server.url)
    assert ranges(server) == [None, "bytes=100000-", "bytes=200000-"] * 2
    assert not list(tmp_path.iterdir())


def test_lengths_that_are_told_wrongly(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    server.claim = -10
    with pytest.raises(NetError, match="wrong content"):
        fetch(server.url)
    assert not list(tmp_path.iterdir())
    server.claim = 10
    assert fetch(server.url).read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=256000-"


def test_files_of_unknown_size(server: Server, tmp_path: Path) -> None:
    file = File("file.bin", None, check)
    url = f"{server.url}/file.bin"
    assert download.download(file, [url], tmp_path / "new").read_bytes() == CONTENT


def test_files_at_hand(tmp_path: Path, fetch: Callable[..., Path]) -> None:
    with pytest.raises(NetError, match=r"file\.bin' is missing; --from needs a folder that holds"):
        find(FILE, tmp_path, [], tmp_path / "out")
    (tmp_path / "file.bin").write_bytes(CONTENT)
    assert find(FILE, tmp_path, [], tmp_path / "out") == tmp_path / "file.bin"
    (tmp_path / "file.bin").write_bytes(b"")
    with pytest.raises(NetError, match="wrong content"):
        find(FILE, tmp_path, [], tmp_path / "out")
    with pytest.raises(NetError, match="wrong content"):
        fetch(GONE)
    assert not (tmp_path / "out").exists()


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    check_hash(tmp_path / "file", empty)
    with pytest.raises(
        NetError, match=f"file' is not the file it should be: sha256 {empty}, not 00"
    ):
        check_hash(tmp_path / "file", "00")
    page = b"\n<!DOCTYPE html><title>Sorry</title>"
    (tmp_path / "file.part").write_bytes(page)
    check_hash(tmp_path / "file.part", hashlib.sha1(page).hexdigest(), "sha1")
    with pytest.raises(NetError, match=r"/file' is not .*: sha1 \w{40}, not 00; it is a web page"):
        check_hash(tmp_path / "file.part", "00", "sha1")


def test_what_is_kept(server: Server, tmp_path: Path) -> None:
    folder, given = tmp_path / "kept", tmp_path / "given"
    given.mkdir()
    (given / "file.bin").write_bytes(CONTENT)
    assert keep(FILE, [GONE], folder, given) == (folder / "file.bin", False)
    assert (folder / "file.bin").read_bytes() == CONTENT
    assert keep(FILE, [GONE], folder) == (folder / "file.bin", True)
    (folder / "file.bin").write_bytes(b"mine")
    with pytest.raises(NetError, match="wrong content; move it away to have it fetched"):
        keep(FILE, [GONE], folder, given)
    assert (folder / "file.bin").read_bytes() == b"mine"
    (folder / "file.bin").unlink()
    assert keep(FILE, [GONE, f"{server.url}/file.bin"], folder) == (folder / "file.bin", False)
    (given / "file.bin").write_bytes(b"theirs")
    (folder / "file.bin").unlink()
    with pytest.raises(NetError, match="wrong content"):
        keep(FILE, [], folder, given)
    assert list(folder.iterdir()) == []


def test_redirections(server: Server, fetch: Callable[..., Path]) -> None:
    server.moved["old/file.bin"] = f"{server.url}/file.bin"
    server.cut = 200_000
    assert fetch(f"{server.url}/old").read_bytes() == CONTENT
    assert [wanted for path, wanted in server.requests if path == "/file.bin"] == [
        None,
        "bytes=200000-",
    ]


def test_failures_are_told_in_one_line(server: Server, fetch: Callable[..., Path]) -> None:
    server.moved["old/file.bin"] = f"{server.url}/old/file.bin"
    with pytest.raises(NetError, match="infinite loop") as error:
        fetch(f"{server.url}/old")
    assert "\n" not in str(error.value)


def test_two_at_once_download_once(server: Server, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(find, FILE, None, [server.url], tmp_path) for _ in range(4)]
        assert [run.result() for run in runs] == [tmp_path / "file.bin"] * 4
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.requests == [("/file.bin", None)]


def test_a_full_disk_is_no_fault_of_the_server(
    server: Server, fetch: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(NetError, match=r"^cannot write '.*file\.bin\.part': No space left"):
            fetch(server.url, f"{server.url}/mirror")
    assert server.requests == [("/file.bin", None)]
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT  # what has come is kept
    assert fetch(server.url).read_bytes() == CONTENT


def test_web_pages(tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"\n<HTML>")
    with pytest.raises(NetError, match=r"/file' is a web page, not the file it should be"):
        refuse_page(tmp_path / "file.part")
    (tmp_path / "file").write_bytes(b"\n\x04html")
    refuse_page(tmp_path / "file")

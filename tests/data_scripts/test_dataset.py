from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.errors import NetError
from tests.data_scripts.scripts import Server, held, script, serving

dataset = script("dataset")
CONTENT = bytes(range(256)) * 1000


def check(path: Path) -> None:
    if path.read_bytes() != CONTENT:
        raise NetError("wrong content")


FILE = dataset.File("file.bin", len(CONTENT), check)
GONE = "http://127.0.0.1:1"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        running.files["file.bin"] = CONTENT
        yield running


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., Path]:
    def find(*mirrors: str) -> Any:
        return dataset.find(FILE, None, mirrors, tmp_path)

    return find


def test_download_once(server: Server, fetch: Callable[..., Path], tmp_path: Path) -> None:
    path = fetch(server.url)
    assert path == tmp_path / "file.bin"
    assert path.read_bytes() == CONTENT
    assert fetch(server.url) == path
    assert server.requests == [("/file.bin", None)]
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def test_the_next_mirror_is_tried(server: Server, fetch: Callable[..., Path]) -> None:
    assert fetch(GONE, f"{server.url}/nothing", f"{server.url}/").read_bytes() == CONTENT


def test_all_failures_are_told(server: Server, fetch: Callable[..., Path]) -> None:
    server.files["lie/file.bin"] = b"something else"
    with pytest.raises(NetError) as caught:
        fetch(GONE, f"{server.url}/nothing", f"{server.url}/lie")
    message = str(caught.value)
    assert message.startswith(f"cannot download file.bin: {GONE}/file.bin: ")
    assert "404" in message
    assert message.endswith("/lie/file.bin: wrong content")


def test_an_interrupted_download_goes_on(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    server.cut = 100_000
    with pytest.raises(NetError, match="the connection ended after 100000 of 256000 bytes"):
        fetch(server.url)
    assert not (tmp_path / "file.bin").exists()
    assert fetch(server.url, server.url).read_bytes() == CONTENT
    ranges = [wanted for _, wanted in server.requests]
    assert ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_servers_that_cannot_go_on_begin_again(
    server: Server, fetch: Callable[..., Path], tmp_path: Path
) -> None:
    server.ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(server.url).read_bytes() == CONTENT


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
    assert not list(tmp_path.iterdir())


def test_files_at_hand(tmp_path: Path, fetch: Callable[..., Path]) -> None:
    with pytest.raises(NetError, match=r"file\.bin' is missing; --from needs a folder that holds"):
        dataset.find(FILE, tmp_path, [], tmp_path / "out")
    (tmp_path / "file.bin").write_bytes(CONTENT)
    assert dataset.find(FILE, tmp_path, [], tmp_path / "out") == tmp_path / "file.bin"
    (tmp_path / "file.bin").write_bytes(b"")
    with pytest.raises(NetError, match="wrong content"):
        dataset.find(FILE, tmp_path, [], tmp_path / "out")
    with pytest.raises(NetError, match="wrong content"):
        fetch(GONE)
    assert not (tmp_path / "out").exists()


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    dataset.check_sha256(tmp_path / "file", empty)
    with pytest.raises(NetError, match=f"is not the file it should be: sha256 {empty}, not 00"):
        dataset.check_sha256(tmp_path / "file", "00")


def test_databases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(3, 1, 2, 4)
    assert not dataset.is_built(tmp_path / "db", 3, False)
    dataset.build(tmp_path / "db", images, np.array([5, 6, 7], np.uint8))
    records = held(tmp_path / "db")
    assert [(key, label) for key, _, label in records] == [
        (b"00000000", 5),
        (b"00000001", 6),
        (b"00000002", 7),
    ]
    assert np.array_equal([image for _, image, _ in records], images)
    assert dataset.is_built(tmp_path / "db", 3, False)
    assert "db: 3 records, there already (--force builds it again)" in capsys.readouterr().out
    assert not dataset.is_built(tmp_path / "db", 3, True)
    with pytest.raises(NetError, match="holds 3 records instead of 4; --force replaces it"):
        dataset.is_built(tmp_path / "db", 4, False)


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise NetError("no such thing")

    with pytest.raises(SystemExit) as caught:
        dataset.run(main)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: no such thing\n"

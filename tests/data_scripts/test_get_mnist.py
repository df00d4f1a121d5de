import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from tests.data_scripts.scripts import Server, held, run, script, serving
from tests.shared import shared

get_mnist = script("get_mnist")
COUNTS = {"train": 7, "test": 3}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Seven and three images in place of MNIST: packed files by name."""
    rng = np.random.default_rng(0)
    files, hashes = {}, {}
    for part, count in COUNTS.items():
        stem = get_mnist.STEMS[part]
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        labels = np.arange(count, dtype=np.uint8)
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
            data = header + values.tobytes()
            hashes[f"{stem}-{kind}-ubyte"] = hashlib.sha256(data).hexdigest()
            files[f"{stem}-{kind}-ubyte.gz"] = gzip.compress(data)
    monkeypatch.setattr(get_mnist, "COUNTS", COUNTS)
    monkeypatch.setattr(get_mnist, "HASHES", hashes)
    return files


def test_download_and_build(
    tiny: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving() as server:
        server.files = tiny
        args = ("--out", tmp_path, "--mirror", "http://127.0.0.1:1", "--mirror", server.url)
        run(get_mnist, monkeypatch, *args)
    for part, count in COUNTS.items():
        records = held(tmp_path / part)
        data = gzip.decompress(tiny[f"{get_mnist.STEMS[part]}-images-idx3-ubyte.gz"])[16:]
        assert b"".join(image.tobytes() for _, image, _ in records) == data
        assert [label for *_, label in records] == list(range(count))
        assert records[0][0] == b"00000000"
        assert records[0][1].shape == (1, 28, 28)
    capsys.readouterr()
    run(get_mnist, monkeypatch, "--out", tmp_path)
    assert capsys.readouterr().out.count("there already") == 2


def test_files_from_a_folder(
    tiny: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in tiny.items():
        (tmp_path / name).write_bytes(data)
    run(get_mnist, monkeypatch, "--out", tmp_path / "out", "--from", tmp_path)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["test", "train"]


def serve_train_images(server: Server, tiny: dict[str, bytes], data: bytes) -> None:
    server.files = {**tiny, "train-images-idx3-ubyte.gz": data}


def test_damaged_files_build_nothing(
    tiny: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tiny["train-images-idx3-ubyte.gz"]
    other = gzip.compress(gzip.decompress(good)[:-1] + b"x")
    cases = [
        (good[:-20], "cannot be unpacked"),
        (b"<html>not found</html>", "cannot be unpacked: Not a gzipped file"),
        (other, "is not the file it should be: sha256 "),
        (gzip.compress(bytes(16 + 8 * 784)), "is larger than any file of MNIST"),
    ]
    with serving() as server:
        for data, message in cases:
            serve_train_images(server, tiny, data)
            with pytest.raises(NetError, match=message):
                run(get_mnist, monkeypatch, "--out", tmp_path, "--mirror", server.url)
    assert not (tmp_path / "train").exists()


def test_headers() -> None:
    data = bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 6])
    assert get_mnist.labels_of(data, 2).tolist() == [5, 6]
    for wrong in (data[:-1], data + b"x", b"x" + data[1:], b""):
        with pytest.raises(NetError, match=r"an IDX file of shape \(2,\) is needed"):
            get_mnist.labels_of(wrong, 2)


def test_the_real_files_have_these_hashes() -> None:
    folder = shared("data/mnist")
    for name in get_mnist.HASHES:
        get_mnist.idx_file(name).check(folder / f"{name}.gz")

import hashlib
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from netcfg.data.mean import read_mean
from netcfg.errors import NetError
from tests.data_scripts.scripts import held, run, script, serving

get_cifar10 = script("get_cifar10")
PER_MEMBER = 4
SIZE = PER_MEMBER * 3073


def archive(members: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    return file.getvalue()


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Six small files in place of CIFAR-10's, and one that does not belong there."""
    rng = np.random.default_rng(0)
    names = [name for part in get_cifar10.MEMBERS.values() for name in part]
    made = {name: rng.integers(0, 10, SIZE, np.uint8).tobytes() for name in names}
    monkeypatch.setattr(get_cifar10, "PER_MEMBER", PER_MEMBER)
    monkeypatch.setattr(get_cifar10, "COUNTS", {"train": 5 * PER_MEMBER, "test": PER_MEMBER})
    return {"../outside": b"x", **made}


def accept(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(get_cifar10, "SHA256", hashlib.sha256(data).hexdigest())


def test_download_and_build(
    members: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = archive(members)
    accept(monkeypatch, data)
    out = tmp_path / "out"
    with serving() as server:
        server.files["cifar-10-binary.tar.gz"] = data
        run(get_cifar10, monkeypatch, "--out", out, "--mirror", server.url)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
        names = ["download", "mean.binaryproto", "test", "train"]
        assert sorted(p.name for p in out.iterdir()) == names
        train = held(out / "train")
        whole = b"".join(members[name] for name in get_cifar10.MEMBERS["train"])
        assert b"".join(bytes([y]) + x.tobytes() for _, x, y in train) == whole
        assert train[0][1].shape == (3, 32, 32)
        mean = np.mean([x for _, x, _ in train], axis=0)
        assert np.allclose(read_mean(out / "mean.binaryproto"), mean)
        capsys.readouterr()
        run(get_cifar10, monkeypatch, "--out", out, "--mirror", server.url)
        assert capsys.readouterr().out.count("there already") == 3
        assert len(server.requests) == 1
        (out / "mean.binaryproto").unlink()
        run(get_cifar10, monkeypatch, "--out", out, "--mirror", server.url)
    assert np.allclose(read_mean(out / "mean.binaryproto"), mean)


def test_another_archive_is_refused(
    members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(archive(members))
    with pytest.raises(NetError, match="is not the file it should be: sha256 "):
        run(get_cifar10, monkeypatch, "--out", tmp_path / "out", "--from", tmp_path)
    assert not (tmp_path / "out").exists()


def test_what_an_archive_must_hold(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "archive"
    names = get_cifar10.MEMBERS["test"]
    for wrong in ({}, {names[0]: b"short"}):
        path.write_bytes(archive({**members, **{names[0]: b""}, **wrong}))
        with pytest.raises(NetError, match=r"holds no 'cifar-10-batches-bin/test_batch\.bin' of"):
            get_cifar10.read_members(path, names)
    path.write_bytes(archive(members)[:2000])
    with pytest.raises(NetError, match="cannot be unpacked"):
        get_cifar10.read_members(path, names)


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    (name,) = get_cifar10.MEMBERS["test"]
    with tarfile.open(tmp_path / "archive", "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type = tarfile.SYMTYPE
        info.linkname = "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(NetError, match="holds no"):
        get_cifar10.read_members(tmp_path / "archive", [name])

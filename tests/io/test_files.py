import os
from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.io import files
from netcfg.io.files import find_file, of_zoo, write_whole


def test_a_file_is_written_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "a.bin"
    with write_whole(path) as file:
        file.write(b"abc")
        assert not path.exists()
    assert path.read_bytes() == b"abc"
    assert os.listdir(path.parent) == ["a.bin"]


def test_an_old_file_is_replaced_at_once(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old and longer")
    with write_whole(str(path)) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old and longer"
    assert path.read_bytes() == b"new"


def test_after_an_error_nothing_has_changed(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), write_whole(path) as file:
        file.writelines([b"half", None])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_after_an_interrupt_nothing_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), write_whole(tmp_path / "a.bin"):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_an_error_of_ours(tmp_path, monkeypatch):
    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(NetError) as error, write_whole(tmp_path / "a.bin") as file:
        file.write(b"half")
    assert str(error.value) == f"cannot write '{tmp_path}/a.bin': No space left on device"
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "a.bin"
    with pytest.raises(NetError, match=rf"^cannot write '{path}': "), write_whole(path):
        pytest.fail("nothing to write to")


def test_bytes_are_safe_before_the_name_is_taken(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            files.os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a))
        )
    with write_whole(tmp_path / "a.bin"):
        pass
    assert calls == ["fsync", "replace", "fsync"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    with write_whole(tmp_path / "a.bin"):
        pass
    (tmp_path / "b.bin").write_bytes(b"")
    modes = {p.stat().st_mode for p in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_file_is_found_from_here_then_beside_the_other(tmp_path, monkeypatch):
    here, beside = tmp_path / "here", tmp_path / "beside"
    for folder in (here, beside):
        folder.mkdir()
        (folder / "both.txt").touch()
    (beside / "one.txt").touch()
    monkeypatch.chdir(here)
    net = str(beside / "net.prototxt")
    assert find_file("both.txt", near=net) == Path("both.txt")
    assert find_file("one.txt", near=net) == beside / "one.txt"
    assert find_file(str(beside / "one.txt")) == beside / "one.txt"
    with pytest.raises(NetError):
        find_file("one.txt")


def test_home_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").touch()
    assert find_file("~/a.txt") == tmp_path / "a.txt"


def test_a_file_that_is_nowhere_names_the_folders_and_the_closest_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "mean.binaryproto").touch()
    with pytest.raises(NetError) as error:
        find_file("meen.binaryproto", near=str(folder / "net.prototxt"))
    assert str(error.value) == (
        f"file 'meen.binaryproto' not found; looked in '.' and '{folder}'"
        "; did you mean 'mean.binaryproto'?"
    )
    with pytest.raises(NetError, match=r"^file '/none/a.txt' not found; looked in '/none'$"):
        find_file("/none/a.txt", near=str(folder / "net.prototxt"))


def test_paths_of_the_zoo(monkeypatch):
    monkeypatch.delenv("NETCFG_MODELS", raising=False)
    for path in ("x/zoo:lenet", Path("zoo"), "zoo"):
        assert of_zoo(path) is path
    assert of_zoo("zoo:lenet") == of_zoo(Path("zoo:lenet/deploy.prototxt"))
    assert Path(of_zoo("zoo:lenet", "train_val.prototxt")).name == "train_val.prototxt"
    with pytest.raises(NetError, match=r"zoo:lnet: no model 'lnet'; did you mean 'lenet'\?"):
        find_file("zoo:lnet")

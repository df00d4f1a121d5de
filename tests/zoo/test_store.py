"""Where models are found, and weights from servers that break off, lie or are not there."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

import netcfg
import netcfg.pycaffe as caffe
from netcfg.check import check_file
from netcfg.errors import NetError
from netcfg.io import download
from netcfg.io.caffemodel import read_bytes, read_weights
from netcfg.io.files import find_file
from netcfg.schema import read_net
from netcfg.zoo import store
from netcfg.zoo.store import cache, fetch, find_model, folders, models, packaged, place, resolve
from tests.data_scripts.scripts import Server
from tests.zoo.folders import Make, weights_of

GONE = "http://127.0.0.1:1/w"


def sha(data: bytes, kind: str = "sha256") -> str:
    return hashlib.new(kind, data).hexdigest()


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    """The bytes of weights that fit."""
    (tmp_path / "store").mkdir()
    return weights_of(tmp_path / "store/w.caffemodel")


def entry(data: bytes, *urls: str, known: bool = True) -> str:
    """Return the lines of a file of weights in a card."""
    lines = ['file = "w.caffemodel"', f"urls = {json.dumps(urls)}", f"size = {len(data)}"]
    hashes = [f'{kind} = "{sha(data, kind)}"' for kind in ("sha1", "sha256")]
    return "\n".join([*lines, *(hashes if known else [])])


def held(tmp_path: Path) -> list[str]:
    """Return what is in the model's folder of the cache."""
    folder = tmp_path / "cache/small"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# Folders ---------------------------------------------------------------------------------------


def test_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETCFG_ZOO", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache() == tmp_path / ".cache/netcfg/zoo"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache() == tmp_path / "x/netcfg/zoo"
    monkeypatch.setenv("NETCFG_ZOO", "~/y")
    assert cache() == tmp_path / "y"


def test_the_first_folder_counts(
    mine: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETCFG_MODELS", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    assert folders() == [tmp_path / "a", tmp_path / "b", tmp_path / "cache", packaged()]
    for folder in ("cache", "b"):
        mine("one", folder=folder)
        mine("lenet", folder="cache")
    (tmp_path / "a/weights only").mkdir(parents=True)
    assert models()["one"] == tmp_path / "b/one"
    assert models()["lenet"] == tmp_path / "cache/lenet"
    assert "weights only" not in models()
    mine("one", folder="a")
    assert find_model("one").folder == tmp_path / "a/one"


def test_the_models_of_the_package(mine: Make) -> None:
    card = find_model("lenet")
    assert card.folder == packaged() / "lenet"
    assert (packaged() / "lenet/deploy.prototxt").is_file()
    with pytest.raises(NetError, match=r"no model 'lenett'; did you mean 'lenet'\? \(`netcfg zoo"):
        find_model("lenett")


# Weights ---------------------------------------------------------------------------------------


def test_weights_are_fetched_once(
    mine: Make, server: Server, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files["w"] = data
    server.moved["old"] = f"{server.url}/w"
    mine("small", entry(data, f"{server.url}/old"))
    card = find_model("small")
    path = tmp_path / "cache/small/w.caffemodel"
    assert fetch(card, card.weights[0]) == (path, False)
    assert path.read_bytes() == data
    assert capsys.readouterr().err.startswith(
        f"netcfg: downloading w.caffemodel of small ({len(data)} B, licence: CC0-1.0) to "
        f"'{path.parent}'\n"
    )
    assert fetch(card, card.weights[0]) == (path, True)
    assert [asked for asked, _ in server.requests] == ["/old", "/w"]
    assert held(tmp_path) == ["w.caffemodel"]
    assert fetch(card, card.weights[0], folder=tmp_path / "d", given=tmp_path / "store") == (
        tmp_path / "d/small/w.caffemodel",
        False,
    )
    assert capsys.readouterr().err == ""


def test_weights_beside_the_card(mine: Make, data: bytes) -> None:
    folder = mine("small", entry(data, GONE))
    (folder / "w.caffemodel").write_bytes(data)
    card = find_model("small")
    assert fetch(card, card.weights[0], offline=True) == (folder / "w.caffemodel", True)
    (folder / "w.caffemodel").write_bytes(data[:-1])
    with pytest.raises(NetError, match=r"has \d+ bytes, not \d+; it is cut off or another; move"):
        fetch(card, card.weights[0])


def test_a_connection_that_drops_half_way(
    mine: Make, server: Server, data: bytes, tmp_path: Path
) -> None:
    server.files["w"] = data
    server.cut = len(data) // 2 + 1
    mine("small", entry(data, f"{server.url}/w"))
    card = find_model("small")
    fetch(card, card.weights[0])
    assert [asked for _, asked in server.requests] == [None, f"bytes={server.cut}-"]
    assert read_weights(place(card, card.weights[0]))["ip"][0] is not None
    assert held(tmp_path) == ["w.caffemodel"]


def test_a_server_that_ignores_ranges(
    mine: Make, server: Server, data: bytes, tmp_path: Path
) -> None:
    server.files["w"] = data
    server.ranges = False
    mine("small", entry(data, f"{server.url}/w"))
    card = find_model("small")
    (tmp_path / "cache/small").mkdir(parents=True)
    (tmp_path / "cache/small/w.caffemodel.part").write_bytes(data[:10])
    assert fetch(card, card.weights[0])[0].read_bytes() == data
    assert held(tmp_path) == ["w.caffemodel"]


def test_a_server_that_truncates(mine: Make, server: Server, data: bytes, tmp_path: Path) -> None:
    server.files["w"] = data
    server.cut = 0
    server.claim = -5
    mine("small", entry(data, f"{server.url}/w"))
    card = find_model("small")
    with pytest.raises(NetError, match=f"the connection ended after 0 of {len(data) - 5} bytes"):
        fetch(card, card.weights[0])
    server.files["w"], server.cut, server.claim = data[:-5], None, 0
    with pytest.raises(NetError, match=f"has {len(data) - 5} bytes, not {len(data)}; it is cut"):
        fetch(card, card.weights[0])
    assert "w.caffemodel" not in held(tmp_path)


@pytest.mark.parametrize("known", [True, False])
def test_mirrors_are_tried_in_turn(
    mine: Make, server: Server, data: bytes, tmp_path: Path, known: bool
) -> None:
    other = data[:-1] + b"x"
    server.files.update({"page": b"<!DOCTYPE html>".ljust(len(data)), "long": data + b"more"})
    server.files.update({"same size": other, "garbage": bytes(len(data)), "w": data})
    bad = [GONE, *(f"{server.url}/{n}" for n in ("none", "page", "long", "garbage"))]
    bad += [f"{server.url}/same%20size"] if known else []
    server.files["same%20size"] = other
    mine("small", entry(data, *bad, known=known))
    card = find_model("small")
    with pytest.raises(NetError) as caught:
        fetch(card, card.weights[0])
    text = str(caught.value)
    assert text.startswith(f"cannot download w.caffemodel: {GONE}: ")
    wanted = ["404", "web page", f"larger than {len(data)} bytes", "garbage: "]
    for word in [*wanted, "same%20size: "] if known else wanted:
        assert word in text
    assert held(tmp_path) == []
    mine("small", entry(data, *bad, f"{server.url}/w", known=known))
    card = find_model("small")
    assert fetch(card, card.weights[0])[0].read_bytes() == data


def test_weights_without_a_hash(
    mine: Make, server: Server, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files["w"] = data
    mine("small", f'file = "w.caffemodel"\nurls = ["{server.url}/w"]\nlicence = "theirs"')
    card = find_model("small")
    fetch(card, card.weights[0])
    message = capsys.readouterr().err.splitlines()[0]
    assert "(size not known, licence: theirs)" in message
    assert message.endswith("; no hash is known to check it by")


@pytest.mark.parametrize(("kind", "digits"), [("sha1", 40), ("sha256", 64)])
def test_each_hash_is_checked(
    mine: Make, data: bytes, tmp_path: Path, kind: str, digits: int
) -> None:
    right = entry(data, GONE)
    mine("small", right.replace(sha(data, kind), "0" * digits))
    card = find_model("small")
    with pytest.raises(NetError, match=f"is not the file it should be: {kind} {sha(data, kind)}"):
        fetch(card, card.weights[0], given=tmp_path / "store")
    assert held(tmp_path) == []


def test_offline(mine: Make, data: bytes, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    mine("small", entry(data, f"{server.url}/w"))
    card = find_model("small")
    how = r"cache/small/w\.caffemodel' is missing, and the network is not to be used; put it there"
    with pytest.raises(NetError, match=how):
        fetch(card, card.weights[0], offline=True)
    monkeypatch.setenv("NETCFG_OFFLINE", "1")
    with pytest.raises(NetError, match=rf"^zoo:small/weights: .*{how}.* zoo download small` where"):
        resolve("zoo:small/weights")
    assert server.requests == []
    monkeypatch.setenv("NETCFG_OFFLINE", "0")
    with pytest.raises(NetError, match="404"):
        fetch(card, card.weights[0])


def test_no_address(mine: Make) -> None:
    mine("small", 'file = "w.caffemodel"')
    card = find_model("small")
    with pytest.raises(NetError, match=r"and the card of 'small' knows no address; put it there"):
        fetch(card, card.weights[0])


# Paths -----------------------------------------------------------------------------------------


def test_paths(mine: Make, data: bytes, server: Server, tmp_path: Path) -> None:
    server.files["w"] = data
    folder = mine("small", entry(data, f"{server.url}/w"))
    assert resolve("zoo:small") == folder / "deploy.prototxt"
    assert resolve("zoo:small/card.toml") == folder / "card.toml"
    weights = tmp_path / "cache/small/w.caffemodel"
    assert resolve("zoo:small", "weights") == weights
    assert resolve("zoo:small/w.caffemodel") == weights
    assert len(server.requests) == 1
    for path, message in (
        ("zoo:smal", "zoo:smal: no model 'smal'; did you mean 'small'?"),
        ("zoo:", "zoo:: no model ''"),
        ("zoo:small/deploy.protoxt", "no 'deploy.protoxt'; did you mean 'deploy.prototxt'? (files"),
        ("zoo:small/../x", "what follows the model's name must be a file name without folders"),
        ("zoo:lenet/weights", "zoo:lenet/weights: the card of 'lenet' names no weights"),
    ):
        with pytest.raises(NetError) as caught:
            resolve(path)
        assert message in str(caught.value)


def test_the_python_api_takes_them(
    mine: Make, data: bytes, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files["w"] = data
    folder = mine("small", entry(data, f"{server.url}/w"))
    assert read_net("zoo:small").message.source.file == str(folder / "deploy.prototxt")
    assert find_file("zoo:small") == folder / "deploy.prototxt"
    assert check_file("zoo:small") == []
    with netcfg.Net("zoo:small") as net:
        assert net.name == "Small"
        net.load(read_weights("zoo:small"))
        assert "downloading w.caffemodel of small" in capsys.readouterr().err
        assert net.params[0].data[3, 5] == np.float32(2.3)
    assert bytes(read_bytes(Path("zoo:small/weights"))) == data
    theirs = caffe.Net("zoo:small", "zoo:small/weights", caffe.TEST)
    assert theirs.params["ip"][0].data[3, 5] == np.float32(2.3)
    assert len(server.requests) == 1


SOLVER = """\
net: "train.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 random_seed: 1
snapshot_prefix: "out/x"
"""
LOSS = """
layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 2 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }
"""


def test_solvers_take_them(
    mine: Make, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = mine("small", entry(data, GONE))
    (folder / "w.caffemodel").write_bytes(data)
    net = (folder / "deploy.prototxt").read_text() + LOSS
    (folder / "train.prototxt").write_text(net)
    (folder / "solver.prototxt").write_text(SOLVER)
    for given in ("zoo:small", "zoo:small/weights"):
        with netcfg.Solver("zoo:small", weights=[given]) as solver:
            assert solver.train_net.weights()["ip"][0][3, 5] == np.float32(2.3)
    named = 'net: "zoo:small/train.prototxt" weights: "zoo:small"'
    (tmp_path / "mine.prototxt").write_text(SOLVER.replace('net: "train.prototxt"', named))
    with netcfg.Solver("mine.prototxt") as solver:
        assert solver.train_net.weights()["ip"][0][3, 5] == np.float32(2.3)
    assert check_file("zoo:small/solver.prototxt") == []
    assert download.PAUSE == 0
    assert store.PREFIX == "zoo:"

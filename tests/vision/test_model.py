"""Nets with weights, labels and preparation, from wherever they are named."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import read_weights, write_weights
from netcfg.io.preparation import Preparation
from netcfg.net import Net
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.vision.model import Model
from netcfg.vision.outline import Outline
from netcfg.vision.settings import Settings
from netcfg.weights import stored_layers
from netcfg.zoo.card import Card
from tests.data.databases import images, make_lmdb
from tests.vision.nets import CLASSIFY, write_net

CARD = """\
name = "colours"
title = "Colours"
task = "classification"
paper = "none"
licence = "none"
parameters = 12
multiply_adds = 9
[input]
size = [4, 6]
channels = "RGB"
[output]
blob = "ip"
labels = "%s"
[[weights]]
file = "w.caffemodel"
"""
TRAINED = """\
layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.5 }
        data_param { source: "db" batch_size: 2 backend: LMDB } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: AVE global_pooling: true } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
        inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def last(outline: Outline, card: Card | None) -> list[str]:
    return [card.output.blob if card else outline.only("scores")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETCFG_ZOO", str(tmp_path / "cache"))
    write_net(tmp_path, CLASSIFY)
    return tmp_path


def model_folder(folder: Path, labels: str = "names.txt") -> Path:
    path = folder / "colours"
    path.mkdir()
    (path / "card.toml").write_text(CARD % labels)
    (path / "deploy.prototxt").write_bytes((folder / "net.prototxt").read_bytes())
    (path / "w.caffemodel").write_bytes((folder / "w.caffemodel").read_bytes())
    (path / "names.txt").write_text("blue\ngreen\nred\n")
    return path


def test_runs_a_net(folder: Path) -> None:
    model = Model("net.prototxt", Settings(["w.caffemodel"]), last)
    assert (model.shape, model.blobs, model.labels) == ((1, 3, 4, 6), ["prob"], [])
    x = np.zeros((2, 3, 4, 6), np.float32)
    x[1, 2] = 64
    (y,) = model.run(x).values()
    e = np.exp(2.0)
    np.testing.assert_allclose(y[0], 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(y[1], np.array([1, 1, e]) / (2 + e), rtol=1e-6)


def test_only_what_is_needed_is_built(folder: Path) -> None:
    model = Model("net.prototxt", Settings(), lambda outline, card: ["pool"])
    assert [layer.name for layer in model.net.layers] == ["data", "pool"]


def test_model_folders(folder: Path) -> None:
    model = Model(model_folder(folder), Settings(), last, get_engine("numpy"))
    assert model.labels == ["blue", "green", "red"]
    assert (model.blobs, model.preprocess.channels) == (["ip"], "RGB")
    x = np.full((1, 3, 4, 6), 32, np.float32)
    np.testing.assert_allclose(model.run(x)["ip"], 1, rtol=1e-6)


def test_the_prototxt_of_a_model_folder_has_its_card(folder: Path) -> None:
    path = model_folder(folder)
    model = Model(path / "deploy.prototxt", Settings(), last)
    assert (model.blobs, model.preprocess.channels) == (["ip"], "RGB")
    copied = folder / "copied.prototxt"
    copied.write_bytes((path / "deploy.prototxt").read_bytes())
    assert Model(copied, Settings(weights=[path / "w.caffemodel"]), last).card is None


def test_a_warning_where_nobody_knows_the_preparation(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = model_folder(folder)
    Model(path, Settings(), last)
    Model("net.prototxt", Settings(weights=["w.caffemodel"], scale=1.0), last)
    assert not caplog.messages
    Model("net.prototxt", Settings(weights=["w.caffemodel"]), last)
    (said,) = caplog.messages
    assert "values from 0 to 255; --mean and --scale change that" in said


def test_models_of_the_zoo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(folder, "imagenet")
    monkeypatch.setenv("NETCFG_MODELS", str(folder))
    assert Model("zoo:colours", Settings(), last).labels == []
    (folder / "synset_words.txt").write_text("a\nb\nc\n")
    assert Model("zoo:colours", Settings(), last).labels == ["a", "b", "c"]
    with pytest.raises(NetError, match=r"no model 'colour'; did you mean 'colours'"):
        Model("zoo:colour", Settings(), last)


def test_a_net_that_was_trained(folder: Path) -> None:
    make_lmdb(folder / "db", images(3, (3, 5, 5)))
    (folder / "train.prototxt").write_text(TRAINED)
    model = Model("train.prototxt", Settings(["w.caffemodel"]), last)
    assert (model.blobs, model.shape) == (["prob"], (1, 3, 5, 5))
    assert model.preprocess.scale == 0.5


def test_a_net_whose_data_is_not_there(folder: Path) -> None:
    (folder / "train.prototxt").write_text(TRAINED)
    with pytest.raises(NetError, match=r"--shape data=N,C,H,W"):
        Model("train.prototxt", Settings(["w.caffemodel"]), last)
    settings = Settings(["w.caffemodel"], shapes={"data": (1, 3, 6, 6)})
    assert Model("train.prototxt", settings, last).shape == (1, 3, 6, 6)


def test_files_of_models_of_the_zoo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model_folder(folder)
    monkeypatch.setenv("NETCFG_MODELS", str(folder))
    (path / "other.prototxt").write_text(CLASSIFY.replace("colours", "others"))
    model = Model("zoo:colours/other.prototxt", Settings(["zoo:colours"]), last)
    assert model.outline.config.name == "others"
    assert (model.blobs, model.preprocess.channels) == (["ip"], "RGB")  # as the card says


def test_weights_say_how_pictures_are_prepared(folder: Path) -> None:
    path = model_folder(folder)
    with Net("net.prototxt") as net:
        net.load(read_weights("w.caffemodel"))
        prepared = Preparation(TransformationParameter(scale=0.25, mean_value=[7]), channels="BGR")
        layers = list(stored_layers(net.layers, net.engine))
        write_weights("learned.caffemodel", "n", layers, prepared)
    for source in ("net.prototxt", path):
        found = Model(source, Settings(["learned.caffemodel"]), last).preprocess
        assert (found.scale, found.mean.ravel().tolist(), found.channels) == (0.25, [7], "BGR")
    found = Model(path, Settings(["learned.caffemodel"], scale=3.0, mean=[1]), last).preprocess
    assert (found.scale, found.mean.ravel().tolist()) == (3, [1])


def test_every_layer_needs_weights(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"name the file of its weights with --weights"):
        Model("net.prototxt", Settings(), last)
    text = (folder / "net.prototxt").read_text()
    (folder / "net.prototxt").write_text(text.replace('name: "ip"', 'name: "ip2"'))
    with pytest.raises(WeightsError, match=r"layer 'ip2' .* 'w.caffemodel' hold no weights for it"):
        Model("net.prototxt", Settings(["w.caffemodel"]), last)
    with pytest.raises(NetError, match=r"'v.caffemodel' not found"):
        Model("net.prototxt", Settings(["v.caffemodel"]), last)


def test_layers_that_the_weights_call_otherwise(folder: Path) -> None:
    text = (folder / "net.prototxt").read_text().replace('name: "ip"', 'name: "ip2"')
    (folder / "net.prototxt").write_text(text.replace("num_output: 3", "num_output: 3 speed: 9"))
    with pytest.raises(NetError, match=r"speed"):
        Model("net.prototxt", Settings(["w.caffemodel"]), last)
    given = {"weights": ["w.caffemodel"], "ignore_fields": ["speed"]}
    x = np.full((1, 3, 4, 6), 32, np.float32)
    x[:, 2] = 96
    model = Model("net.prototxt", Settings(**given, renames={"ip": "ip2"}), last)
    assert model.run(x)["prob"].argmax() == 2
    ignored = Model("net.prototxt", Settings(**given, ignore_mismatch=["ip2"]), last)
    np.testing.assert_allclose(ignored.run(x)["prob"], 1 / 3, rtol=1e-6)
    assert model.identity()["weights"] != ignored.identity()["weights"]


def test_a_folder_needs_a_card(folder: Path) -> None:
    with pytest.raises(NetError, match=r"must hold a card\.toml"):
        Model(folder, Settings(), last)


def test_identity_changes_with_what_decides_answers(folder: Path) -> None:
    def identity(**options: object) -> dict[str, str]:
        given = {"weights": ["w.caffemodel"], **options}
        return Model("net.prototxt", Settings(**given), last).identity()  # type: ignore[arg-type]

    first = identity()
    (folder / "l").write_text("a\n")

    def changed(**options: object) -> list[str]:
        return [k for k, v in identity(**options).items() if v != first[k]]

    assert changed() == []
    assert changed(labels="l") == ["labels"]
    assert changed(mean=[1, 2, 3]) == changed(scale=2.0) == ["preprocessing"]
    assert changed(size=(5, 5)) == ["net", "preprocessing"]
    data = bytearray((folder / "w.caffemodel").read_bytes())
    data[-1] ^= 1
    (folder / "w.caffemodel").write_bytes(data)
    assert changed() == ["weights"]

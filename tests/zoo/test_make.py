"""Model folders from a net, weights and an image."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.mean import write_mean
from netcfg.deploy import deploy_net
from netcfg.errors import NetError
from netcfg.io.caffemodel import StoredLayer, write_weights
from netcfg.io.preparation import Preparation
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.schema import parse_net, read_net
from netcfg.zoo.card import Input, Output, read_card
from netcfg.zoo.make import About, add, write_model
from netcfg.zoo.store import find_model, resolve
from netcfg.zoo.verify import verify
from tests.shared import shared
from tests.zoo.folders import NET, Make, weights_of

TRAIN = """\
name: "net"
layer {{
  name: "data" type: "Data" top: "data" top: "label" transform_param {{ crop_size: 4 {} }}
  data_param {{ source: "x" batch_size: 1 }}
}}
layer {{
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {{ num_output: 2 }}
}}
layer {{ name: "loss" type: "{}" bottom: "ip" bottom: "label" top: "loss" }}
"""


def write(folder: Path, transform: str, loss: str = "SoftmaxWithLoss", about: About | None = None):
    net = parse_net(TRAIN.format(transform, loss), str(folder / "net.prototxt")).message
    return write_model(deploy_net(net), folder / "net", about)


def test_what_the_data_layer_says(tmp_path: Path) -> None:
    card = write(tmp_path, "mean_value: [104, 117.5, 123] scale: 0.017")
    assert card == read_card(tmp_path / "net")
    assert (card.name, card.title, card.task) == ("net", "net", "classification")
    assert (card.parameters, card.multiply_adds) == (2 * 48 + 2, 2 * 48)
    assert card.input == Input((4, 4), "BGR", mean=(104.0, 117.5, 123.0), scale=0.017)
    assert card.output == Output("prob")
    assert sorted(p.name for p in (tmp_path / "net").iterdir()) == ["card.toml", "deploy.prototxt"]
    assert [p.name for p in tmp_path.iterdir()] == ["net"]
    with pytest.raises(NetError, match=r"net' exists already; remove it, or take another name"):
        write(tmp_path, "")


def test_a_mean_image_goes_along(tmp_path: Path) -> None:
    write_mean(tmp_path / "mean.binaryproto", np.ones((3, 6, 5), np.float32))
    card = write(tmp_path, 'mean_file: "mean.binaryproto"')
    assert (card.input.mean_file, card.input.resize) == ("mean.binaryproto", (6, 5))
    mean = (tmp_path / "net/mean.binaryproto").read_bytes()
    assert mean == (tmp_path / "mean.binaryproto").read_bytes()


def test_a_mean_image_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NetError, match=r"file 'm' not found.*; --mean says what to take in its pl"):
        write(tmp_path, 'mean_file: "m"')
    assert list(tmp_path.iterdir()) == []
    card = write(tmp_path, 'mean_file: "m"', about=About(mean=(1.0, 2.0, 3.0)))
    assert (card.input.mean, card.input.mean_file) == ((1.0, 2.0, 3.0), "")


def test_what_people_say_counts(tmp_path: Path) -> None:
    about = About("T", "features", "P", "L", channels="RGB", mean=(5.0,), scale=2.0, resize=(8, 9))
    card = write(tmp_path, "mean_value: 1 scale: 3", "EuclideanLoss", about)
    assert card.input == Input((4, 4), "RGB", (8, 9), mean=(5.0,), scale=2.0)
    assert (card.title, card.task, card.paper, card.licence) == ("T", "features", "P", "L")
    assert card.output.blob == "ip"


def test_a_detector_takes_the_names_of_its_classes_along(tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[2] / "models/mobilenet_ssd"
    net = read_net(folder / "train_val.prototxt").message
    card = write_model(deploy_net(net), tmp_path / "net", merge=True)
    assert (card.task, card.output) == (
        "detection",
        Output("detection_out", "labelmap_voc.prototxt"),
    )
    assert (card.input.size, card.input.resize) == ((300, 300), ())
    assert card.parameters == read_card(folder).parameters
    assert (tmp_path / "net/labelmap_voc.prototxt").is_file()


def test_nets_that_take_no_images(tmp_path: Path) -> None:
    for shape, message in (("6", "a card needs a net with images"), ("5, 2, 2", "the net has 5")):
        text = NET.replace("[2, 1, 2, 3]", f"[2, {shape}]")
        deployed = deploy_net(parse_net(text).message)
        with pytest.raises(NetError, match=message):
            write_model(deployed, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


# Adding ----------------------------------------------------------------------------------------


@pytest.fixture
def files(mine: Make, tmp_path: Path) -> Path:
    """A folder with a net, weights, an image and labels."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "net.prototxt").write_text(NET)
    (folder / "labels").write_text("a\nb\nc\nd\n")
    weights_of(folder / "w.caffemodel")
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(folder / "i.png")
    return folder


def test_add(files: Path, tmp_path: Path) -> None:
    data = (files / "w.caffemodel").read_bytes()
    card = add(
        "my",
        files / "net.prototxt",
        files / "w.caffemodel",
        image=files / "i.png",
        labels=files / "labels",
        about=About(scale=0.1),
    )
    assert card == find_model("my")
    assert card.folder == tmp_path / "cache/my"
    weights = card.weights[0]
    assert (weights.file, weights.size) == ("w.caffemodel", len(data))
    assert weights.sha1 == hashlib.sha1(data).hexdigest()
    assert weights.sha256 == hashlib.sha256(data).hexdigest()
    assert resolve("zoo:my/weights").read_bytes() == data
    assert [f.ok for f in verify(card)] == [True, True]
    assert card.output.labels == "labels.txt"
    x, w = np.arange(6) * 0.1, np.arange(24).reshape(4, 6) / 10
    scores = np.exp(w @ x + w[:, 0])
    assert card.example is not None
    assert card.example.classes == (3, 2, 1, 0)
    np.testing.assert_allclose(card.example.scores, (scores / scores.sum())[::-1], atol=1e-6)
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["my"]
    with pytest.raises(NetError, match="exists already"):
        add("my", files / "net.prototxt", files / "w.caffemodel")


def test_weights_that_say_how_images_are_prepared(files: Path) -> None:
    transform = TransformationParameter(scale=0.25, mean_value=[7])
    w = np.ones((4, 6), np.float32)
    layer = StoredLayer("ip", "InnerProduct", blobs=[w, w[:, 0]])
    write_weights(files / "told", "n", [layer], Preparation(transform))
    card = add("my", files / "net.prototxt", files / "told")
    assert (card.input.scale, card.input.mean) == (0.25, (7.0,))
    assert (card.example, card.output.labels) == (None, "")


def test_nothing_is_added_where_something_is_wrong(files: Path, tmp_path: Path) -> None:
    net, weights = files / "net.prototxt", files / "w.caffemodel"
    weights_of(files / "other", "other")
    for name, given, more, message in (
        ("a/b", weights, {}, "the name of a model must be a file name without folders"),
        ("my", files / "none", {}, "file '.*none' not found"),
        ("my", weights, {"image": files / "none"}, "file '.*none' not found"),
        ("my", weights, {"image": net}, r"net\.prototxt"),
        ("my", files / "other", {}, r"other' holds no weights for it"),
        ("my", net, {}, "net.prototxt"),
    ):
        with pytest.raises(NetError, match=message):
            add(name, net, given, **more)
    assert list((tmp_path / "cache").iterdir()) == []


def test_lenet_reads_a_seven(mine: Make, tmp_path: Path) -> None:
    """The first test image of MNIST."""
    weights = shared("data/models/lenet/lenet_iter_10000.caffemodel")
    with gzip.open(shared("data/mnist/t10k-images-idx3-ubyte.gz")) as file:
        pixels = np.frombuffer(file.read(16 + 784)[16:], np.uint8).reshape(28, 28)
    Image.fromarray(pixels).save(tmp_path / "seven.png")
    card = add(
        "mine", "zoo:lenet", weights, image=tmp_path / "seven.png", about=About(scale=1 / 256)
    )
    assert card.input == find_model("lenet").input
    assert card.example is not None
    assert card.example.classes[0] == 7
    assert card.example.scores[0] > 0.99

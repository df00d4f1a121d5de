"""Classes of pictures."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.mean import write_mean
from netcfg.deploy import deploy_net
from netcfg.errors import NetError
from netcfg.schema import read_net, to_text
from netcfg.solver import Solver
from netcfg.vision.classifier import Classification, Classifier, Prediction
from netcfg.vision.settings import Settings
from tests.data.databases import images, make_lmdb
from tests.shared import shared
from tests.vision.nets import CLASSIFY, write_net, write_pictures

RED = Image.new("RGB", (12, 8), (255, 0, 0))
LOGIT = 255 / 32


@pytest.fixture
def net(tmp_path: Path) -> tuple[str, Settings]:
    (tmp_path / "labels").write_text("blue\ngreen\n")
    path, weights = write_net(tmp_path, CLASSIFY)
    return path, Settings([weights], labels=tmp_path / "labels")


def test_the_best_classes(net: tuple[str, Settings]) -> None:
    (found,) = Classifier(*net, top=2).predict([RED])
    p = np.exp(LOGIT) / (np.exp(LOGIT) + 2)
    assert [(t.label, t.name) for t in found.top] == [(2, "2"), (0, "blue")]
    assert found.top[0].score == pytest.approx(p, rel=1e-6)
    assert found.scores.shape == (3,)
    assert len(Classifier(*net, top=9).predict([RED])[0].top) == 3


def test_logits_and_other_blobs(net: tuple[str, Settings]) -> None:
    (found,) = Classifier(*net, logits=True).predict([RED])
    np.testing.assert_allclose(found.scores, [0, 0, LOGIT], rtol=1e-6)
    (pooled,) = Classifier(*net, blob="pool").predict([RED])
    np.testing.assert_allclose(pooled.scores, [0, 0, 255], rtol=1e-6)
    assert Classifier(*net, blob="pool", logits=True).model.blobs == ["pool"]


def test_logits_that_are_overwritten(net: tuple[str, Settings]) -> None:
    path = Path(net[0])
    path.write_text(path.read_text().replace('bottom: "ip" top: "prob"', 'bottom: "ip" top: "ip"'))
    with pytest.raises(NetError, match=r"layer 'prob' .Softmax. writes its output over its input"):
        Classifier(*net, logits=True)


def test_the_mean_over_ten_views(tmp_path: Path) -> None:
    array = np.zeros((8, 12, 3), np.uint8)
    array[:, :6, 0] = 255  # red on the left, blue on the right
    array[:, 6:, 2] = 255
    net, weights = write_net(tmp_path, CLASSIFY)
    settings = Settings([weights], resize=(8, 12), oversample=True)
    (found,) = Classifier(net, settings, blob="pool").predict([array])
    np.testing.assert_allclose(found.scores, [127.5, 0, 127.5], rtol=1e-5)
    (centre,) = Classifier(net, Settings([weights], resize=(8, 12)), blob="pool").predict([array])
    np.testing.assert_allclose(centre.scores, [127.5, 0, 127.5], rtol=1e-5)
    left = Classifier(net, settings).predict([array, array])
    one = np.array([[1, 1, np.exp(LOGIT)]])
    one /= one.sum()
    middle = np.array([[np.exp(LOGIT / 2), 1, np.exp(LOGIT / 2)]])
    middle /= middle.sum()
    expected = (4 * one + 4 * one[:, ::-1] + 2 * middle) / 10
    np.testing.assert_allclose([c.scores for c in left], np.repeat(expected, 2, 0), rtol=1e-5)


def test_records_and_rows(net: tuple[str, Settings]) -> None:
    result = Classification((Prediction(2, "red", 0.5),), np.array([0, 0.5], np.float32))
    task = Classifier(*net)
    record = task.record(result)
    assert record == {"top": [{"label": 2, "name": "red", "score": 0.5}]}
    assert task.rows(record) == [{"label": [2], "name": ["red"], "score": [0.5]}]
    every = Classifier(*net, every=True)
    record = every.record(result)
    assert record["scores"].tolist() == [0, 0.5]
    (row,) = every.rows(record)
    assert set(row) == {c.name for c in every.columns} == {"label", "name", "score", "scores"}
    assert task.identity()["options"] != every.identity()["options"]


def test_outputs_without_a_row_for_each_picture(tmp_path: Path) -> None:
    net, weights = write_net(
        tmp_path,
        CLASSIFY + 'layer { name: "s" type: "Reduction" bottom: "prob" top: "sum" }',
    )
    with pytest.raises(NetError, match=r"blob 'sum' must have a row for each picture"):
        Classifier(net, Settings([weights]), batch=1).predict([RED])


def test_lenet_of_caffe() -> None:
    """Caffe's weights get .9914 of the test digits right, as Caffe measured."""
    files, digits = shared("data/models/lenet"), shared("data/mnist")
    names = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    raw = [np.frombuffer(gzip.decompress((digits / name).read_bytes()), np.uint8) for name in names]
    images, labels = raw[0][16:].reshape(-1, 28, 28), raw[1][8:]
    settings = Settings([files / "lenet_iter_10000.caffemodel"], scale=1 / 256)
    task = Classifier(files / "lenet.prototxt", settings, batch=100)
    found = [c.top[0].label for c in task.predict(images)]
    assert int((np.array(found) == labels).sum()) == 9914


def test_pictures_of_files(net: tuple[str, Settings], tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "in", 3)
    assert [c.top[0].label for c in Classifier(*net).predict(paths)] == [0, 1, 2]


# Training and answering --------------------------------------------------------------------------

TRAINED = """\
layer { name: "data" type: "Data" top: "data" top: "label"
        transform_param { crop_size: 4 scale: 0.0625 mean_file: "mean" mirror: true }
        data_param { source: "db" batch_size: 5 backend: LMDB } include { phase: TRAIN } }
layer { name: "data" type: "Data" top: "data" top: "label"
        transform_param { crop_size: 4 scale: 0.0625 mean_file: "mean" }
        data_param { source: "db" batch_size: 5 backend: LMDB } include { phase: TEST } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
        top: "prob" }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 3 random_seed: 1 '
SOLVER += 'test_iter: 1 test_interval: 3 snapshot_prefix: "s" snapshot_format: %s'


@pytest.mark.parametrize(("kind", "ending"), [("BINARYPROTO", ""), ("HDF5", ".h5")])
def test_a_snapshot_answers_as_it_did_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, ending: str
) -> None:
    monkeypatch.chdir(tmp_path)
    values = images(5, (3, 6, 8))
    make_lmdb(tmp_path / "db", values)
    write_mean(tmp_path / "mean", values.mean(axis=0))
    Path("net.prototxt").write_text(TRAINED)
    Path("solver.prototxt").write_text(SOLVER % kind)
    with Solver("solver.prototxt") as solver:
        solver.solve()
        expected = solver.test_nets[0].forward()["prob"]
    deployed = deploy_net(read_net("net.prototxt").message)
    Path("deploy.prototxt").write_text(to_text(deployed.net))
    for path in ("mean", "net.prototxt"):
        Path(path).unlink()
    pictures = [Image.fromarray(value[::-1].transpose(1, 2, 0)) for value in values]
    weights = Settings([f"s_iter_3.caffemodel{ending}"])
    found = Classifier("deploy.prototxt", weights).predict(pictures)
    np.testing.assert_allclose([f.scores for f in found], expected, rtol=1e-5)

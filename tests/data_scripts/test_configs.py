"""The trainable examples in configs/: they parse and their nets run."""

import re
from pathlib import Path

import numpy as np
import pytest

from netcfg.data.mean import write_mean
from netcfg.net import Net
from netcfg.schema import kind_of, read_net, read_solver
from netcfg.types import Phase
from tests.data.annotated import make_annotated
from tests.data.databases import make_lmdb
from tests.data_scripts.scripts import run, script

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "configs").glob("*/*.prototxt"))
NETS = [path for path in FILES if "solver" not in path.name]
OTHERS = ("shapes_ssd", "shapes_rcnn", "shapes_seg", "captcha")
DETECTORS, PROPOSERS, SEGMENTERS, READERS = (
    [path for path in NETS if path.parent.name == folder] for folder in OTHERS
)
CLASSIFIERS = [path for path in NETS if path.parent.name not in OTHERS]
SOLVERS = [path for path in FILES if "solver" in path.name]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_begin_with_what_they_are_and_how_to_run_them(path: Path) -> None:
    comment = re.match(r"(#.*\n)+", path.read_text())
    assert comment is not None
    command = re.search(r"netcfg train (\S+)", comment[0])
    assert command is not None
    assert (ROOT / command[1]).is_file()
    if path in SOLVERS:
        assert command[1] == f"configs/{named(path)}"


def test_the_page_names_all_folders() -> None:
    page = (ROOT / "configs/README.md").read_text()
    for name in {path.parent.name for path in FILES}:
        assert re.search(rf"`{name}`|^## {name}: ", page, re.MULTILINE), name


@pytest.mark.parametrize("path", SOLVERS, ids=named)
def test_solvers(path: Path) -> None:
    parsed = read_solver(path)
    assert not parsed.findings
    solver = parsed.message
    assert (ROOT / solver.net) in NETS
    assert solver.snapshot_prefix.startswith(f"out/{path.parent.name}/")
    assert kind_of(path) == "solver"


@pytest.mark.parametrize("path", CLASSIFIERS, ids=named)
def test_nets(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read_net(path)
    assert not parsed.findings
    monkeypatch.chdir(tmp_path)
    shape = (3, 32, 32) if path.parent.name == "cifar10" else (1, 28, 28)
    folder = tmp_path / Path(parsed.message.layer[0].data_param.source).parent
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        make_lmdb(folder / part, rng.integers(0, 256, (10, *shape), np.uint8))
    write_mean(folder / "mean.binaryproto", np.full(shape, 128, np.float32))
    for layer in parsed.message.layer:
        if layer.type == "Data":
            layer.data_param.batch_size = 3  # to be quick
    for phase in Phase:
        with Net(parsed.message, phase) as net:
            outputs = net.forward()
        want = {"loss"} if phase is Phase.TRAIN else {"loss", "accuracy"}
        assert set(outputs) == want
        assert 2 < float(outputs["loss"]) < 5


@pytest.mark.parametrize("path", DETECTORS, ids=named)
def test_detectors(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read_net(path)
    assert not parsed.findings
    monkeypatch.chdir(tmp_path)
    for part in ("train", "test"):
        make_annotated(tmp_path / "data/shapes" / part, shape=(3, 96, 96))
    items = [f"item {{ name: 'c{i}' label: {i} }}" for i in range(4)]
    (tmp_path / "data/shapes/labelmap.prototxt").write_text("\n".join(items))
    for layer in parsed.message.layer:
        if layer.type == "AnnotatedData":
            layer.data_param.batch_size = 3
    with Net(parsed.message, Phase.TRAIN) as net:
        (loss,) = net.forward().values()
        net.backward()
    assert 2 < float(loss) < 30
    with Net(parsed.message, Phase.TEST) as net:
        (rows,) = net.forward().values()
    # The first three images hold two objects of class 2 and one each of 1 and 3; the one of class 1
    # is difficult and does not count.
    assert rows[0, 0, :3].tolist() == [[-1, 1, 0, -1, -1], [-1, 2, 2, -1, -1], [-1, 3, 1, -1, -1]]


@pytest.mark.parametrize("path", PROPOSERS, ids=named)
def test_proposers(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read_net(path)
    assert not parsed.findings
    monkeypatch.chdir(tmp_path)
    for part in ("train", "test"):
        make_annotated(tmp_path / "data/shapes" / part, shape=(3, 96, 96))
    items = [f"item {{ name: 'c{i}' label: {i} }}" for i in range(4)]
    (tmp_path / "data/shapes/labelmap.prototxt").write_text("\n".join(items))
    with Net(parsed.message, Phase.TRAIN) as net:
        losses = net.forward()
        net.backward()
    assert set(losses) == {"loss_cls", "loss_bbox", "rpn_loss_cls", "rpn_loss_bbox"}
    assert 1 < float(losses["loss_cls"]) < 2  # log 4, one of 4 classes drawn
    with Net(parsed.message, Phase.TEST) as net:
        outputs = net.forward()
    scores = outputs["cls_prob"]
    assert scores.shape[1] == 4
    assert outputs["bbox_pred"].shape == (len(scores), 4 * 4)
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("path", SEGMENTERS, ids=named)
def test_segmenters(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read_net(path)
    assert not parsed.findings
    monkeypatch.chdir(tmp_path)
    module = script("get_shape_masks")
    monkeypatch.setattr(module, "COUNTS", {"train": 4, "test": 4})
    run(module, monkeypatch)
    for layer in parsed.message.layer:
        if layer.type == "ImageSegData":
            layer.image_data_param.batch_size = 3
    with Net(parsed.message, Phase.TRAIN) as net:
        (loss,) = net.forward().values()
        net.backward()
    assert 1 < float(loss) < 4
    with Net(parsed.message, Phase.TEST, keep=["score"]) as net:
        outputs = net.forward()
        assert net.blobs["score"].shape == (3, 4, 96, 96)
    assert set(outputs) == {"accuracy", "loss"}
    assert 0 < outputs["accuracy"].min() < outputs["accuracy"].max() < 1


@pytest.mark.parametrize("path", READERS, ids=named)
def test_readers(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read_net(path)
    assert not parsed.findings
    monkeypatch.chdir(tmp_path)
    module = script("make_captchas")
    monkeypatch.setattr(module, "COUNTS", {"train": 4, "test": 4})
    run(module, monkeypatch)
    for layer in parsed.message.layer:
        if layer.type == "HDF5Data":
            layer.hdf5_data_param.batch_size = 3
    with Net(parsed.message, Phase.TRAIN) as net:
        (loss,) = net.forward().values()
        net.backward()
    assert 10 < float(loss) < 80
    with Net(parsed.message, Phase.TEST, keep=["digits"]) as net:
        outputs = net.forward()
        assert net.blobs["digits"].shape == (3, 24, 1, 1)
    assert set(outputs) == {"accuracy", "loss"}
    assert 0 <= outputs["accuracy"].item() < 0.5

"""Old weights files as current ones."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError, SchemaError, WeightsError
from netcfg.io.caffemodel import read_weights
from netcfg.io.upgrade_weights import upgrade_weights
from netcfg.io.wire import bytes_field, varint
from netcfg.netcfg_pb2 import BlobProto, BlobShape, LayerParameter, NetParameter, V1LayerParameter
from tests.shared import shared

BLOB = BlobProto(shape=BlobShape(dim=[2, 3]), data=[1, -2, 3.5, 0, 1e-30, 7])
OLD_BLOB = BlobProto(num=1, channels=1, height=2, width=1, data=[4, 5], diff=[6, 7])


def write(path: Path, net: NetParameter) -> Path:
    path.write_bytes(net.SerializeToString())
    return path


def read(path: Path) -> NetParameter:
    return NetParameter.FromString(path.read_bytes())


@pytest.mark.parametrize("age", ["v0", "v1"])
def test_golden_files(age: str, tmp_path: Path) -> None:
    folder = shared("golden/snapshots")
    changed, findings = upgrade_weights(folder / f"{age}.caffemodel", tmp_path / "new")
    assert changed
    assert "6 V1 'layers' read as 'layer'" in [finding.message for finding in findings]
    new, current = read_weights(tmp_path / "new"), read_weights(folder / "current.caffemodel")
    assert new.types == {
        "input": "Input", "c1": "Convolution", "r1": "ReLU", "p1": "Pooling", "n1": "LRN",
        "f1": "InnerProduct", "prob": "Softmax",
    }  # fmt: skip
    assert new.keys() == current.keys() == {"c1", "f1"}
    for name, blobs in current.items():
        for got, expected in zip(new[name], blobs, strict=True):
            # Old files keep four sizes for each blob: 1×1×1×4 for a bias.
            assert np.array_equal(got.ravel(), expected.ravel())
    layers = {layer.name: layer for layer in read(tmp_path / "new").layer}
    assert [s.lr_mult for s in layers["c1"].param] == [1, 2]
    assert list(layers["c1"].convolution_param.pad) == [1]
    assert layers["n1"].lrn_param.local_size == 3
    assert list(layers["input"].input_param.shape[0].dim) == [2, 3, 8, 8]
    assert not upgrade_weights(tmp_path / "new", tmp_path / "again")[0]
    assert (tmp_path / "again").read_bytes() == (tmp_path / "new").read_bytes()


def test_blobs_keep_their_bytes(tmp_path: Path) -> None:
    net = NetParameter(name="n", input=["data"], input_dim=[1, 1, 2, 3])
    net.layers.add(
        name="ip", type="INNER_PRODUCT", bottom=["data"], top=["ip"], blobs=[BLOB, OLD_BLOB],
        blobs_lr=[1, 2],
    )  # fmt: skip
    assert upgrade_weights(write(tmp_path / "old", net), tmp_path / "new")[0]
    new = read(tmp_path / "new")
    assert [(layer.name, layer.type) for layer in new.layer] == [
        ("input", "Input"),
        ("ip", "InnerProduct"),
    ]
    assert list(new.layer[1].blobs) == [BLOB, OLD_BLOB]
    assert not new.layers
    assert not new.input
    assert not new.HasField("source")
    assert not any(layer.HasField("source") or layer.unknown for layer in new.layer)


def test_current_files_are_upgraded_too(tmp_path: Path) -> None:
    net = NetParameter(name="n")
    net.layer.add(name="bn", type="BatchNorm", bottom=["x"], top=["y"], blobs=[BLOB, BLOB, BLOB])
    changed, findings = upgrade_weights(write(tmp_path / "old", net), tmp_path / "new")
    assert changed
    assert findings == ()
    layer = read(tmp_path / "new").layer[0]
    assert [s.lr_mult for s in layer.param] == [0, 0, 0]
    assert list(layer.blobs) == [BLOB] * 3


def test_foreign_fields_of_current_layers_stay(tmp_path: Path) -> None:
    layer = LayerParameter(name="ip", type="Mine", blobs=[BLOB]).SerializeToString()
    layer += bytes_field(9876, b"of a fork")
    norm = LayerParameter(name="bn", type="BatchNorm", blobs=[BLOB] * 3).SerializeToString()
    old = tmp_path / "old"
    old.write_bytes(bytes_field(100, layer) + bytes_field(100, norm))
    assert upgrade_weights(old, tmp_path / "new")[0]
    assert bytes_field(9876, b"of a fork") in (tmp_path / "new").read_bytes()


def test_types_of_forks_keep_their_number(tmp_path: Path) -> None:
    layer = V1LayerParameter(name="odd", top=["odd"], blobs=[BLOB]).SerializeToString()
    (tmp_path / "old").write_bytes(bytes_field(2, layer + varint(5 << 3) + varint(4321)))
    _, findings = upgrade_weights(tmp_path / "old", tmp_path / "new")
    assert str(findings[0]) == (
        f"{tmp_path}/old: layer 'odd': V1 type 4321 is a fork's; write its name in place of the "
        "number"
    )
    layer = read(tmp_path / "new").layer[0]
    assert (layer.name, layer.type, list(layer.blobs)) == ("odd", "4321", [BLOB])


@pytest.mark.parametrize("number", [100, 2], ids=["current", "V1"])
def test_settings_that_cannot_be_read(number: int, tmp_path: Path) -> None:
    kind = V1LayerParameter if number == 2 else LayerParameter
    type_ = "RELU" if number == 2 else "BatchNorm"
    known = kind(name="a", type=type_, bottom=["x"], top=["y"], blobs=[BLOB] * 3)  # type: ignore[arg-type]
    field = 10 if number == 2 else 106  # convolution_param
    layer = known.SerializeToString() + bytes_field(field, b"\xff no message")
    (tmp_path / "old").write_bytes(bytes_field(number, layer))
    _, findings = upgrade_weights(tmp_path / "old", tmp_path / "new")
    assert findings[0].message == "settings of the layer cannot be read and are left out"
    new = read(tmp_path / "new").layer[0]
    assert (new.name, list(new.bottom), list(new.top)) == ("a", ["x"], ["y"])
    assert list(new.blobs) == [BLOB] * 3


def test_settings_of_the_net_that_cannot_be_read(tmp_path: Path) -> None:
    old = V1LayerParameter(name="a", type="RELU", blobs=[BLOB]).SerializeToString()
    net = bytes_field(1, b"name") + bytes_field(8, b"\xff no shape") + bytes_field(2, old)
    (tmp_path / "old").write_bytes(net)
    _, findings = upgrade_weights(tmp_path / "old", tmp_path / "new")
    assert str(findings[0]).endswith("old: settings of the net cannot be read and are left out")
    assert read(tmp_path / "new").name == "name"


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot read"):
        upgrade_weights(tmp_path / "none", tmp_path / "new")
    (tmp_path / "cut").write_bytes(bytes_field(100, b"\x0a\x50"))
    with pytest.raises(WeightsError, match="cut off or damaged"):
        upgrade_weights(tmp_path / "cut", tmp_path / "new")
    name = V1LayerParameter(name="r1").SerializeToString().replace(b"r1", b"r\xe1")
    (tmp_path / "latin").write_bytes(bytes_field(2, name))
    with pytest.raises(WeightsError, match=r"latin' holds a name that is not UTF-8: 'r\\xe1'"):
        upgrade_weights(tmp_path / "latin", tmp_path / "new")
    net = NetParameter()
    net.layer.add(name="a", type="ReLU", blobs=[BLOB])
    net.layers.add(name="b", type="RELU")
    with pytest.raises(SchemaError, match="old: layer 'b': 'layers' and 'layer' must not stand"):
        upgrade_weights(write(tmp_path / "old", net), tmp_path / "new")
    with pytest.raises(NetError, match="cannot write"):
        upgrade_weights(write(tmp_path / "old", NetParameter(layer=[net.layer[0]])), tmp_path)
    assert not (tmp_path / "new").exists()

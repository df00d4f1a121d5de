import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import (
    StoredLayer,
    Weights,
    decode_weights,
    read_weights,
    write_weights,
)
from netcfg.io.preparation import Preparation
from netcfg.netcfg_pb2 import (
    BlobProto,
    BlobShape,
    LayerParameter,
    NetParameter,
    SolverState,
    TransformationParameter,
    V1LayerParameter,
)
from tests.shared import SHARED, shared

MODELS = sorted((SHARED / "data/models").glob("**/*.caffemodel"))
FLOATS = hnp.arrays(
    st.sampled_from([np.float32, np.float64]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    elements=st.floats(-1e6, 1e6, width=32),
)
LAYERS = st.lists(
    st.builds(
        StoredLayer,
        name=st.text(max_size=8),
        type=st.text(max_size=8),
        bottoms=st.lists(st.text(max_size=4), max_size=2),
        tops=st.lists(st.text(max_size=4), max_size=2),
        blobs=st.lists(FLOATS, max_size=3),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda layer: layer.name,
)


@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=5), layers=LAYERS)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, name: str, layers: list[StoredLayer]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.caffemodel"
    digest = write_weights(path, name, layers)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    weights = read_weights(path)
    assert weights.name == name
    assert weights.types == {layer.name: layer.type for layer in layers}
    assert list(weights) == [layer.name for layer in layers if layer.blobs]
    net = NetParameter.FromString(path.read_bytes())
    for layer, proto in zip(layers, net.layer, strict=True):
        assert (layer.name, layer.type) == (proto.name, proto.type)
        assert (list(layer.bottoms), list(layer.tops)) == (list(proto.bottom), list(proto.top))
        for want, got in zip(layer.blobs, weights.get(layer.name, []), strict=True):
            assert got.shape == want.shape
            assert np.array_equal(got, want)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_files_give_an_error_or_weights(data: st.DataObject) -> None:
    content = bytearray(example().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        weights = decode_weights(bytes(content), "f.caffemodel")
    except WeightsError:
        return
    assert weights.nbytes <= len(content) * 2


def example() -> NetParameter:
    """Return a net as Caffe saves it, with fields that netcfg does not read."""
    net = NetParameter(name="n")
    net.state.level = 3
    ip = net.layer.add(name="ip", type="InnerProduct", bottom=["data"], top=["ip"], phase=0)
    ip.inner_product_param.num_output = 2
    ip.blobs.add(shape=BlobShape(dim=[2, 3]), data=range(6), diff=range(6))
    ip.blobs.add(shape=BlobShape(dim=[2]), double_data=[0.1, 0.2])
    net.layer.add(name="relu", type="ReLU")
    return net


def test_fields_of_a_current_file() -> None:
    weights = decode_weights(example().SerializeToString(), "f")
    assert weights.types == {"ip": "InnerProduct", "relu": "ReLU"}
    assert [blob.tolist() for blob in weights["ip"]] == [[[0, 1, 2], [3, 4, 5]], [0.1, 0.2]]
    assert weights.nbytes == 6 * 4 + 2 * 8


def test_arrays_are_views_of_the_file() -> None:
    weights = decode_weights(example().SerializeToString(), "f")
    assert all(not blob.flags.owndata and not blob.flags.writeable for blob in weights["ip"])


def test_v1_file() -> None:
    net = NetParameter(name="old")
    layer = net.layers.add(name="ip", type=V1LayerParameter.INNER_PRODUCT)
    layer.blobs.add(num=1, channels=1, height=2, width=3, data=range(6))
    weights = decode_weights(net.SerializeToString(), "f")
    assert weights.types == {"ip": "INNER_PRODUCT"}
    assert weights["ip"][0].shape == (1, 1, 2, 3)


def test_a_layer_stored_twice() -> None:
    net = NetParameter()
    for value in (1, 2):
        layer = LayerParameter(name="a", blobs=[BlobProto(shape=BlobShape(dim=[1]), data=[value])])
        net.layer.append(layer)
    net.layer.add(name="a")
    weights = decode_weights(net.SerializeToString(), "f")
    assert weights["a"][0].tolist() == [2]
    assert weights.repeated == ["a"]


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.name)
def test_real_models(path: Path) -> None:
    weights = read_weights(path)
    # what is not values is names and settings: a few hundred bytes a layer
    rest = path.stat().st_size - weights.nbytes
    assert 0 < rest < 400 * len(weights.types)
    assert all(np.isfinite(blob).all() for blobs in weights.values() for blob in blobs)


def test_there_are_real_models() -> None:
    shared("data/models")
    assert len(MODELS) >= 7


@pytest.mark.parametrize("name", ["v0", "v1"])
def test_old_files_hold_what_the_current_one_holds(name: str) -> None:
    old = read_weights(shared(f"golden/snapshots/{name}.caffemodel"))
    new = read_weights(shared("golden/snapshots/current.caffemodel"))
    assert old.keys() == new.keys()
    for layer, blobs in new.items():
        for want, got in zip(blobs, old[layer], strict=True):
            assert np.array_equal(want.ravel(), got.ravel())
    assert len(old.types) >= 6


def test_files_may_be_pipes() -> None:
    content = example().SerializeToString()
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    weights = read_weights(f"/dev/fd/{reading}")
    os.close(reading)
    assert weights["ip"][1].tolist() == [0.1, 0.2]


def test_arrays_of_a_file_are_read_only(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(example().SerializeToString())
    assert all(not blob.flags.writeable for blob in read_weights(tmp_path / "w")["ip"])


def test_no_more_memory_than_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "big.caffemodel"
    blobs = [np.ones((500, 1000), np.float32), np.ones(500, np.float32)]
    write_weights(
        path, "big", [StoredLayer(f"l{i}", "InnerProduct", blobs=blobs) for i in range(5)]
    )
    tracemalloc.start()
    try:
        weights = read_weights(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert weights.nbytes <= peak <= 1.1 * weights.nbytes


def test_other_files_are_named(tmp_path: Path) -> None:
    state = tmp_path / "a.solverstate"
    state.write_bytes(SolverState(iter=3, learned_net="a.caffemodel").SerializeToString())
    with pytest.raises(WeightsError, match="holds a solver state, not weights"):
        read_weights(state)
    hdf5 = tmp_path / "a.h5"
    hdf5.write_bytes(b"\x89HDF\r\n\x1a\nrest")
    with pytest.raises(WeightsError, match="is no HDF5 file, or a damaged one"):
        read_weights(hdf5)
    (tmp_path / "empty.caffemodel").touch()
    with pytest.raises(WeightsError, match="holds no layers"):
        read_weights(tmp_path / "empty.caffemodel")
    with pytest.raises(WeightsError, match=r"cannot read .*missing.*No such file"):
        read_weights(tmp_path / "missing.caffemodel")


def test_cut_off_file_names_file_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "cut.caffemodel"
    path.write_bytes(example().SerializeToString()[:-20])
    with pytest.raises(WeightsError, match=r"cut.caffemodel: byte \d+: cut off or damaged"):
        read_weights(path)


def test_wrong_shape_names_layer_and_blob() -> None:
    net = example()
    net.layer[0].blobs[1].shape.dim[0] = 3
    with pytest.raises(
        WeightsError, match=r"layer 'ip' blob 1 has shape \(3,\) = 3 values, but holds 2"
    ):
        decode_weights(net.SerializeToString(), "f")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "w.caffemodel"
    write_weights(path, "first", [StoredLayer("a", "ReLU")])
    before = path.read_bytes()

    def layers() -> Iterator[StoredLayer]:
        yield StoredLayer("a", "InnerProduct", blobs=[np.ones(10, np.float32)])
        raise RuntimeError("the engine failed")

    with pytest.raises(RuntimeError, match="the engine failed"):
        write_weights(path, "second", layers())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NetError, match="cannot write"):
        write_weights(tmp_path / "file" / "w.caffemodel", "n", [])


def test_layers_under_other_names() -> None:
    weights = Weights("w.caffemodel")
    a, b = [np.zeros(1)], [np.ones(2)]
    weights.update({"a": a, "b": b})
    weights.types = {"data": "Data", "a": "InnerProduct", "b": "Scale"}
    assert weights.rename({"a": "c"}) is weights
    assert weights == {"c": a, "b": b}
    assert list(weights.types) == ["data", "c", "b"]
    weights.rename({"c": "b", "b": "c"})
    assert weights == {"b": a, "c": b}
    with pytest.raises(WeightsError, match=r"'w\.caffemodel' has no layer 'bb' to rename"):
        weights.rename({"bb": "x"})
    with pytest.raises(WeightsError, match=r"'w\.caffemodel' has a layer 'c' besides 'b'"):
        weights.rename({"b": "c"})


def test_how_images_are_prepared(tmp_path: Path) -> None:
    path = tmp_path / "w.caffemodel"
    transform = TransformationParameter(scale=0.5, mean_value=[1, 2, 3], crop_size=4)
    write_weights(path, "n", [StoredLayer("a", "ReLU")], Preparation(transform))
    assert read_weights(path).preparation == Preparation(transform)
    net = NetParameter.FromString(path.read_bytes())  # with a field that the schema lacks
    assert [layer.name for layer in net.layer] == ["a"]
    write_weights(path, "n", [StoredLayer("a", "ReLU")])
    assert read_weights(path).preparation is None
    for damaged in (b"\x92\xf1\x04\x01\x05", b"\x90\xf1\x04\x01"):
        with pytest.raises(WeightsError, match=r"^w: byte 15: "):
            decode_weights(path.read_bytes() + damaged, "w")

"""What netcfg writes decodes with Caffe's own schema: each field has Caffe's number and type.

Only states hold more, in fields from 10000 up, which Caffe skips. The bytes are walked here by a
reader of the test's own, that knows nothing but the table of Caffe's fields.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import netcfg.pycaffe as caffe
from netcfg.data.datum import encode_datum
from netcfg.data.mean import write_mean
from netcfg.io.caffemodel import StoredLayer, write_weights
from netcfg.io.preparation import Preparation
from netcfg.net import Net
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.solver.solver import Solver
from netcfg.types import Phase
from netcfg.weights import stored_layers
from tests.solver.toy import make_project
from tests.test_proto import ROWS

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
KINDS = {"float": FIXED32, "double": FIXED64, "string": BYTES, "bytes": BYTES}
INTEGERS = {"int32", "int64", "uint32", "uint64", "bool"}
OWN = 10000
"""The first number of netcfg's own fields in states."""

FIELDS = {(r["message"], int(r["number"])): r for r in ROWS if r["kind"] == "field"}
ENUMS = {r["message"] for r in ROWS if r["kind"] == "enum"}
MESSAGES = {message for message, _ in FIELDS}


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, wire type and content of each field."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == VARINT:
            end = varint(data, at)[1]
        elif key & 7 == BYTES:
            size, at = varint(data, at)
            end = at + size
        else:
            end = at + {FIXED64: 8, FIXED32: 4}[key & 7]
        assert end <= len(data), f"field {key >> 3} ends after its message"
        yield key >> 3, key & 7, data[at:end]
        at = end


def walk(data: bytes, message: str) -> Iterator[str]:
    """Yield ``Message.field`` of each field; one that Caffe's schema lacks is an error."""
    for number, kind, content in fields(data):
        if message in ("SolverState", "NetParameter") and number >= OWN:
            yield f"{message}.{number}"
            continue
        row = FIELDS.get((message, number))
        assert row, f"Caffe's {message} has no field {number}"
        name, type_ = f"{message}.{row['name']}", row["type"]
        scope = f"{message}.{type_}"
        if type_ in MESSAGES:
            assert kind == BYTES, f"{name} has wire type {kind}"
            yield name
            yield from walk(content, type_)
            continue
        integer = type_ in INTEGERS or type_ in ENUMS or scope in ENUMS
        expected = {VARINT if integer else KINDS[type_]}
        if row["label"] == "repeated" and type_ not in ("string", "bytes"):
            expected.add(BYTES)  # packed
        assert kind in expected, f"{name} has wire type {kind}"
        yield name


def test_weights_and_state(tmp_path: Path) -> None:
    solver = Solver(make_project(tmp_path, "snapshot_diff: true"), out=tmp_path)
    solver.step(2)
    weights, state = solver.snapshot()
    assert set(walk(weights.read_bytes(), "NetParameter")) == {
        "NetParameter.name",
        "NetParameter.layer",
        "LayerParameter.name",
        "LayerParameter.type",
        "LayerParameter.bottom",
        "LayerParameter.top",
        "LayerParameter.blobs",
        "BlobProto.shape",
        "BlobShape.dim",
        "BlobProto.data",
        "BlobProto.diff",
    }
    found = list(walk(state.read_bytes(), "SolverState"))
    own = {name for name in found if name.rpartition(".")[2].isdigit()}
    assert own == {f"SolverState.{OWN + i}" for i in range(7)}
    assert set(found) - own == {
        "SolverState.iter",
        "SolverState.learned_net",
        "SolverState.current_step",
        "SolverState.history",
        "BlobProto.shape",
        "BlobShape.dim",
        "BlobProto.data",
    }
    assert found.count("SolverState.history") == len(solver.train_net.params)


def test_doubles(tmp_path: Path) -> None:
    blobs = [np.ones((2, 3)), np.zeros(0), np.float64(3).reshape(())]
    path = tmp_path / "w.caffemodel"
    write_weights(path, "n", [StoredLayer("a", "T", blobs=blobs, diffs=blobs)])
    found = list(walk(path.read_bytes(), "NetParameter"))
    assert found.count("BlobProto.double_data") == found.count("BlobProto.double_diff") == 2
    assert "BlobProto.data" not in found


def test_every_trained_net_of_pycaffe(tmp_path: Path) -> None:
    make_project(tmp_path)
    net = Net(tmp_path / "net.prototxt", Phase.TEST)
    write_weights(tmp_path / "w", net.name, stored_layers(net.layers, net.engine))
    assert "BlobProto.diff" not in set(walk((tmp_path / "w").read_bytes(), "NetParameter"))


def test_how_images_are_prepared_is_a_field_of_our_own(tmp_path: Path) -> None:
    mean = np.ones((3, 2, 2), np.float32)
    prepared = Preparation(TransformationParameter(scale=0.5), mean, "BGR")
    write_weights(tmp_path / "w", "n", [StoredLayer("a", "ReLU")], prepared)
    found = list(walk((tmp_path / "w").read_bytes(), "NetParameter"))
    own = [name for name in found if name.rpartition(".")[2].isdigit()]
    assert own == [f"NetParameter.{OWN + i}" for i in (2, 3, 4)]


def test_means(tmp_path: Path) -> None:
    write_mean(tmp_path / "mean.binaryproto", np.ones((3, 2, 2), np.float32))
    found = set(walk((tmp_path / "mean.binaryproto").read_bytes(), "BlobProto"))
    assert found == {f"BlobProto.{f}" for f in ("num", "channels", "height", "width", "data")}
    blob = caffe.io.array_to_blobproto(np.ones((1, 3, 2, 2)), np.ones((1, 3, 2, 2)))
    found = set(walk(blob.SerializeToString(), "BlobProto"))
    assert {"BlobProto.data", "BlobProto.diff"} <= found


@pytest.mark.parametrize(
    ("image", "field"),
    [(np.ones((3, 2, 2), np.uint8), "data"), (np.ones((3, 2, 2), np.float32), "float_data")],
)
def test_records(image: np.ndarray, field: str) -> None:
    found = set(walk(encode_datum(image, 7), "Datum"))
    assert found == {f"Datum.{f}" for f in ("channels", "height", "width", "label", field)}


@pytest.mark.parametrize(
    ("data", "message", "says"),
    [
        (b"\xa2\x06\x02\x0a\x00", "NetParameter", "NetParameter.layer"),
        (b"\x50\x01", "NetParameter", "Caffe's NetParameter has no field 10"),
        (b"\x08\x01", "NetParameter", "NetParameter.name has wire type 0"),
        (b"\x08\x01", "BlobShape", "BlobShape.dim"),
        (b"\x0d\x00\x00\x00\x00", "SolverState", "SolverState.iter has wire type 5"),
        (b"\x2a\x05\x00", "BlobProto", "field 5 ends after its message"),
    ],
)
def test_what_the_walk_finds(data: bytes, message: str, says: str) -> None:
    try:
        found = list(walk(data, message))
    except AssertionError as error:
        found = [str(error)]
    assert says in found[0]

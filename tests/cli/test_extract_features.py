"""Features from the command line."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.data.database import open_database
from netcfg.io.caffemodel import write_weights
from netcfg.net import Net
from netcfg.weights import stored_layers
from tests.cli.conftest import Run
from tests.data.databases import images, make_lmdb

VALUES = images(5, (1, 2, 2))
NET = """\
name: "net"
layer {
  name: "data" type: "Data" top: "data" top: "label"
  data_param { source: "db" batch_size: 2 backend: LMDB }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "constant" value: 1 } }
}
"""
CAFFE = ("extract-features", "w.caffemodel", "net.prototxt")
SUMS = VALUES.sum(axis=(1, 2, 3))


@pytest.fixture
def project(folder: Path) -> Path:
    make_lmdb(folder / "db", VALUES)
    (folder / "net.prototxt").write_text(NET)
    with Net("net.prototxt") as net:
        write_weights("w.caffemodel", net.name, stored_layers(net.layers, net.engine))
    return folder


def floats(path: str, backend: str = "LMDB") -> list[list[float]]:
    database = open_database(Path(path), backend)
    rows = [database.decode(raw)[0].ravel().tolist() for raw in database.read(0, len(database))]
    database.close()
    return rows


@pytest.mark.parametrize("device", [(), ("CPU",), ("GPU", "0")])
def test_as_caffe_is_called(device: tuple[str, ...], run: Run, project: Path) -> None:
    result = run(*CAFFE, "ip,label", "fa,fb", "2", "leveldb", *device)
    assert (result.status, result.out) == (0, "fa: ip 4 × 3\nfb: label 4\n")
    assert ("GPU is passed over" in result.err) == ("GPU" in device)
    assert floats("fa", "LEVELDB") == [[s] * 3 for s in SUMS[:4]]
    assert floats("fb", "LEVELDB") == [[0], [1], [2], [3]]


def test_the_whole_data_once(run: Run, project: Path) -> None:
    assert run(*CAFFE, "ip", "fa").out == "fa: ip 5 × 3\n"
    assert floats("fa") == [[s] * 3 for s in SUMS]
    options = ("--weights=w.caffemodel", "--model=net.prototxt", "--blobs=ip,label")
    result = run("extract-features", *options, "--out=f.npz")
    assert result.out == "f.npz: ip 5 × 3\nf.npz: label 5\n"
    with np.load("f.npz") as arrays:
        assert np.array_equal(arrays["ip"], np.tile(SUMS[:, None], 3))
    assert run(*CAFFE, "ip", "f", "hdf5").out == "f: ip 5 × 3\n"
    assert (project / "f").read_bytes()[1:4] == b"HDF"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "WEIGHTS is missing"),
        (("w.caffemodel", "--weights", "x"), "WEIGHTS is given twice: 'w.caffemodel' and 'x'"),
        (CAFFE[1:], "BLOBS is missing"),
        ((*CAFFE[1:], "ip"), "OUT is missing"),
        ((*CAFFE[1:], "ipp", "x"), "net 'net' has no blob 'ipp'; did you mean 'ip'?"),
        ((*CAFFE[1:], "ip,label", "x"), "as many outputs as BLOBS names blobs, 2; given 1"),
        ((*CAFFE[1:], "ip,ip", "x,y"), "BLOBS names one twice: ip, ip"),
        ((*CAFFE[1:], "ip,label", "x,x"), "OUT names one twice: x, x"),
        ((*CAFFE[1:], "ip", "x", "0"), "NUM_BATCHES must be a number above 0"),
        ((*CAFFE[1:], "ip", "x", "2", "lmbd"), "one of lmdb, leveldb, hdf5, npz; given 'lmbd'"),
        ((*CAFFE[1:], "ip", "x", "2", "--iterations=3"), "NUM_BATCHES is given twice: 2 and 3"),
        ((*CAFFE[1:], "ip", "x", "npz", "--format=npz"), "FORMAT is given twice: npz and npz"),
        ((*CAFFE[1:], "ip", "db"), "database 'db' is there already; --force replaces it"),
        (("none", CAFFE[2], "ip", "x"), "'none'"),
    ],
)
def test_wrong_arguments(argv: tuple[str, ...], message: str, run: Run, project: Path) -> None:
    result = run("extract-features", *argv)
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert message in result.err
    assert not (project / "x").exists()


def test_every_layer_needs_weights(run: Run, project: Path) -> None:
    (project / "net.prototxt").write_text(NET.replace('name: "ip"', 'name: "ip2"'))
    result = run(*CAFFE, "ip", "x")
    assert (result.status, "pass --ignore-mismatch ip2" in result.err) == (2, True)
    assert run(*CAFFE, "ip", "x", "--ignore-mismatch", "ip2").status == 0

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg import features as module
from netcfg.data.database import open_database
from netcfg.errors import NetError
from netcfg.features import Output, Passes, Spool, extract_features, form_of, whole
from netcfg.net import Net
from netcfg.netcfg_pb2 import Datum
from netcfg.schema import parse_net
from tests.data.databases import images, make_lmdb

COUNT = 7
VALUES = images(COUNT, (2, 4, 3))

DATA = """
layer {
  name: "data" type: "Data" top: "data" top: "label"
  data_param { source: "db" batch_size: 3 backend: LMDB }
}
"""
NET = f"""
name: "small"
{DATA}
layer {{ name: "twice" type: "Power" bottom: "data" top: "a/b" power_param {{ scale: 2 }} }}
layer {{ name: "less" type: "Power" bottom: "a/b" top: "a/b" power_param {{ shift: -1 }} }}
layer {{ name: "flat" type: "Flatten" bottom: "a/b" top: "flat" }}
layer {{ name: "sum" type: "Reduction" bottom: "flat" top: "sum" reduction_param {{ axis: 0 }} }}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_lmdb(tmp_path / "db", VALUES)
    return tmp_path


@pytest.fixture
def net(folder: Path) -> Iterator[Net]:
    keep = ("data", "label", "a/b", "flat", "sum")
    with Net(parse_net(NET).message, keep=keep) as built:
        yield built


def out(path: str, *blobs: str) -> Output:
    return Output(Path(path), blobs)


def test_the_length_of_the_data(net: Net) -> None:
    assert whole(net) == Passes(3, COUNT, 3)


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_databases_are_those_of_caffe(backend: str, net: Net, folder: Path) -> None:
    ticks: list[int] = []
    shapes = extract_features(
        net,
        [out("f/ab", "a/b"), out("flat", "flat")],
        whole(net),
        backend,
        on_batch=lambda: ticks.append(1),
    )
    assert shapes == {"a/b": (COUNT, 2, 4, 3), "flat": (COUNT, 24)}
    assert len(ticks) == 3
    expected = VALUES * np.float32(2) - 1
    for path, shape in (("f/ab", (2, 4, 3)), ("flat", (24, 1, 1))):
        database = open_database(folder / path, backend.upper())
        records = database.read(0, len(database))
        database.close()
        assert [key for key, _ in records] == [b"%010d" % i for i in range(COUNT)]
        for (_, value), wanted in zip(records, expected, strict=True):
            datum = Datum.FromString(value)
            assert (datum.channels, datum.height, datum.width) == shape
            assert (datum.data, datum.HasField("label")) == (b"", False)
            assert list(datum.float_data) == wanted.ravel().tolist()


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("form", ["hdf5", "npz"])
def test_arrays(
    form: str, together: bool, net: Net, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE", 200)  # two rows
    outputs = [out("x", "a/b", "label")] if together else [out("x", "a/b"), out("y", "label")]
    extract_features(net, outputs, whole(net), form)
    ab, label = ("x", "x") if together else ("x", "y")
    for path, name, wanted in (("a/b", ab, VALUES * 2.0 - 1), ("label", label, np.arange(COUNT))):
        if form == "npz":
            with np.load(folder / name) as arrays:
                held = arrays[path]
        else:
            with h5py.File(folder / name) as file:
                held = file[path][...]
        assert held.dtype == np.float32
        assert np.array_equal(held, wanted)
    assert sorted(p.name for p in folder.iterdir()) == sorted({"db", ab, label})


def test_a_number_of_batches_starts_over(net: Net, folder: Path) -> None:
    shapes = extract_features(net, [out("x.npz", "label", "sum")], Passes(3), "npz")
    assert shapes == {"label": (9,), "sum": (3,)}
    with np.load("x.npz") as arrays:
        assert arrays["label"].tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1]


def test_layers_above_do_not_run(net: Net, folder: Path) -> None:
    ran: list[int] = []
    net.after_forward.append(ran.append)
    extract_features(net, [out("x.npz", "a/b", "data")], Passes(1), "npz")
    assert ran == [0, 1, 2]


def test_only_force_replaces_a_database(net: Net, folder: Path) -> None:
    extract_features(net, [out("x", "label")], Passes(1))
    with pytest.raises(NetError, match="'x' is there already; --force replaces it"):
        extract_features(net, [out("x", "label")], Passes(1))
    extract_features(net, [out("x", "label")], Passes(2), force=True)
    database = open_database(folder / "x", "LMDB")
    assert len(database) == 6
    database.close()


def test_what_cannot_be_extracted(net: Net, folder: Path) -> None:
    (folder / "file").write_text("")
    for output, passes, form, message in (
        (out("x", "flt"), Passes(1), "lmdb", "no blob 'flt'; did you mean 'flat'.*blobs: data, "),
        (out("x", "sum"), whole(net), "npz", "'sum' holds no row for each image .*NUM_BATCHES"),
        (out("db", "sum"), Passes(1), "npz", "'db' is a folder; npz needs the name of a file"),
        (out("file", "sum"), Passes(1), "lmdb", "'file' is there already and is no database"),
        (out("file/x", "sum"), Passes(1), "lmdb", "cannot write features to folder 'file'"),
    ):
        with pytest.raises(NetError, match=message):
            extract_features(net, [output], passes, form)
    assert sorted(p.name for p in folder.iterdir()) == ["db", "file"]


def test_a_datum_has_three_axes(folder: Path) -> None:
    reshaped = NET.replace('"Flatten"', '"Reshape"').replace(
        'top: "flat"', 'top: "flat" reshape_param { shape { dim: -1 dim: 2 dim: 2 dim: 2 dim: 3 } }'
    )
    with Net(parse_net(reshaped).message, keep=["flat"]) as net:
        with pytest.raises(NetError, match=r"'flat' has the shape \(2, 2, 2, 3\).*hdf5 and npz"):
            extract_features(net, [out("x", "flat")], Passes(1))
        extract_features(net, [out("x.npz", "flat")], Passes(1), "npz")


def test_shapes_must_stay(tmp_path: Path) -> None:
    spool = Spool("x", tmp_path)
    spool.append(np.zeros((2, 3), np.float32))
    with pytest.raises(NetError, match=r"'x' has the shape \(4,\) an image, before it was \(3,\)"):
        spool.append(np.zeros((2, 4), np.float32))
    spool.close()


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    full = open("/dev/full", "wb")  # noqa: SIM115 - Spool closes it
    monkeypatch.setattr(module.tempfile, "TemporaryFile", lambda **_: full)
    spool = Spool("x", tmp_path)
    with pytest.raises(NetError, match=r"cannot write features to folder '.*': No space left"):
        spool.append(np.zeros((2, 3), np.float32))
    spool.close()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            'layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 1 } } }',
            "no layer of the net reads a data set.*give NUM_BATCHES",
        ),
        (
            DATA + DATA.replace('"data"', '"data2"').replace('"label"', '"x"').replace("3", "2"),
            "different lengths: 'data' 7 by 3, 'data2' 7 by 2; give NUM_BATCHES",
        ),
    ],
)
def test_length_unknown(config: str, message: str, folder: Path) -> None:
    with Net(parse_net(config).message) as net, pytest.raises(NetError, match=message):
        whole(net)


def test_lengths_of_other_sources(folder: Path) -> None:
    with h5py.File("rows.h5", "w") as file:
        file["x"] = np.zeros((5, 2), np.float32)
    Path("rows.txt").write_text("rows.h5\nrows.h5\n")
    config = """layer { name: "h" type: "HDF5Data" top: "x"
        hdf5_data_param { source: "rows.txt" batch_size: 4 } }"""
    with Net(parse_net(config).message) as net:
        assert whole(net) == Passes(3, 10, 4)


def test_formats_by_ending() -> None:
    forms = [form_of(name) for name in ("a.h5", "a.HDF5", "b/c.npz", "x.leveldb", "a.lmdb", "a")]
    assert forms == ["hdf5", "hdf5", "npz", "leveldb", "lmdb", "lmdb"]

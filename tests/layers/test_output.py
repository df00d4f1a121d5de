import gc
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Context, Layer
from netcfg.layers.output import HDF5Output, Hdf5Rows
from netcfg.net import Net
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.schema import parse_net
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check

CASES = [
    Case(
        "rows",
        'type: "HDF5Output" hdf5_output_param { file_name: "out.h5" }',
        [(2, 3, 4, 5), (2,)],
        gradient=False,
    )
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def made(data: tuple[int, ...] = (2, 3), label: tuple[int, ...] = (2,)) -> Layer:
    layer = make_layer(CASES[0].text, [data, label])
    layer.reshape(data, label)
    return layer


def stored(path: str = "out.h5") -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][...] for name in file}


def test_batches_follow_each_other() -> None:
    layer = made()
    data, label = np.arange(12.0).reshape(4, 3), np.arange(4.0)
    layer.forward(data[:2], label[:2])
    layer.reshape((1, 3), (1,))
    layer.forward(data[2:3], label[2:3])
    layer.forward(data[3:], label[3:])
    assert not Path("out.h5").exists()
    layer.close()
    layer.close()
    found = stored()
    assert list(found) == ["data", "label"]
    np.testing.assert_array_equal(found["data"], data.reshape(4, 3, 1, 1))
    np.testing.assert_array_equal(found["label"], label.reshape(4, 1, 1, 1))
    assert [path.name for path in Path().iterdir()] == ["out.h5"]
    with pytest.raises(NetError, match=r"'out.h5' is complete: the layer is closed"):
        layer.forward(data[:1], label[:1])


def test_more_than_four_axes_stay() -> None:
    layer = made((1, 2, 1, 2, 3), (1, 1, 1, 1, 2))
    x = np.arange(12.0).reshape(1, 2, 1, 2, 3)
    layer.forward(x, np.ones((1, 1, 1, 1, 2)))
    layer.close()
    np.testing.assert_array_equal(stored()["data"], x)


def test_many_large_rows() -> None:
    layer = made((3, 600, 700), (3,))
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(3, 600, 700)) for _ in range(3)]
    for batch in batches:
        layer.forward(batch, np.zeros(3))
    layer.close()
    np.testing.assert_array_equal(stored()["data"][..., 0], np.concatenate(batches))


def test_no_rows_at_all() -> None:
    layer = made((0, 3), (0,))
    layer.forward(np.zeros((0, 3)), np.zeros(0))
    layer.close()
    assert stored()["data"].shape == (0, 3, 1, 1)


def test_nothing_is_written_without_a_batch_and_an_old_file_stays() -> None:
    Path("out.h5").write_text("old")
    made().close()
    assert Path("out.h5").read_text() == "old"


def test_a_layer_that_was_never_set_up_can_be_closed() -> None:
    config = LayerParameter(type="HDF5Output")
    HDF5Output(config, Context(Engine()), 0).close()


NET = """
layer { name: 'in' type: 'Input' top: 'x' top: 'y'
        input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
layer { name: 'out' type: 'HDF5Output' bottom: 'x' bottom: 'y'
        hdf5_output_param { file_name: 'folder/out.h5' } }
"""

READ = """
layer { name: 'in' type: 'HDF5Data' top: 'data' top: 'label'
        hdf5_data_param { source: 'list.txt' batch_size: 4 } }
"""


def test_a_net_closes_the_file_and_hdf5_data_reads_it() -> None:
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    with Net(parse_net(NET).message, Phase.TEST) as net:
        for rows in (x[:2], x[2:]):
            net.forward({"x": rows, "y": rows[:, 0]})
    assert stored("folder/out.h5")["data"].dtype == np.float32
    Path("list.txt").write_text("folder/out.h5\n")
    with Net(parse_net(READ).message, Phase.TEST) as net:
        batch = net.forward()
    np.testing.assert_array_equal(batch["data"], x.reshape(4, 3, 1, 1))
    np.testing.assert_array_equal(batch["label"].ravel(), x[:, 0])


def test_a_net_that_is_forgotten_is_complete() -> None:
    net = Net(parse_net(NET).message, Phase.TEST)
    net.forward()
    del net
    gc.collect()
    assert stored("folder/out.h5")["data"].shape == (2, 3, 1, 1)


def test_a_program_that_ends_is_complete() -> None:
    code = (
        "from netcfg.net import Net; from netcfg.schema import parse_net\n"
        f"net = Net(parse_net({NET!r}).message)\nnet.forward()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert stored("folder/out.h5")["label"].shape == (2, 1, 1, 1)
    assert [path.name for path in Path("folder").iterdir()] == ["out.h5"]


def test_a_failed_write_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.h5").write_text("old")
    rows = Hdf5Rows(Path("out.h5"))
    rows.append({"data": np.zeros((2, 3))})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rows, "_append", full)
    with pytest.raises(NetError, match=r"cannot write 'out.h5': No space left on device"):
        rows.append({"data": np.zeros((2, 3))})
    rows.close()
    assert Path("out.h5").read_text() == "old"
    assert [path.name for path in Path().iterdir()] == ["out.h5"]


def test_what_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"as many rows; given \(2, 3\) and \(3,\)"):
        made((2, 3), (3,))
    with pytest.raises(NetError, match=r"file_name must name a file; given ''"):
        make_layer('type: "HDF5Output"', [(2,), (2,)])
    Path("out.h5").mkdir()
    with pytest.raises(NetError, match=r"file_name must name a file; given 'out.h5'"):
        made()
    Path("out.h5").rmdir()
    layer = made()
    layer.forward(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(ShapeError, match=r"rows of 'data' in 'out.h5' have shape \(3, 1, 1\); giv"):
        layer.forward(np.zeros((2, 4)), np.zeros(2))
    layer.close()
    assert stored()["data"].shape == (2, 3, 1, 1)
    assert len(stored()["label"]) == 2

"""Signatures, the conversion of arguments, and the structures that kernels get by value."""

import re
from typing import Any

import numpy as np
import pytest

from netcfg.engines.cuda import launch
from netcfg.engines.cuda.compile import FOLDER
from netcfg.engines.cuda.launch import Argument, Kernels, signatures
from netcfg.engines.geometry import Window


def test_signatures_are_read_from_the_source() -> None:
    assert signatures()["relu"] == (
        Argument("Real*", "x"),
        Argument("Real*", "y"),
        Argument("int", "n"),
        Argument("Acc", "slope"),
        Argument("Acc", "cap"),
    )
    assert signatures()["sgd"] == (Argument("Update", "u"), Argument("Acc", "momentum"))
    assert Argument("unsigned long long*", "step") in signatures()["dropout"]


def test_the_table_lists_every_kernel() -> None:
    """The last column of README.md has the arguments, with ? behind those that may be null."""
    rows = re.findall(
        r"^\| (\w+) \|(?:.*\|)? (.*?)(?: — .*)? \|$", (FOLDER / "README.md").read_text(), re.M
    )
    table = {name: text for name, text in rows if name != "kernel"}
    assert table.keys() == signatures().keys()
    for name, text in table.items():
        listed = tuple(launch._argument(a.strip().rstrip("?")) for a in text.split(","))
        assert listed == signatures()[name], name


def test_all_types_are_known() -> None:
    known = {*launch._NUMBERS, "Acc", "Window", "Terms", "Strided", "Update"}
    types = {a.type for arguments in signatures().values() for a in arguments}
    assert {t for t in types if not t.endswith("*")} <= known


def test_arguments_become_what_the_signature_says() -> None:
    x = np.zeros(3)
    convert = launch.converters("relu", np.float32)
    made = [c(a) for c, a in zip(convert, (x, None, 3, 0.5, 6), strict=True)]
    assert [m.dtype for m in made] == ["u8", "u8", "i4", "f4", "f4"]
    assert made == [x.ctypes.data, 0, 3, 0.5, 6]
    convert = launch.converters("dropout", np.float64)
    assert convert[3](0.3).dtype == "f8"
    assert convert[5](2**64 - 1) == 2**64 - 1
    structure = np.zeros(1, launch._WINDOW_TYPE)
    assert launch.converters("ave_pool", np.float32)[2](structure) is structure


def test_addresses() -> None:
    x = np.zeros(3)

    class OnDevice:
        class data:  # noqa: N801 - as CuPy's arrays have it
            ptr = 1234

    assert [launch.address(a) for a in (None, 77, x, OnDevice())] == [0, 77, x.ctypes.data, 1234]


class Recorder(Kernels):
    def __init__(self) -> None:
        self._most = 5
        self.calls: list[Any] = []

    def run(self, *args: Any) -> None:
        self.calls.append(args)


def test_each_takes_a_thread_for_each_up_to_what_the_device_holds() -> None:
    kernels = Recorder()
    for n in (0, 1, 256, 257, 10**9):
        kernels.each("relu", n, "x")
    assert kernels.calls == [("relu", (blocks,), (256,), "x") for blocks in (1, 1, 2, 5)]


def test_a_window_of_fewer_axes() -> None:
    made = launch.window(2, 3, (5,), (4,), Window((3,), (2,), (1,), (4,)))
    assert made["n"].tolist() == [2]
    assert made["channels"].tolist() == [3]
    fields = {name: made[name][0].tolist() for name in made.dtype.names[2:]}
    assert fields == {
        "size": [1, 1, 5],
        "out": [1, 1, 4],
        "kernel": [1, 1, 3],
        "stride": [1, 1, 2],
        "pad": [0, 0, 1],
        "dilation": [1, 1, 4],
    }


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("Window", launch._WINDOW_TYPE),
        ("Terms", launch._TERMS_TYPE),
        ("Strided", launch._STRIDED_TYPE),
        ("Update", launch._UPDATE_TYPE),
    ],
)
def test_structures_have_the_fields_of_the_source(name: str, declared: np.dtype) -> None:
    text = "".join((FOLDER / file).read_text() for file in ("common.cuh", "solver.cu"))
    body = re.search(rf"struct {name} \{{(.*?)\}};", text, re.S)
    assert body
    text = re.sub(r"//.*", "", body[1])
    fields = re.findall(r"(\w+)(?:\[\w+\])?\s*[,;]", text)
    assert fields == list(declared.names or ())


def test_strides_that_go_on_are_joined() -> None:
    made = launch.strided((2, 3, 1, 4), (12, 4, 99, 1), (12, 4, 99, 1))
    assert (made["axes"][0], made["shape"][0, 0], made["x"][0, 0]) == (1, 24, 1)
    made = launch.strided((2, 3, 4), (12, 4, 1), (12, 1, 3))  # y (2, 4, 3): its fastest last
    assert made["axes"][0] == 3
    assert made["shape"][0, :3].tolist() == [2, 4, 3]
    assert made["x"][0, :3].tolist() == [12, 1, 4]
    assert made["y"][0, :3].tolist() == [12, 3, 1]


def test_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "CHUNK", 4)
    start, length, rates, decays = launch.chunks(
        [6, 4, 0, 1], [1, 2, 3, 4], [0, 1, 0, 1], np.float32
    )
    assert start.tolist() == [0, 4, 6, 10]
    assert length.tolist() == [4, 2, 4, 1]
    assert rates.tolist() == [1, 1, 2, 4]
    assert decays.tolist() == [0, 0, 1, 1]
    assert [a.dtype for a in (start, length, rates, decays)] == ["i8", "i4", "f4", "f4"]
    assert [len(a) for a in launch.chunks([], [], [], np.float64)] == [0] * 4


def test_terms_and_update() -> None:
    x, y = np.zeros(2), np.ones(2)
    made = launch.terms([x, y])
    assert (made["count"][0], made["c"][0].tolist()) == (2, [1, 1] + [0] * 6)
    assert made["x"][0, :3].tolist() == [x.ctypes.data, y.ctypes.data, 0]
    made = launch.update(0.5, True, 2, w=x, skip=y)
    assert (made["weight_decay"][0], made["l1"][0], made["leave"][0]) == (0.5, 1, 2)
    assert (made["w"][0], made["skip"][0], made["g"][0]) == (x.ctypes.data, y.ctypes.data, 0)
    with pytest.raises(ValueError, match="weights"):
        launch.update(weights=x)

"""Classes that a prototxt names, as Caffe runs them."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.errors import NetError
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.testing import make_layer, top_shapes
from netcfg.types import Phase
from tests.layers.cases import Case, check, run

MODULE = "tests.layers.python_classes"


def body(name: str, rest: str = "", param_str: str = "") -> str:
    param = f"python_param {{ module: '{MODULE}' layer: '{name}' param_str: '{param_str}' }}"
    return f'type: "Python" {rest} {param}'


CASES = [
    Case("times", body("Times", 'top: "y"', "3"), [(2, 3)]),
    Case("affine", body("Affine", 'top: "y" top: "z"'), [(4, 3)]),
    Case("distance", body("Distance", 'top: "y"'), [(2, 3), (2, 3)]),
    Case("in place", body("Keeps", 'bottom: "x" top: "x"'), [np.array([[0.5, 2], [3, -1]])]),
    Case("of netcfg", body("Cube", 'top: "y"'), [(2, 3), np.array(2.0)]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def net(*layers: str, inputs: str = "", phase: Phase = Phase.TRAIN, **options: Any) -> Net:
    text = "\n".join(f"layer {{ name: 'l{i}' {text} }}" for i, text in enumerate(layers))
    return Net(parse_net(f"{inputs}\n{text}", "net.prototxt").message, phase, **options)


def input_of(shape: str, name: str = "x") -> str:
    dims = " ".join(f"dim: {n}" for n in shape.split())
    return f"input: '{name}' input_shape {{ {dims} }}"


def test_a_class_for_caffe_computes() -> None:
    made = net(
        body("Times", "bottom: 'x' top: 'y'"),
        body("Times", "bottom: 'y' top: 'z'", "2.5"),
        inputs=f"force_backward: true {input_of('3 4')}",
    )
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(made.forward({"x": x})["z"], 25 * x)
    np.testing.assert_array_equal(made.backward({"z": x})["x"], 25 * x)
    assert made.layer("l0").python.param_str == ""
    assert (made.layer("l1").python.param_str, made.layer("l1").python.param_str_) == ("2.5",) * 2


def test_reshape_runs_before_each_forward_and_sees_the_shape() -> None:
    made = net(body("Times", "bottom: 'x' top: 'y'"), inputs=input_of("3 4"))
    made.forward()
    made.forward()
    calls = made.layer("l0").python.calls
    assert calls == ["reshape", "reshape", "forward", "reshape", "forward"]
    assert made.forward({"x": np.ones((2, 2, 2), np.float32)})["y"].shape == (2, 2, 2)


def test_what_the_net_got_stays_when_the_class_writes_again() -> None:
    made = net(body("Times", "bottom: 'x' top: 'y'"), inputs=input_of("1"))
    first = made.forward({"x": np.array([1], np.float32)})["y"]
    made.forward({"x": np.array([2], np.float32)})
    assert first == [10]


def test_data_whose_shape_changes() -> None:
    made = net(body("Counter", "top: 'x'"), body("Times", "bottom: 'x' top: 'y'"))
    assert made.top_shapes[0] == ((2, 1),)
    batches = [made.forward()["y"].ravel().tolist() for _ in range(3)]
    assert batches == [[0, 10], [20, 30, 40], [50, 60, 70, 80]]


def test_a_shape_that_only_forward_knows() -> None:
    made = net(
        body("Positive", "bottom: 'x' top: 'y'"),
        body("Times", "bottom: 'y' top: 'z'"),
        inputs=input_of("4"),
    )
    for x, y in (([1, -1, 2, 3], [10, 20, 30]), ([-1, -1, -2, 0], [])):
        assert made.forward({"x": np.array(x, np.float32)})["z"].tolist() == y


def test_the_phase() -> None:
    for phase in Phase:
        assert net(body("Phase", "top: 'x'"), phase=phase).forward()["x"] == int(phase)


IP = """type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param {
num_output: 2 bias_term: false weight_filler { type: 'constant' value: 1 } }"""


def test_a_loss_learns_and_labels_get_no_gradient() -> None:
    made = net(
        IP,
        body("Distance", "bottom: 'y' bottom: 'label' top: 'loss' loss_weight: 1"),
        inputs=f"{input_of('1 2')} {input_of('1 2', 'label')}",
    )
    assert made.layer("l1").need == [True, False]
    made.forward({"x": np.array([[1, 2]], np.float32), "label": np.array([[1, 4]], np.float32)})
    assert made.loss == (4 + 1) / 2
    made.backward()
    np.testing.assert_array_equal(made.params[0].diff, [[2, 4], [-1, -2]])


def test_parameters_are_the_nets() -> None:
    specs = "param { lr_mult: 2 decay_mult: 0 } param { name: 'bias' }"
    text = body("Affine", f"bottom: 'x' top: 'y' top: 'z' {specs} loss_weight: 1 loss_weight: 0")
    made = net(text, inputs=input_of("2 3"))
    w, b = made.params
    assert (w.shape, w.lr_mult, w.decay_mult, b.shape, b.name) == ((3,), 2, 0, (1,), "bias")
    np.testing.assert_array_equal(w.data, [2, 2, 2])
    made.load({"l0": [np.array([1, 2, 3], np.float32), np.array([5], np.float32)]})
    x = np.array([[1, 1, 1], [2, 2, 2]], np.float32)
    y = made.forward({"x": x})["y"]
    np.testing.assert_array_equal(y, [[6, 7, 8], [7, 9, 11]])
    made.backward()
    made.forward()
    made.backward()
    np.testing.assert_array_equal(w.diff, [6, 6, 6])
    assert b.diff == [12]
    made.clear_grads()
    assert made.layer("l0").python.blobs[1].diff == [0]


def test_who_declares_a_shared_parameter_first_fills_it() -> None:
    shared = "param { name: 'w' } param { name: 'b' }"
    made = net(
        body("Affine", f"bottom: 'x' top: 'y' top: 'z' {shared}"),
        body("Affine", f"bottom: 'y' top: 'u' top: 'v' {shared}"),
        inputs=input_of("1 2"),
    )
    assert len(made.params) == 2
    made.layer("l0").python.blobs[0].data[...] = 3
    np.testing.assert_array_equal(made.layer("l1").python.blobs[0].data, [3, 3])
    again = net(
        "type: 'Parameter' top: 'p' param { name: 'w' } parameter_param { shape { dim: 2 } }",
        body("Affine", f"bottom: 'x' top: 'y' top: 'z' {shared}"),
        inputs=input_of("1 2"),
    )
    np.testing.assert_array_equal(again.params[0].data, [0, 0])


def test_in_place_top_and_bottom_are_one_blob_and_other_readers_keep_theirs() -> None:
    made = net(
        "type: 'Power' bottom: 'x' top: 'before'",
        body("Keeps", "bottom: 'x' top: 'x'"),
        "type: 'Power' bottom: 'x' top: 'after'",
        inputs=f"force_backward: true {input_of('3')}",
    )
    x = np.array([0.5, 2, 4], np.float32)
    tops = made.forward({"x": x})
    np.testing.assert_array_equal(tops["after"], [0.5, 1, 2])
    np.testing.assert_array_equal(tops["before"], [0.5, 2, 4])
    np.testing.assert_array_equal(x, [0.5, 2, 4])
    dx = made.backward({"after": np.ones(3, np.float32)})["x"]
    np.testing.assert_array_equal(dx, [1, 0.5, 0.5])


def test_a_layer_of_netcfg_takes_the_place() -> None:
    made = net(
        body("Cube", "bottom: 'x' bottom: 's' top: 'y'"),
        inputs=f"force_backward: true {input_of('2')} {input_of('2', 's')}",
    )
    assert type(made.layer("l0")).__name__ == "Cube"
    assert made.layer("l0").need == [True, False]
    feed = {"x": np.array([1, 2], np.float32), "s": np.array([1, 3], np.float32)}
    np.testing.assert_array_equal(made.forward(feed)["y"], [1, 24])
    with pytest.raises(NetError, match=r"net.prototxt:2:1: layer 'l0' \(Python\): takes 2 bottoms"):
        net(body("Cube", "bottom: 'x' top: 'y'"), inputs=input_of("2"))


class Remote(Engine):
    """An engine whose arrays Python cannot write to."""

    xp = ModuleType("remote")
    vars(xp).update(vars(np))

    def to_numpy(self, array: Any) -> np.ndarray:
        copy = np.array(array)
        copy.flags.writeable = False
        return copy


def test_arrays_that_live_elsewhere() -> None:
    text = body("Affine", 'top: "y" top: "z"')
    layer = make_layer(text, [(2, 3)], engine=Remote(np.float64))
    assert top_shapes(layer, [(2, 3)]) == ((2, 3), (3,))
    np.testing.assert_array_equal(layer.params[0].data, [2, 2, 2])
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(layer.forward(x)[0], 2 * x)
    (dx,) = layer.backward(np.ones((2, 3)), None)
    np.testing.assert_array_equal(dx, np.full((2, 3), 2))
    np.testing.assert_array_equal(layer.params[0].diff, [3, 5, 7])
    assert layer.params[1].diff == [6]


# Errors ------------------------------------------------------------------------------------------


def line(text: str) -> int:
    source = Path(__file__).with_name("python_classes.py").read_text().splitlines()
    return next(i for i, code in enumerate(source, 1) if text in code)


def build_and_run(fails_in: str) -> None:
    text = body("Fails", "bottom: 'x' top: 'y'", fails_in)
    made = net(text, inputs=f"force_backward: true {input_of('2')}")
    made.forward()
    made.backward({"y": np.ones(2, np.float32)})


@pytest.mark.parametrize("method", ["setup", "reshape", "forward", "backward"])
def test_an_error_names_layer_class_and_lines_and_keeps_its_type(method: str) -> None:
    caller, raiser = line(f'self._fail("{method}")'), line("raise KeyError")
    file = Path(__file__).with_name("python_classes.py")
    message = (
        f"net.prototxt:2:1: layer 'l0' (Python): {MODULE}.Fails.{method} raised KeyError: "
        f"'no {method} today\\nnor tomorrow' ({file}:{caller}, {file}:{raiser})"
    )
    with pytest.raises(KeyError) as caught:
        build_and_run(method)
    assert isinstance(caught.value, NetError)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("param_str", "message"),
    [
        ("write", r"raised ValueError: assignment destination is read-only \(.*python_classes"),
        ("shape", r"could not broadcast input array .* \(\S*python_classes.py:\d+\)$"),
    ],
)
def test_wrong_writes(param_str: str, message: str) -> None:
    made = net(body("Fails", "bottom: 'x' top: 'y'", param_str), inputs=input_of("2"))
    with pytest.raises(NetError, match=message):
        made.forward()


def param(text: str) -> str:
    return f"type: 'Python' bottom: 'x' top: 'y' python_param {{ {text} }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (param("layer: 'Times'"), "python_param must name a module: "),
        (param(f"module: '{MODULE}'"), "python_param must name a layer: "),
        (
            param("module: 'nowhere_1' layer: 'X'"),
            r"there is no module 'nowhere_1' in '.*PYTHONPATH",
        ),
        (
            param(f"module: '{MODULE}' layer: 'Time'"),
            r"has no class 'Time'; did you mean 'Times'\?",
        ),
        (
            param(f"module: '{MODULE}' layer: 'Qq'"),
            "has no class 'Qq'; its layers: Layer, Times, A",
        ),
        (param(f"module: '{MODULE}' layer: 'NUMBER'"), "must be a class .*; it is a int$"),
        (
            param(f"module: '{MODULE}' layer: 'Empty'"),
            "must be a class .*; it is a type without one",
        ),
        (body("Shapeless", "bottom: 'x' top: 'y'"), "top 0 has no shape; give it one with reshape"),
        (
            body("Distance", "bottom: 'x' top: 'y'"),
            "Exception: Need two inputs to compute distance",
        ),
    ],
)
def test_what_cannot_be_built(text: str, message: str) -> None:
    with pytest.raises(NetError, match=rf"^net.prototxt:2:1: layer 'l0' \(Python\): .*{message}"):
        net(text, inputs=input_of("2"))


def test_a_class_without_backward_cannot_pass_gradients_on() -> None:
    made = net(IP, body("Phase", "bottom: 'y' top: 'z' loss_weight: 1"), inputs=input_of("1 2"))
    made.forward()
    with pytest.raises(NetError, match=r"'l1' \(Python\): .*Phase has no backward, but gradients"):
        made.backward()


# Finding classes ---------------------------------------------------------------------------------

FILE = """
import caffe
from caffe import TRAIN
class Double(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        import beside_2
        top[0].data[...] = beside_2.FACTOR * bottom[0].data
"""


@pytest.fixture
def _clean(monkeypatch: pytest.MonkeyPatch) -> Any:
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.split(".")[0] == "caffe"]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("caffe", "beside_1", "beside_2"):
            del sys.modules[name]


@pytest.mark.usefixtures("_clean")
@pytest.mark.parametrize("here", [True, False], ids=["working directory", "beside the prototxt"])
def test_modules_are_found_and_may_import_caffe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    folder = tmp_path / "nets"
    folder.mkdir()
    code = tmp_path if here else folder
    (code / "beside_1.py").write_text(FILE)
    (code / "beside_2.py").write_text("FACTOR = 2")
    file = folder / "net.prototxt"
    text = param("module: 'beside_1' layer: 'Double'")
    file.write_text(f"{input_of('2')} layer {{ name: 'l' {text} }}")
    monkeypatch.chdir(tmp_path)
    made = Net("nets/net.prototxt", Phase.TEST)
    np.testing.assert_array_equal(made.forward({"x": np.array([1, 2], np.float32)})["y"], [2, 4])


def test_case_runs() -> None:
    np.testing.assert_allclose(run(CASES[0])[0], 3 * CASES[0].arrays()[0])

"""16-bit floats between layers: results near those of float32, parameters untouched by it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg import Net
from netcfg.engines import Conv, Engine, Window, get_engine
from netcfg.engines.onednn.library import load
from netcfg.engines.onednn.memory import bfloat16
from netcfg.errors import NetError
from netcfg.schema import parse_net
from netcfg.solver import Solver
from netcfg.types import Phase
from tests.test_fuse import BLOCK

pytest.importorskip("ml_dtypes", reason="needs netcfg[bf16]")
pytestmark = pytest.mark.skipif(
    not load().has_bfloat16(), reason="this CPU does not compute with bfloat16"
)
RNG = np.random.default_rng(0)
CONV = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))


def engine() -> Engine:
    return get_engine("onednn", storage="bfloat16")


def make(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def near(found: Any, wanted: Any, tolerance: float = 0.02) -> None:
    found = engine().to_numpy(found)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


def test_which_results_are_short() -> None:
    e, x, w = engine(), make(2, 16, 8, 8), make(16, 16, 3, 3)
    y = e.conv(x, w, None, CONV)
    dw, db = e.conv_grad_w(y, x, w.shape, CONV, True)
    rows, v = make(8, 32), make(5, 32)
    short = [y, e.relu(x, 0.0), e.conv_grad_x(y, w, x.shape, CONV), e.linear_grad_x(make(8, 5), v)]
    assert {array.dtype for array in short} == {bfloat16()}
    long = [dw, db, e.linear(rows, v, None), e.linear_grad_w(make(8, 5), rows), e.softmax(rows, 1)]
    assert {array.dtype for array in long} == {np.dtype(np.float32)}


def test_values_are_near() -> None:
    e, definition = engine(), Engine()
    x, w, b = make(2, 16, 8, 8), make(16, 16, 3, 3), make(16)
    y = definition.conv(x, w, b, CONV, x, 0.0)
    near(e.conv(x, w, b, CONV, x, 0.0), y)
    near(e.conv(x, e.freeze(w), b, CONV, x, 0.0), y)
    near(e.conv_grad_x(y, w, x.shape, CONV), definition.conv_grad_x(y, w, x.shape, CONV))
    dw, _ = definition.conv_grad_w(y, x, w.shape, CONV, False)
    near(e.conv_grad_w(y, x, w.shape, CONV, False)[0], dw)
    *found, kept = e.norm_scale(x, b, b, 1e-5, relu=False)
    *wanted, kept32 = definition.norm_scale(x, b, b, 1e-5, relu=False)
    found += e.norm_scale_grad(y, b, 1e-5, kept)
    wanted += definition.norm_scale_grad(y, b, 1e-5, kept32)
    for one, other in zip(found, wanted, strict=True):
        near(one, other, 0.05)
    near(e.concat([x, x], 1), np.concatenate([x, x], 1))
    near(e.weighted_sum([x, x], [1.0, -0.5]), x / 2)
    near(e.lrn(x, 5, 1e-4, 0.75, 1.0)[0], definition.lrn(x, 5, 1e-4, 0.75, 1.0)[0])


def test_what_numpy_computes_is_float32() -> None:
    e = engine()
    x = e.relu(make(4, 6), 0.0)
    assert x.dtype == bfloat16()
    assert e.sum_to_axis(x, 1).dtype == np.float32
    assert e.dropout(x, np.ones(x.shape), 2.0).dtype == np.float32


@pytest.mark.parametrize("phase", list(Phase))
def test_a_net(phase: Phase) -> None:
    x = make(2, 3, 6, 6)
    losses = []
    for e in (engine(), Engine()):
        net = Net(parse_net("\n".join(BLOCK)).message, phase, engine=e)
        rng = np.random.default_rng(1)
        for param in net.params:
            param.assign(rng.uniform(0.5, 1.5, param.shape).astype(np.float32))
        net.forward({"x": x})
        losses.append(net.loss)
        if phase is Phase.TRAIN:
            net.backward()
            assert {p.diff.dtype for p in net.params} == {np.dtype(np.float32)}
            assert any(p.diff.any() for p in net.params)
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_a_small_net_learns(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text("""
    layer { name: "data" type: "Input" top: "x" top: "t"
            input_param { shape { dim: 32 dim: 1 dim: 8 dim: 8 } shape { dim: 32 } } }
    layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
            convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
    layer { name: "ip" type: "InnerProduct" bottom: "y" top: "s"
            inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "t" top: "loss" }
    """)
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 display: 0')
    solver = Solver(path, out=tmp_path, engine=engine())
    rng = np.random.default_rng(3)

    def batch() -> dict[str, Any]:
        t = rng.integers(0, 2, 32)
        x = rng.normal(size=(32, 1, 8, 8))
        x[:, 0, :4] += (2 * t - 1)[:, None, None]  # the upper half says which
        return {"x": x.astype(np.float32), "t": t.astype(np.float32)}

    solver.feed = batch
    solver.step(1)
    first = solver.losses[-1]
    solver.step(60)
    assert solver.losses[-1] < 0.2 * first
    assert {p.value.dtype for p in solver.train_net.params} == {np.dtype(np.float32)}


def test_engines_without_it_say_so() -> None:
    with pytest.raises(NetError, match="engine numpy stores float32 only; given 'bfloat16'"):
        get_engine("numpy", storage="bfloat16")
    with pytest.raises(NetError, match="storage must be float32 or bfloat16; given 'int8'"):
        get_engine("onednn", storage="int8")

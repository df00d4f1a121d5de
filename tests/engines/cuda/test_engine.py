"""The engine on a card that is none: values of all primitives, and which library does what."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import Conv, Engine, Window
from tests.engines import reference
from tests.engines.cases import CALLS, primitive
from tests.engines.cuda.fake import FakeGraphs, engine
from tests.engines.test_base import LAYOUTS, arguments, in_order, kept, mapped, run

CONV = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 6, 5)).astype(np.float32)
W = RNG.normal(size=(8, 4, 3, 3)).astype(np.float32)
B = RNG.normal(size=8).astype(np.float32)
ADD = RNG.normal(size=(2, 8, 6, 5)).astype(np.float32)


def close(got: Any, wanted: Any, tolerance: float) -> None:
    wanted = np.asarray(wanted, np.float64)
    size = max(1.0, float(np.abs(wanted).max(initial=0)))
    np.testing.assert_allclose(np.asarray(got, np.float64), wanted, rtol=0, atol=tolerance * size)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_values(name: str, layout: Any) -> None:
    expected = run(reference, name, arguments(name, np.float64, in_order))
    e = engine()
    results = run(e, name, arguments(name, np.float32, layout))
    for y, wanted in zip(results, expected, strict=True):
        assert y.shape == wanted.shape
        assert (
            y.dtype == np.float32 if wanted.dtype.kind == "f" else y.dtype.kind == wanted.dtype.kind
        )
        close(y, wanted, 2e-5)


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [n for n in CALLS if "max_pool" not in n and "places" not in n])
def test_16_bit_floats(name: str, storage: str) -> None:
    e = engine(storage=storage)
    wide = Engine()

    def narrow(x: np.ndarray) -> np.ndarray:
        return x.astype(e.store) if x.dtype == np.float32 and x.ndim > 1 else x

    args = [mapped(narrow, a) for a in arguments(name, np.float32, in_order)]
    again = [mapped(lambda x: x.astype(np.float32) if x.dtype == e.store else x, a) for a in args]
    results = getattr(e, primitive(name))(*kept(e, args))
    wanted = getattr(wide, primitive(name))(*kept(wide, again))
    first, other = (r[0] if isinstance(r, tuple) else r for r in (results, wanted))
    close(first, other, 2e-2 if storage == "float16" else 8e-2)


def test_convolutions_are_cudnns_with_all_that_follows() -> None:
    e = engine()
    y = e.conv(X, W, B, CONV, ADD, 0.0)
    close(y, Engine().conv(X, W, B, CONV, ADD, 0.0), 1e-5)
    (spec,) = e.device.graphs.specs
    assert (spec.kind, spec.bias, spec.add, spec.relu) == ("forward", True, True, True)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("refused", [("relu",), ("bias", "add"), ("forward",)])
@pytest.mark.parametrize("slope", [None, 0.0, 0.1])
@pytest.mark.parametrize("bias", [None, B])
@pytest.mark.parametrize("add", [None, ADD])
def test_what_cudnn_does_not_fuse_is_done_after_it(
    refused: Any, slope: Any, bias: Any, add: Any
) -> None:
    e = engine()
    e.device.graphs = FakeGraphs(refused)
    close(e.conv(X, W, bias, CONV, add, slope), Engine().conv(X, W, bias, CONV, add, slope), 1e-5)


def test_without_libraries() -> None:
    e = engine(products=False, graphs=False)
    close(e.conv(X, W, B, CONV), Engine().conv(X, W, B, CONV), 1e-5)
    rows = X.reshape(8, -1)
    close(e.linear(rows, rows, None), rows @ rows.T, 1e-5)


def test_float64_is_exact() -> None:
    e = engine(np.float64)
    close(
        e.conv(X.astype(float), W.astype(float), None, CONV),
        Engine(np.float64).conv(X.astype(float), W.astype(float), None, CONV),
        1e-14,
    )
    assert e.device.graphs.specs == []


def test_16_bit_floats_between_layers_and_float32_around() -> None:
    e = engine(storage="float16")
    y = e.conv(X, W, None, CONV)
    dw, db = e.conv_grad_w(y, X, W.shape, CONV, True)
    assert (y.dtype, dw.dtype, db.dtype) == (np.float16, np.float32, np.float32)
    assert (
        e.linear(y.reshape(2, -1), W.reshape(8, -1)[:, :1].repeat(240, 1), None).dtype == np.float32
    )


def test_images_from_the_cpu_become_channels_last() -> None:
    e = engine()
    assert e._last(X).transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_array_equal(e._last(X), X)
    assert e.freeze(W).transpose(0, 2, 3, 1).flags.c_contiguous


def test_masks_go_on_as_the_layer_counts() -> None:
    from tests.engines.cases import Drawing

    e, drawing = engine(), Drawing()
    for step in (3, 4, 5, 9, 0):
        drawing.step = step
        mask = e.keep_mask((5, 7), 0.5, drawing)
        np.testing.assert_array_equal(mask, Engine().keep_mask((5, 7), 0.5, drawing))
    e.device.counters.forget()  # as after a recorded graph
    drawing.step = 1
    np.testing.assert_array_equal(
        e.keep_mask((9,), 0.5, drawing), Engine().keep_mask((9,), 0.5, drawing)
    )

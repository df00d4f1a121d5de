"""Every primitive of every engine: values, dtypes, layouts, and that arguments are not touched."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from netcfg.engines import ENGINES, Conv, Engine, Window, get_engine
from netcfg.errors import NetError
from tests.engines import reference
from tests.engines.cases import CALLS, Kept, primitive, window


def leaves(value: Any) -> Iterator[np.ndarray]:
    """Yield the arrays in arguments or results."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif hasattr(value, "dtype"):
        yield value


def mapped(change: Callable[[np.ndarray], np.ndarray], value: Any) -> Any:
    """Return arguments with every array changed."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, Kept):
        return Kept(value.name, tuple(mapped(change, v) for v in value.args))
    return [mapped(change, v) for v in value] if isinstance(value, list) else value


def in_order(x: np.ndarray) -> np.ndarray:
    return np.array(x, order="C")


def channels_last(x: np.ndarray) -> np.ndarray:
    if x.ndim < 3:
        return np.array(x, order="F")
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def scattered(x: np.ndarray) -> np.ndarray:
    """Lay every second value of every axis of something larger, backwards on the last."""
    if x.ndim == 0:
        return x
    large = np.ones([2 * n for n in x.shape], x.dtype)
    view = large[tuple(slice(None, None, 2) for _ in x.shape)][..., ::-1]
    view[...] = x
    return view


LAYOUTS = [in_order, channels_last, scattered]


def arguments(name: str, dtype: Any, layout: Callable[[np.ndarray], np.ndarray]) -> list[Any]:
    """Return read-only arguments of a call."""

    def change(x: np.ndarray) -> np.ndarray:
        x = layout(x.astype(dtype) if x.dtype.kind == "f" else x.copy())
        x.flags.writeable = False
        return x

    return [mapped(change, a) for a in CALLS[name](np.random.default_rng(7))]


def kept(engine: Any, args: list[Any]) -> list[Any]:
    """Return arguments with what another primitive of the engine returned."""
    return [getattr(engine, a.name)(*a.args)[-1] if isinstance(a, Kept) else a for a in args]


OPAQUE = {
    **{"max_pool": 1, "lrn": 1, "norm_scale": 3},
    **{"layer_norm": 1, "rms_norm": 1, "attention": 1},
}
"""Primitives of whose results the first so many are common, the rest is as the engine likes."""


def run(engine: Any, name: str, args: list[Any]) -> list[np.ndarray]:
    """Return the results of a call that all engines have in common."""
    results = list(leaves(getattr(engine, primitive(name))(*kept(engine, args))))
    return results[: OPAQUE.get(primitive(name), len(results))]


def to_engine(engine: Engine) -> Callable[[np.ndarray], Any]:
    """Return what moves an array to the engine, as it is where the engine uses NumPy."""
    return (lambda x: x) if engine.xp is np else engine.xp.asarray


@pytest.fixture(params=ENGINES, scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name == "cuda":
        try:
            get_engine(name)
        except NetError as reason:
            pytest.skip(str(reason))
    return name


def test_every_primitive_has_calls_and_a_definition() -> None:
    arrays = {"asarray", "form", "freeze", "lstm", "recorder", "stream", "to_numpy", "zeros"}
    methods = {n for n, _ in inspect.getmembers(Engine, inspect.isfunction) if n[0] != "_"}
    assert {primitive(name) for name in CALLS} == methods - arrays
    assert all(hasattr(reference, name) for name in methods - arrays)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_values(engine_name: str, name: str, layout: Callable[[np.ndarray], np.ndarray]) -> None:
    expected = run(reference, name, arguments(name, np.float64, in_order))
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-5)):
        engine = get_engine(engine_name, dtype)
        args = [mapped(to_engine(engine), a) for a in arguments(name, dtype, layout)]
        results = run(engine, name, args)
        assert not any(isinstance(r, np.generic) for r in results), "no NumPy scalars"
        found = [engine.to_numpy(r) for r in results]
        for y, wanted in zip(found, expected, strict=True):
            assert y.shape == wanted.shape
            assert (
                y.dtype == dtype if wanted.dtype.kind == "f" else y.dtype.kind == wanted.dtype.kind
            )
            size = max(1.0, float(np.abs(wanted).max(initial=0)))
            np.testing.assert_allclose(y, wanted, rtol=0, atol=tolerance * size)


@pytest.mark.parametrize("name", CALLS)
def test_results_share_no_memory_with_arguments(engine_name: str, name: str) -> None:
    """So that a caller may write to what it gets."""
    engine = get_engine(engine_name)
    args = [mapped(to_engine(engine), a) for a in arguments(name, np.float32, in_order)]
    if primitive(name) == "max_pool_places":
        return  # it only reads what the gradient needs
    for y in run(engine, name, args):
        assert not any(engine.xp.shares_memory(y, x) for x in leaves(args))


@pytest.mark.parametrize("engine_class", ENGINES)
def test_subclasses_keep_signatures_and_add_nothing(engine_class: str) -> None:
    base = dict(inspect.getmembers(Engine, inspect.isfunction))
    for name, method in inspect.getmembers(ENGINES[engine_class](), inspect.isfunction):
        if name[0] != "_":
            assert name in base
            assert inspect.signature(method).parameters == inspect.signature(base[name]).parameters


def test_asarray_zeros_and_back(engine_name: str) -> None:
    engine = get_engine(engine_name, np.float64)
    x = engine.asarray([[1, 2], [3, 4]])
    assert x.dtype == np.float64
    assert isinstance(engine.to_numpy(x), np.ndarray)
    assert engine.to_numpy(x).tolist() == [[1, 2], [3, 4]]
    assert engine.zeros((2, 3)).shape == (2, 3)
    assert engine.zeros((2, 3)).dtype == np.float64


HEADS = (2, 2, 3, 4)
OVER, OUT = window((3, 3), 2, 1), (3, 4)
CONV = Conv(window((3, 2), (2, 1), 1, (1, 2)), 2)
IMAGE, ROWS, KERNELS, MATRIX = (2, 4, 6, 7), (5, 6), (6, 2, 3, 2), (3, 6)
X = {
    shape: np.random.default_rng(8).normal(size=shape)
    for shape in (IMAGE, ROWS, KERNELS, MATRIX, HEADS)
}


def _lrn_grad(e: Engine, dy: Any, x: Any) -> Any:
    return e.lrn_grad(dy, x, *e.lrn(x, 5, 2.0, 0.75, 1.5), 5, 2.0, 0.75, 1.5)


def _batch_norm_grad(e: Engine, dy: Any, x: Any) -> Any:
    y, _, var = e.batch_norm(x, 1e-3)
    return e.batch_norm_grad(dy, y, var, 1e-3)


def _attention_grad(index: int) -> Any:
    """Return how the gradient of queries, keys or values is computed, the others being fixed."""

    def forward(e: Engine, x: Any) -> Any:
        given = [e.asarray(X[HEADS] * f) for f in (0.5, -1, 2)]
        given[index] = x
        return e.attention(*given, 0.7, True)

    return (
        HEADS,
        lambda e, x: forward(e, x)[0],
        lambda e, dy, x: e.attention_grad(dy, forward(e, x)[1])[index],
    )


def _row_norm(e: Engine, x: Any) -> Any:
    w, b = e.asarray(X[MATRIX][0]), e.asarray(X[MATRIX][1])
    return e.layer_norm(x, w, b, 1e-3)


Gradient = tuple[tuple[int, ...], Callable[[Engine, Any], Any], Callable[[Engine, Any, Any], Any]]
GRADIENTS: dict[str, Gradient] = {
    # shape of x, y of x, dx of dy and x
    "linear_x": (
        ROWS,
        lambda e, x: e.linear(x, e.asarray(X[MATRIX]), None),
        lambda e, dy, x: e.linear_grad_x(dy, e.asarray(X[MATRIX])),
    ),
    "linear_w": (
        MATRIX,
        lambda e, w: e.linear(e.asarray(X[ROWS]), w, None),
        lambda e, dy, w: e.linear_grad_w(dy, e.asarray(X[ROWS])),
    ),
    "conv_x": (
        IMAGE,
        lambda e, x: e.conv(x, e.asarray(X[KERNELS]), None, CONV),
        lambda e, dy, x: e.conv_grad_x(dy, e.asarray(X[KERNELS]), x.shape, CONV),
    ),
    "conv_w": (
        KERNELS,
        lambda e, w: e.conv(e.asarray(X[IMAGE]), w, None, CONV),
        lambda e, dy, w: e.conv_grad_w(dy, e.asarray(X[IMAGE]), w.shape, CONV, False)[0],
    ),
    "im2col": (
        IMAGE,
        lambda e, x: e.im2col(x, OVER),
        lambda e, dy, x: e.im2col_grad(dy, x.shape, OVER),
    ),
    "max_pool": (
        IMAGE,
        lambda e, x: e.max_pool(x, OVER, OUT)[0],
        lambda e, dy, x: e.max_pool_grad(dy, e.max_pool(x, OVER, OUT)[1], x.shape, OVER),
    ),
    "ave_pool": (
        IMAGE,
        lambda e, x: e.ave_pool(x, OVER, OUT),
        lambda e, dy, x: e.ave_pool_grad(dy, x.shape, OVER),
    ),
    "lrn": (IMAGE, lambda e, x: e.lrn(x, 5, 2.0, 0.75, 1.5)[0], _lrn_grad),
    "batch_norm": (IMAGE, lambda e, x: e.batch_norm(x, 1e-3)[0], _batch_norm_grad),
    "softmax": (
        IMAGE,
        lambda e, x: e.softmax(x, 1),
        lambda e, dy, x: e.softmax_grad(dy, e.softmax(x, 1), 1),
    ),
    "layer_norm": (
        ROWS,
        lambda e, x: _row_norm(e, x)[0],
        lambda e, dy, x: e.layer_norm_grad(dy, e.asarray(X[MATRIX][0]), _row_norm(e, x)[1])[0],
    ),
    "rms_norm": (
        ROWS,
        lambda e, x: e.rms_norm(x, e.asarray(X[MATRIX][0]), 1e-3)[0],
        lambda e, dy, x: e.rms_norm_grad(
            dy, (w := e.asarray(X[MATRIX][0])), e.rms_norm(x, w, 1e-3)[1]
        )[0],
    ),
    "attention_q": _attention_grad(0),
    "attention_k": _attention_grad(1),
    "attention_v": _attention_grad(2),
    "relu": (IMAGE, lambda e, x: e.relu(x, 0.1), lambda e, dy, x: e.relu_grad(dy, x, 0.1)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_against_differences(engine_name: str, name: str) -> None:
    shape, forward, backward = GRADIENTS[name]
    engine = get_engine(engine_name, np.float64)
    rng = np.random.default_rng(2)
    count = int(np.prod(shape))
    # Spaced and none near 0, so that no step reaches a kink.
    x = rng.permutation((np.arange(count) + 0.5) * (4 / count) - 2).reshape(shape)
    v = rng.normal(size=shape)

    def y(step: float) -> np.ndarray:
        return engine.to_numpy(forward(engine, engine.asarray(x + step * v)))

    dy = rng.normal(size=y(0).shape)
    dx = engine.to_numpy(backward(engine, engine.asarray(dy), engine.asarray(x)))
    step = 1e-5
    change = np.vdot(dy, y(step) - y(-step)) / (2 * step)
    assert np.vdot(dx, v) == pytest.approx(change, rel=1e-6)


def test_extreme_values_give_no_warnings(engine_name: str) -> None:
    engine = get_engine(engine_name)
    huge = engine.asarray([[-1e38, -1000.0, 0.0, 1000.0, 1e38]])
    assert engine.to_numpy(engine.sigmoid(huge)).tolist() == [[0, 0, 0.5, 1, 1]]
    assert engine.to_numpy(engine.tanh(huge)).tolist() == [[-1, -1, 0, 1, 1]]
    assert engine.to_numpy(engine.softmax(huge / 2, 1)).tolist() == [[0, 0, 0, 0, 1]]
    infinite = engine.asarray([[np.inf, 0.0], [-np.inf, 0.0]])
    y = engine.to_numpy(engine.softmax(infinite, 1))
    assert np.isnan(y[0, 0])
    assert y[1].tolist() == [0, 1]


@pytest.mark.parametrize("over", [window((2, 2), 2, 1), window((4, 4))])
def test_max_pool_of_nan_and_minus_infinity_points_inside(engine_name: str, over: Window) -> None:
    engine = get_engine(engine_name)
    out = over.out((4, 4))
    for value in (np.nan, -np.inf):
        x = engine.asarray(np.full((1, 2, 4, 4), value))
        y, mask = engine.max_pool(x, over, out)
        # Where comparing is all that an engine does, the least float is left, as in Caffe.
        least = np.finfo(np.float32).min if engine_name == "onednn" else value
        assert np.array_equal(engine.to_numpy(y), np.full((1, 2, *out), least), equal_nan=True)
        places = engine.to_numpy(engine.max_pool_places(mask, x.shape, over))
        assert ((places >= 0) & (places < 16)).all()


@pytest.mark.parametrize("name", [name for name in CALLS if primitive(name) == "max_pool"])
def test_max_pool_without_mask(engine_name: str, name: str) -> None:
    engine = get_engine(engine_name, np.float64)
    args = [mapped(to_engine(engine), a) for a in arguments(name, np.float64, in_order)]
    y, mask = engine.max_pool(*args, with_mask=False)
    assert mask is None
    assert np.array_equal(engine.to_numpy(y), engine.to_numpy(engine.max_pool(*args)[0]))


def test_batches_of_no_samples(engine_name: str) -> None:
    """Detectors may find nothing to look at."""
    engine = get_engine(engine_name)
    x, w = engine.zeros((0, 4, 6, 7)), engine.asarray(X[KERNELS])
    y = engine.conv(x, w, None, CONV)
    assert y.shape == (0, 6, 3, 7)
    assert engine.conv_grad_x(y, w, x.shape, CONV).shape == x.shape
    assert not engine.to_numpy(engine.conv_grad_w(y, x, w.shape, CONV, False)[0]).any()
    y, mask = engine.max_pool(x, OVER, OUT)
    assert y.shape == mask.shape == (0, 4, *OUT)
    assert engine.max_pool_grad(y, mask, x.shape, OVER).shape == x.shape
    assert engine.ave_pool(x, OVER, OUT).shape == y.shape
    assert engine.softmax(x, 1).shape == engine.relu(x, 0.0).shape == x.shape
    assert engine.lrn(x, 5, 1.0, 0.75, 1.0)[0].shape == x.shape
    assert engine.linear(engine.zeros((0, 6)), engine.asarray(X[MATRIX]), None).shape == (0, 3)

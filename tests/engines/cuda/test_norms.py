"""Normalization: what cuDNN is given, and what kernels do; values of both: test_engine.py too."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine
from tests.engines.cuda.cards import back, close, there
from tests.engines.cuda.fake import FakeGraphs, engine


def test_many_rows_are_summed_in_parts() -> None:
    x = np.random.default_rng(0).normal(3, 2, (40, 5, 9, 9)).astype(np.float32)
    y, mean, var = engine().batch_norm(x, 1e-5)
    wanted = Engine().batch_norm(x, 1e-5)
    for got, want in zip((y, mean, var), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_what_is_kept_does_not_change_with_the_bias() -> None:
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(4, 3, 5, 5)).astype(np.float32) for _ in range(2))
    w, b = np.ones(3, np.float32), np.zeros(3, np.float32)
    e = engine()
    *_, kept = e.norm_scale(x, w, b, 1e-5, relu=True)
    before = e.norm_scale_grad(dy, w, 1e-5, kept)
    b += 100  # an update in between
    for got, want in zip(e.norm_scale_grad(dy, w, 1e-5, kept), before, strict=True):
        np.testing.assert_array_equal(got, want)


def test_statistics_of_small_floats_are_float32() -> None:
    x = np.ones((2, 3, 2, 2), np.float16)
    y, mean, var = engine(storage="float16").batch_norm(x, 1e-5)
    assert (y.dtype, mean.dtype, var.dtype) == (np.float16, np.float32, np.float32)


def last(x: np.ndarray) -> np.ndarray:
    """Return the same array with channels fastest."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def passes(e: Any, x: Any, dy: Any, w: Any, b: Any, relu: bool) -> tuple[Any, ...]:
    """Return y, mean, variance, dx, dw and db."""
    y, mean, var, kept = e.norm_scale(x, w, b, 1e-3, relu)
    return y, mean, var, *e.norm_scale_grad(dy, w, 1e-3, kept)


def given(shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return x, dy, w and b."""
    rng = np.random.default_rng(0)
    images = [last(rng.normal(1, 2, shape).astype(np.float32)) for _ in range(2)]
    return images + [rng.normal(size=shape[1]).astype(np.float32) for _ in range(2)]


SHAPES = {
    (4, 8, 5, 7): (4, 8, 5, 7),
    (9, 8): (9, 8, 1, 1),
    (3, 4, 8): (3, 4, 1, 8),
    (2, 4, 4, 5, 6): (2, 4, 4, 5, 6),
}


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_images_channels_last_are_cudnns(shape: tuple[int, ...], relu: bool) -> None:
    e, arrays = engine(), given(shape)
    close(passes(e, *arrays, relu), passes(Engine(), *arrays, relu), 2e-5)
    forward, backward = e.device.graphs.specs
    assert (forward.x, forward.eps, forward.grad) == (SHAPES[shape], 1e-3, False)
    assert (backward.x, backward.grad) == (SHAPES[shape], True)
    assert forward.relu == backward.relu == relu


@pytest.mark.parametrize("refused", [("batch",), ("grad",), ("relu",)])
def test_kernels_do_what_cudnn_does_not(refused: Any) -> None:
    e, arrays = engine(), given((4, 8, 5, 7))
    e.device.graphs = FakeGraphs(refused)
    close(passes(e, *arrays, True), passes(Engine(), *arrays, True), 2e-5)
    assert [s.grad for s in e.device.graphs.specs] == [False] * (refused == ("grad",))


def test_kernels_do_images_in_c_order_and_norms_without_scale() -> None:
    e, (x, dy, w, b) = engine(), given((4, 8, 5, 7))
    turned = [np.ascontiguousarray(a) for a in (x, dy)]
    close(passes(e, *turned, w, b, False), passes(Engine(), *turned, w, b, False), 2e-5)
    y, _, var = e.batch_norm(x, 1e-3)
    e.batch_norm_grad(dy, y, var, 1e-3)
    assert e.device.graphs.specs == []


@pytest.mark.parametrize(("channels", "storage"), [(6, "tf32"), (4, "float16")])
def test_pixels_of_odd_sizes_are_left_to_kernels(channels: int, storage: str) -> None:
    e, (x, dy, w, b) = engine(storage=storage), given((4, channels, 5, 7))
    made = passes(e, x.astype(e.store), dy.astype(e.store), w, b, False)
    close(made, passes(Engine(), x, dy, w, b, False), 2e-5 if storage == "tf32" else 3e-2)
    assert e.device.graphs.specs == []


def test_an_array_that_cudnn_cannot_read_is_left_to_kernels() -> None:
    e, (x, dy, w, b) = engine(), given((4, 8, 5, 7))
    memory = np.empty(x.size + 1, np.float32)
    odd = memory[1:].reshape(4, 5, 7, 8).transpose(0, 3, 1, 2)
    odd[...] = x
    assert odd.ctypes.data % 16
    close(passes(e, odd, dy, w, b, True), passes(Engine(), x, dy, w, b, True), 2e-5)
    assert e.device.graphs.specs == []


def test_a_gradient_that_lies_otherwise_is_turned() -> None:
    e, (x, dy, w, b) = engine(), given((4, 8, 5, 7))
    dy = np.ascontiguousarray(dy)
    close(passes(e, x, dy, w, b, True), passes(Engine(), x, dy, w, b, True), 2e-5)
    assert [s.grad for s in e.device.graphs.specs] == [False, True]


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_16_bit_images_have_wide_statistics(storage: str) -> None:
    e, (x, dy, w, b) = engine(storage=storage), given((4, 8, 5, 7))
    made = passes(e, x.astype(e.store), dy.astype(e.store), w, b, False)
    types = [np.float32 if a.ndim == 1 else e.store for a in made]
    assert [a.dtype for a in made] == types
    close(made, passes(Engine(), x, dy, w, b, False), 3e-2)
    assert {s.dtype for s in e.device.graphs.specs} == {storage}


def test_float64_is_not_cudnns() -> None:
    e, arrays = engine(np.float64), [a.astype(np.float64) for a in given((4, 8, 5, 7))]
    close(passes(e, *arrays, True), passes(Engine(np.float64), *arrays, True), 1e-13)
    assert e.device.graphs.specs == []


@pytest.mark.gpu
@pytest.mark.parametrize("card", ["float32", "float16", "bfloat16"], indirect=True)
@pytest.mark.parametrize("relu", [False, True])
def test_images_on_a_card(card: Any, relu: bool) -> None:
    x, dy, w, b = given((16, 64, 28, 28))
    images = [card._last(a) for a in there(card, x, dy)]
    made = back(card, passes(card, *images, card.xp.asarray(w), card.xp.asarray(b), relu))
    given_ = [card.to_numpy(a).astype(np.float64) for a in images]  # rounded, so that bends agree
    wide = [a.astype(np.float64) for a in (w, b)]
    tolerance = 3e-5 if card.store == np.float32 else 3e-2
    close(made, passes(Engine(np.float64), *given_, *wide, relu), tolerance)
    assert [s.grad for s in card.device.graphs.done] == [False, True]

"""Calls of every primitive, on which all engines are compared."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from netcfg.engines.geometry import Conv, Window
from tests.engines import reference

Args = tuple[Any, ...]
CALLS: dict[str, Callable[[np.random.Generator], Args]] = {}
"""``primitive`` or ``primitive:what is special`` → a function that makes the arguments."""


@dataclass(frozen=True)
class Kept:
    """What another primitive returns for its gradient, of a form that each engine chooses."""

    name: str
    args: Args


def call(name: str) -> Callable[[Callable[[np.random.Generator], Args]], None]:
    def add(make: Callable[[np.random.Generator], Args]) -> None:
        assert name not in CALLS
        CALLS[name] = make

    return add


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw an array, also where it has no axes."""
    return np.array(rng.normal(size=shape))


def primitive(name: str) -> str:
    return name.partition(":")[0]


def window(kernel: tuple[int, ...], stride: Any = 1, pad: Any = 0, dilation: Any = 1) -> Window:
    """Make a Window; a number stands for itself on every axis."""
    values = (v if isinstance(v, tuple) else (v,) * len(kernel) for v in (stride, pad, dilation))
    return Window(kernel, *values)


CONVS: dict[str, tuple[tuple[int, ...], int, Conv]] = {
    # x, output channels, geometry
    "plain": ((2, 3, 7, 8), 5, Conv(window((3, 3)))),
    "one_channel": ((3, 1, 9, 8), 4, Conv(window((5, 5)))),
    "many_channels": ((2, 20, 6, 7), 3, Conv(window((3, 2), 1, 1))),
    "strided_padded": ((2, 18, 7, 8), 4, Conv(window((3, 2), (2, 1), (1, 2)))),
    "dilated": ((2, 17, 9, 9), 4, Conv(window((3, 3), 1, 2, (2, 3)))),
    "pointwise": ((2, 6, 5, 4), 7, Conv(window((1, 1)))),
    "pointwise_strided": ((2, 6, 5, 4), 7, Conv(window((1, 1), 2))),
    "pointwise_padded": ((2, 6, 3, 4), 7, Conv(window((1, 1), 1, 1))),
    "no_axes": ((3, 4), 5, Conv(window(()))),
    "one_axis": ((2, 3, 11), 4, Conv(window((4,), 3, 2))),
    "three_axes": ((1, 2, 4, 5, 6), 3, Conv(window((2, 3, 2), (1, 2, 1), (1, 0, 1)))),
    "whole_image": ((2, 3, 4, 5), 9, Conv(window((4, 5)))),
    "fewer_pixels_than_channels": ((1, 4, 5, 4), 12, Conv(window((3, 3), 2, 1), 2)),
    "unread_border": ((2, 16, 8, 8), 4, Conv(window((3, 3), 4))),
    "groups": ((2, 6, 6, 5), 4, Conv(window((3, 3), 1, 1), 2)),
    "groups_wide": ((2, 32, 6, 5), 4, Conv(window((3, 3), 1, 1), 2)),
    "depthwise": ((2, 5, 7, 6), 5, Conv(window((3, 3), 1, 1), 5)),
    "depthwise_strided": ((2, 5, 7, 6), 5, Conv(window((3, 3), 2, 1), 5)),
    "depthwise_dilated": ((2, 3, 7, 8), 3, Conv(window((3, 2), 1, 2, (2, 3)), 3)),
    "depthwise_multiplier": ((2, 3, 5, 6), 6, Conv(window((3, 3), 1, 1), 3)),
    "depthwise_multiplier_strided": ((2, 3, 5, 6), 6, Conv(window((2, 3), (2, 1), 0), 3)),
    "depthwise_overpadded": ((2, 3, 5, 6), 3, Conv(window((2, 1), 1, 2), 3)),
    "depthwise_one_axis": ((2, 3, 9), 3, Conv(window((3,), 1, 1, 2), 3)),
    "depthwise_no_axes": ((2, 3), 6, Conv(window(()), 3)),
    "depthwise_wide": ((2, 2, 4, 4), 12, Conv(window((3, 3), 1, 1), 2)),
}
POOLS: dict[str, tuple[tuple[int, ...], Window, tuple[int, ...]]] = {
    # x, window, output
    "exact": ((2, 3, 6, 8), window((2, 2), 2), (3, 4)),
    "overlapping": ((2, 3, 7, 9), window((3, 3), 2), (3, 4)),
    "hanging_over": ((2, 3, 6, 8), window((3, 3), 2), (3, 4)),
    "padded": ((2, 3, 5, 6), window((3, 3), 1, 1), (5, 6)),
    "padded_hanging_over": ((2, 3, 6, 5), window((3, 2), 2, 1), (4, 3)),
    "gaps": ((2, 3, 8, 8), window((2, 1), 3), (3, 3)),
    "global": ((2, 3, 5, 4), window((5, 4)), (1, 1)),
    "large": ((2, 3, 7, 6), window((4, 4), 3, 1), (3, 2)),
    "large_padding": ((1, 2, 3, 3), window((4, 4), 1, 3), (5, 5)),
    "one_axis": ((2, 3, 300), window((3,), 2), (149,)),
    "wide_image": ((1, 1, 4, 300), window((2, 2), 2), (2, 150)),
    "three_axes": ((1, 2, 4, 5, 3), window((2, 2, 2), (2, 1, 1), (0, 1, 0)), (2, 5, 2)),
    "no_axes": ((2, 3), window(()), ()),
}
SHAPES = {"flat": (5, 4), "image": (3, 4, 5, 6), "one_pixel": (4, 3, 1, 1), "row": (2, 6, 7)}


def _weights(x: tuple[int, ...], filters: int, conv: Conv) -> tuple[int, ...]:
    return (filters, x[1] // conv.group, *conv.window.kernel)


def _add_conv(label: str, x: tuple[int, ...], filters: int, conv: Conv) -> None:
    w = _weights(x, filters, conv)
    y = (x[0], filters, *conv.window.out(x[2:]))
    call(f"conv:{label}")(lambda r: (r.normal(size=x), r.normal(size=w), r.normal(size=w[0]), conv))
    call(f"conv:{label}_no_bias")(lambda r: (r.normal(size=x), r.normal(size=w), None, conv))
    call(f"conv:{label}_add_relu")(
        lambda r: (
            r.normal(size=x),
            r.normal(size=w),
            r.normal(size=w[0]),
            conv,
            r.normal(size=y),
            0,
        )
    )
    call(f"conv_grad_x:{label}")(lambda r: (r.normal(size=y), r.normal(size=w), x, conv))
    call(f"conv_grad_w:{label}")(lambda r: (r.normal(size=y), r.normal(size=x), w, conv, False))
    call(f"conv_grad_w:{label}_bias")(lambda r: (r.normal(size=y), r.normal(size=x), w, conv, True))
    if conv.group == 1:
        cols = (x[0], x[1] * int(np.prod(conv.window.kernel)), *y[2:])
        call(f"im2col:{label}")(lambda r: (r.normal(size=x), conv.window))
        call(f"im2col_grad:{label}")(lambda r: (r.normal(size=cols), x, conv.window))


def _add_pool(label: str, x: tuple[int, ...], over: Window, out: tuple[int, ...]) -> None:
    y = (*x[:2], *out)

    def grad(r: np.random.Generator) -> Args:
        return r.normal(size=y), Kept("max_pool", (r.normal(size=x), over, out)), x, over

    call(f"max_pool:{label}")(lambda r: (r.normal(size=x), over, out))
    call(f"max_pool:{label}_ties")(lambda r: (r.integers(0, 3, x).astype(float), over, out))
    call(f"max_pool_grad:{label}")(grad)
    call(f"max_pool_places:{label}")(lambda r: grad(r)[1:])
    call(f"ave_pool:{label}")(lambda r: (r.normal(size=x), over, out))
    call(f"ave_pool_grad:{label}")(lambda r: (r.normal(size=y), x, over))


def _add_norm(label: str, shape: tuple[int, ...]) -> None:
    C, ones = shape[1], [1] * (len(shape) - 2)

    def lrn_grad(r: np.random.Generator) -> Args:
        x = r.normal(size=shape)
        sizes = 5, 2.0, 0.75, 1.5
        return (
            r.normal(size=shape),
            x,
            reference.lrn(x, *sizes)[0],
            Kept("lrn", (x, *sizes)),
            *sizes,
        )

    def norm_grad(r: np.random.Generator) -> Args:
        y, _, var = reference.batch_norm(r.normal(size=shape), 1e-3)
        return r.normal(size=shape), y, var, 1e-3

    call(f"lrn:{label}")(lambda r: (r.normal(size=shape), 3, 2.0, 0.75, 1.0))
    call(f"lrn:{label}_wide")(lambda r: (r.normal(size=shape), 11, 2.0, 0.5, 2.0))
    call(f"lrn_grad:{label}")(lrn_grad)
    call(f"batch_norm:{label}")(lambda r: (r.normal(2, 3, shape), 1e-3))
    call(f"batch_norm_grad:{label}")(norm_grad)
    for relu in (False, True):
        norm_scale = (
            (lambda r: (r.normal(2, 3, shape), r.normal(size=C), r.normal(size=C), 1e-3)),
            relu,
        )
        call(f"norm_scale:{label}_{relu}")(lambda r, f=norm_scale: (*f[0](r), f[1]))
        call(f"norm_scale_grad:{label}_{relu}")(
            lambda r, f=norm_scale: (
                r.normal(size=shape),
                (args := f[0](r))[1],
                1e-3,
                Kept("norm_scale", (*args, f[1])),
            )
        )
    call(f"normalize:{label}")(
        lambda r: (r.normal(size=shape), r.normal(size=C), r.uniform(size=C), 1e-3)
    )
    call(f"scale:{label}")(
        lambda r: (r.normal(size=shape), r.normal(size=(C, *ones)), r.normal(size=(C, *ones)))
    )
    call(f"scale:{label}_no_shift")(
        lambda r: (r.normal(size=shape), r.normal(size=(1, C, *ones)), None)
    )
    call(f"scale:{label}_by_sample")(
        lambda r: (r.normal(size=shape), r.normal(size=(shape[0], 1, *ones)), r.normal(size=()))
    )


def _add_plain(label: str, shape: tuple[int, ...]) -> None:
    for axis in (0, 1, -1):
        name = f"{label}_{axis}"
        call(f"sum_to_axis:{name}")(lambda r, axis=axis: (r.normal(size=shape), axis))
        call(f"softmax:{name}")(lambda r, axis=axis: (r.normal(0, 3, shape), axis))
        call(f"softmax_grad:{name}")(
            lambda r, axis=axis: (r.normal(size=shape), r.uniform(size=shape), axis)
        )
        call(f"concat:{name}")(
            lambda r, axis=axis: ([r.normal(size=shape), r.normal(size=shape)], axis)
        )


def _add_elementwise(label: str, shape: tuple[int, ...]) -> None:
    for slope in (0.0, 0.1, -2.0):
        call(f"relu:{label}_{slope}")(lambda r, slope=slope: (normal(r, shape), slope))
        call(f"relu_grad:{label}_{slope}")(
            lambda r, slope=slope: (normal(r, shape), normal(r, shape), slope)
        )
    call(f"sigmoid:{label}")(lambda r: (np.array(5 * normal(r, shape)),))
    call(f"tanh:{label}")(lambda r: (np.array(2 * normal(r, shape)),))
    call(f"dropout:{label}")(lambda r: (normal(r, shape), np.array(normal(r, shape) > 0), 2.0))
    call(f"weighted_sum:{label}_relu")(
        lambda r: ([normal(r, shape) for _ in range(2)], [1.0, 1.0], 0.0)
    )
    call(f"weighted_sum:{label}")(
        lambda r: ([normal(r, shape) for _ in range(3)], [1.0, -2.0, 0.5])
    )


for conv_case in CONVS.items():
    _add_conv(conv_case[0], *conv_case[1])
for pool_case in POOLS.items():
    _add_pool(pool_case[0], *pool_case[1])
for shape_case in SHAPES.items():
    _add_norm(*shape_case)
    _add_plain(*shape_case)
    _add_elementwise(*shape_case)
_add_norm("many_channels", (2, 16, 5, 3))
_add_elementwise("no_axes", ())
call("scale:no_axes")(lambda r: tuple(normal(r, ()) for _ in range(3)))
call("linear")(lambda r: (r.normal(size=(4, 6)), r.normal(size=(3, 6)), r.normal(size=3)))
call("linear:relu")(lambda r: (r.normal(size=(4, 6)), r.normal(size=(3, 6)), r.normal(size=3), 0.1))
call("linear:no_bias")(lambda r: (r.normal(size=(4, 6)), r.normal(size=(3, 6)), None))
call("linear_grad_x")(lambda r: (r.normal(size=(4, 3)), r.normal(size=(3, 6))))
call("linear_grad_w")(lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 6))))


@dataclass(frozen=True)
class Context:
    seed: int = 5


class Drawing:
    """What draws: as a layer does."""

    name = "drop"
    context = Context()
    step = 3

    def random(self) -> np.random.Generator:
        key = [self.context.seed, zlib.crc32(self.name.encode())]
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, self.step, 0]))


call("keep_mask")(lambda r: ((3, 5, 7), 0.3, Drawing()))
call("matmul")(lambda r: (r.normal(size=(4, 6)), r.normal(size=(6, 3))))
call("matmul:batch")(lambda r: (r.normal(size=(2, 4, 6)), r.normal(size=(2, 6, 3))))
call("matmul:turned")(
    lambda r: (r.normal(size=(2, 3, 6, 4)).swapaxes(-1, -2), r.normal(size=(2, 3, 6, 5)))
)
call("matmul:serves_all")(lambda r: (r.normal(size=(2, 3, 4, 6)), r.normal(size=(6, 3))))


def _add_rows(label: str, rows: int, features: int) -> None:
    def given(r: np.random.Generator) -> list[Any]:
        return [r.normal(2, 3, (rows, features)), r.normal(size=features), r.normal(size=features)]

    def grad(r: np.random.Generator, name: str, args: Args) -> Args:
        return r.normal(size=(rows, features)), args[1], Kept(name, args)

    call(f"layer_norm:{label}")(lambda r: (*given(r), 1e-3))
    call(f"layer_norm:{label}_no_shift")(lambda r: (*given(r)[:2], None, 1e-3))
    call(f"layer_norm_grad:{label}")(lambda r: grad(r, "layer_norm", (*given(r), 1e-3)))
    call(f"rms_norm:{label}")(lambda r: (*given(r)[:2], 1e-3))
    call(f"rms_norm_grad:{label}")(lambda r: grad(r, "rms_norm", (*given(r)[:2], 1e-3)))


def _add_attention(label: str, sizes: tuple[int, int, int, int, int], causal: bool) -> None:
    N, h, L, S, d = sizes

    def given(r: np.random.Generator) -> Args:
        q, k, v = (r.normal(size=(N, h, places, d)) for places in (L, S, S))
        return q, k, v, d**-0.5, causal

    call(f"attention:{label}")(given)
    call(f"attention_grad:{label}")(
        lambda r: (r.normal(size=(N, h, L, d)), Kept("attention", given(r)))
    )


_add_rows("many", 12, 40)
_add_rows("wide", 2, 300)
_add_rows("one", 1, 3)
_add_attention("heads", (2, 3, 5, 5, 8), causal=False)
_add_attention("memory", (2, 2, 3, 6, 16), causal=False)
_add_attention("causal", (1, 2, 4, 4, 8), causal=True)
_add_attention("causal_memory", (2, 1, 3, 7, 8), causal=True)
_add_attention("odd_features", (2, 3, 4, 2, 5), causal=False)

"""The engine of NVIDIA GPUs: convolutions by cuDNN, products by cuBLASLt, own kernels."""

from typing import Any, ClassVar

import numpy as np

from netcfg.engines.base import Conv, Window
from netcfg.engines.cuda.arrays import countable, empty
from netcfg.engines.cuda.conv_graph import Kind, Spec
from netcfg.engines.cuda.cublas import supported
from netcfg.engines.cuda.description import TYPES
from netcfg.engines.cuda.device import Device, find
from netcfg.engines.cuda.graphs import Stream, stream_of
from netcfg.engines.cuda.launch import address
from netcfg.engines.cuda.precision import Floats, precision
from netcfg.engines.cuda.recurrent import Whole, suits
from netcfg.engines.cuda.tokens import Tokens
from netcfg.engines.cuda.whole import form_of
from netcfg.types import Array, Arrays, Shape


class Cuda(Tokens):
    """CuPy arrays, images channels-last.

    ``storage`` tf32 is float32 whose products are rounded to TF32, as the field does; float32
    rounds nowhere. With float16 and bfloat16 blobs and their gradients are 16-bit floats behind
    convolutions; parameters, their gradients, logits and losses stay float32. What neither a
    library nor a kernel does is done by CuPy, with the definitions of ``Engine``.

    Args:
        dtype: of parameters: float32, or float64 to check gradients.
        storage: ``tf32``, ``float32``, ``float16`` or ``bfloat16``.
        device: the card; the first one if None.
        gradients: of blobs, named as ``storage``; the same if None.

    Attributes:
        floats: shared with the engines of layers that have floats of their own.
    """

    name: ClassVar[str] = "cuda"

    def __init__(
        self,
        dtype: Any = np.float32,
        storage: str = "tf32",
        *,
        device: Device | None = None,
        gradients: str | None = None,
    ) -> None:
        super().__init__(device or find(), precision(storage), dtype)
        self._gradients = precision(gradients or storage)
        self.grad_store = self._gradients.blobs(self.dtype)
        self.floats = Floats(scaled=bool(self.grad_store == np.float16))

    def _with(self, blobs: bool | None, gradients: bool | None, layer: bool) -> "Cuda":
        """Return an engine of the same card with other floats; this one if they are the same.

        Args:
            blobs: whether blobs are 16-bit floats; None for as they are here.
            gradients: whether their gradients are; None for as ``blobs``, or as they are here.
            layer: whether it is for a layer of this engine's net.
        """
        names = self.precision.storage, self._gradients.storage
        short = next((name for name in names if name.endswith("16")), "float16")
        long = "tf32" if self.precision.tf32 else "float32"
        gradients = blobs if gradients is None else gradients
        chosen = [
            name if wanted is None else short if wanted else long
            for name, wanted in zip(names, (blobs, gradients), strict=True)
        ]
        chosen = [long if name == "float32" else name for name in chosen]
        if precision(chosen[0]) == self.precision and precision(chosen[1]) == self._gradients:
            return self
        made = type(self)(self.dtype, chosen[0], device=self.device, gradients=chosen[1])
        if layer:
            self.floats.mixed = True
            self.floats.scaled = self.floats.scaled or made.floats.scaled
            made.floats = self.floats
        return made

    def stream(self) -> Stream | None:
        return stream_of(self.device)

    @property
    def mixed(self) -> bool:
        """Return whether layers of the net differ in the types of their blobs or gradients."""
        return self.floats.mixed

    def form(self, layer: Any) -> Any:
        return form_of(self, layer)

    def _graded(self, x: Array) -> Array:
        """Return an array in the type of gradients."""
        return self._cast(x, self.grad_store)

    # Products ----------------------------------------------------------------------------------

    def linear(self, x: Array, w: Array, b: Array | None, slope: float | None = None) -> Array:
        y = self._product(self._stored(x), self._stored(w).T, self.dtype, b, slope)
        return super().linear(self._wide(x), self._wide(w), b, slope) if y is None else y

    def linear_grad_x(self, dy: Array, w: Array) -> Array:
        dx = self._product(self._graded(dy), self._graded(w), self.grad_store)
        return super().linear_grad_x(self._wide(dy), self._wide(w)) if dx is None else dx

    def linear_grad_w(self, dy: Array, x: Array) -> Array:
        dw = self._product(self._graded(dy).T, self._graded(x), self.dtype)
        return super().linear_grad_w(self._wide(dy), self._wide(x)) if dw is None else dw

    def matmul(self, a: Array, b: Array) -> Array:
        shape = (*a.shape[:-1], b.shape[-1])
        if a.ndim < 3 or b.ndim < 3:
            rows = self._stored(a.reshape(-1, a.shape[-1]))
            y = self._product(rows, self._stored(b), a.dtype) if b.ndim == 2 else None
        else:
            flat = (a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]))
            y = self._product(self._stored(flat[0]), self._stored(flat[1]), a.dtype)
        if y is not None:
            return y.reshape(shape)
        return self._as(super().matmul(self._wide(a), self._wide(b)), a)

    def _product(
        self,
        a: Array,
        b: Array,
        result: Any,
        bias: Array | None = None,
        slope: float | None = None,
    ) -> Array | None:
        """Return relu(a b + bias); None where cuBLASLt is missing or cannot do it."""
        products = self.device.products
        if products is None or not (a.size and b.size):
            return None
        if not supported(a, b):
            return None
        out = self.xp.empty((*a.shape[:-1], b.shape[-1]), result)
        if bias is not None:
            bias = self.xp.ascontiguousarray(self._as(bias, out))
        tf32 = self.precision.tf32
        if not products(a, b, out, bias, relu=slope == 0, tf32=tf32):
            return None
        return out if slope is None or slope == 0 else self.relu(out, slope)

    def lstm(self, x: Array, cont: Array, first: Arrays, weights: Arrays) -> Any:
        return Whole(self, x, cont, first, weights) if suits(x, weights) else None

    # Convolution -------------------------------------------------------------------------------

    def conv(
        self,
        x: Array,
        w: Array,
        b: Array | None,
        conv: Conv,
        add: Array | None = None,
        slope: float | None = None,
    ) -> Array:
        x, w = self._stored(x), self._stored(w)
        given = {"bias": b, "add": add}
        fused = {name: v for name, v in given.items() if v is not None}
        plain = not fused and slope is None
        if not plain and slope in (None, 0):
            y = self._convolve("forward", x, w, None, conv, relu=slope == 0, **fused)
            if y is not None:
                return y
        y = self._convolve("forward", x, w, None, conv)
        if y is None:
            wide = (None if v is None else self._wide(v) for v in (x, w, b, add))
            x, w, b, add = wide
            return self._stored(super().conv(x, w, b, conv, add, slope))
        return y if plain else self._finish(y, b, add, slope)

    def _finish(self, y: Array, b: Array | None, add: Array | None, slope: float | None) -> Array:
        """Return relu(y + b + add)."""
        if b is not None:
            y = self._shifted(y, b, slope if add is None else None)
            slope = slope if add is not None else None
        if add is not None:
            return self.weighted_sum([y, add], [1.0, 1.0], slope)
        return y if slope is None else self.relu(y, slope)

    def _shifted(self, y: Array, b: Array, slope: float | None) -> Array:
        """Return y + b by channel, bent where there is a slope."""
        z = self.xp.empty_like(y)
        bend, shift = slope is not None, self._vector(b, y)
        self._each(
            y, "scale_channels", y.size,
            y, None, shift, z, y.size, y.shape[1], 1, bend, slope or 0.0,
        )  # fmt: skip
        return z

    def conv_grad_x(self, dy: Array, w: Array, x_shape: Shape, conv: Conv) -> Array:
        dy, w = self._graded(dy), self._graded(w)
        dx = self._convolve("grad_x", dy, w, x_shape, conv)
        if dx is None:
            dx = super().conv_grad_x(self._wide(dy), self._wide(w), x_shape, conv)
        return self._graded(dx)

    def conv_grad_w(
        self, dy: Array, x: Array, w_shape: Shape, conv: Conv, bias: bool
    ) -> tuple[Array, Array | None]:
        dy, x = self._graded(dy), self._graded(x)
        dw = self._convolve("grad_w", dy, x, w_shape, conv)
        if dw is None:
            dw, _ = super().conv_grad_w(self._wide(dy), self._wide(x), w_shape, conv, False)
        db = self.sum_to_axis(dy, 1) if bias else None
        return dw.astype(self.dtype, copy=False), db

    def _convolve(
        self,
        kind: Kind,
        first: Array,
        second: Array,
        shape: Shape | None,
        conv: Conv,
        *,
        bias: Array | None = None,
        add: Array | None = None,
        relu: bool = False,
    ) -> Array | None:
        """Return what cuDNN makes of two arrays; None where it cannot.

        Args:
            kind: what is computed.
            first: x, or dy.
            second: w, or x for the gradient of w.
            shape: of the result; None for that of the forward pass.
            conv: geometry.
            bias: added to each channel.
            add: added, shaped like the result.
            relu: whether negative values become 0.
        """
        graphs, axes = self.device.graphs, first.ndim - 2
        if graphs is None or not 1 <= axes <= 3 or first.dtype.name not in TYPES:
            return None
        if not countable(first, second) or (shape is not None and not all(shape)):
            return None
        if shape is None:
            shape = (len(first), second.shape[0], *conv.window.out(first.shape[2:]))
            if not all(shape):
                return None
        if axes == 1:
            lifted = [None if v is None else _lift(v) for v in (first, second, add)]
            y = self._convolve(
                kind, lifted[0], lifted[1], _lift_shape(shape), _lift_conv(conv),
                bias=bias, add=lifted[2], relu=relu,
            )  # fmt: skip
            return None if y is None else y.reshape(shape)
        return self._graph(kind, first, second, shape, conv, bias, add, relu)

    def _graph(
        self,
        kind: Kind,
        first: Array,
        second: Array,
        shape: Shape,
        conv: Conv,
        bias: Array | None,
        add: Array | None,
        relu: bool,
    ) -> Array | None:
        """Return the same for two or three axes."""
        x, w, y = {
            "forward": (first.shape, second.shape, shape),
            "grad_x": (shape, second.shape, first.shape),
            "grad_w": (second.shape, shape, first.shape),
        }[kind]
        spec = Spec(
            kind, x, w, y, conv, first.dtype.name,
            bias is not None, add is not None, relu, self.precision.tf32,
        )  # fmt: skip
        out = empty(self.xp, shape, first.dtype, channels_last=True)
        given = [self._last(first), self._last(second)]
        if bias is not None:
            given.append(self.xp.ascontiguousarray(self._as(bias.reshape(-1), first)))
        if add is not None:
            given.append(self._last(self._as(add, first)))
        addresses = {uid: address(v) for uid, v in zip(spec.inputs, given, strict=True)}
        addresses[spec.output] = address(out)
        return out if self.device.graphs.run(spec, addresses) else None


def _lift(x: Array) -> Array:
    """View (N, C, S) as (N, C, 1, S)."""
    return x[:, :, None]


def _lift_shape(shape: Shape) -> Shape:
    return (*shape[:2], 1, *shape[2:])


def _lift_conv(conv: Conv) -> Conv:
    w = conv.window
    window = Window((1, *w.kernel), (1, *w.stride), (0, *w.pad), (1, *w.dilation))
    return Conv(window, conv.group)

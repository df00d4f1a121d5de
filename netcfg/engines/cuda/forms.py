"""Whole layers by kernels: in a launch or two what the layer itself does in many small steps.

A form stands for a layer in a net. It reads the layer's attributes, computes what the layer's
docstring says, and leaves to the layer what no kernel is made for, such as empty arrays.
"""

import math
import zlib
from typing import Any

import numpy as np

from netcfg.engines.cuda import launch
from netcfg.engines.cuda.arrays import alike, countable, empty, is_last, to_last
from netcfg.engines.cuda.pointwise import MOST_TERMS
from netcfg.types import Array

AXES = 3
"""Spatial axes that kernels know, at most."""


class Form:
    """Base of the forms.

    Args:
        engine: whose kernels are called.
        layer: what is run.
    """

    def __init__(self, engine: Any, layer: Any) -> None:
        self.engine, self.layer, self.xp = engine, layer, engine.xp
        self._kept: Any = None
        self._whole = False

    @property
    def saved(self) -> Any:
        """What the backward pass needs."""
        return self._kept if self._whole else self.layer.saved

    @saved.setter
    def saved(self, saved: Any) -> None:
        self._kept = self.layer.saved = saved

    def forward(self, *bottoms: Array) -> Any:
        """Run the forward pass; see ``Layer.forward``."""
        self._whole = self.suits(*bottoms)
        return self.there(*bottoms) if self._whole else self.layer.forward(*bottoms)

    def backward(self, *tops: Array) -> Any:
        """Run the backward pass; see ``Layer.backward``."""
        return self.back(*tops) if self._whole else self.layer.backward(*tops)

    def suits(self, *bottoms: Array) -> bool:
        """Return whether kernels can run the pass: on floats, neither none nor too many."""
        return countable(*bottoms) and all(x.dtype.kind in "fV" for x in bottoms)

    def there(self, *bottoms: Array) -> Any:
        """Run the forward pass by kernels."""
        raise NotImplementedError

    def back(self, *tops: Array) -> Any:
        """Run the backward pass by kernels."""
        raise NotImplementedError


# Random numbers --------------------------------------------------------------------------------


class Dropout(Form):
    """Dropout whose mask is drawn again in the backward pass; nothing of its size is kept."""

    def suits(self, *bottoms: Array) -> bool:
        return bool(self.layer.active) and super().suits(*bottoms)

    def there(self, *bottoms: Array) -> Any:
        self._kept = self.engine._drawn(self.layer)
        return self._dropped(bottoms[0])

    def back(self, *tops: Array) -> Any:
        return self._dropped(tops[0]) if self.layer.need[0] else None

    def _dropped(self, x: Array) -> Array:
        """Return x with zeros, by the numbers of the pass that ``_kept`` counts."""
        last = is_last(x) and not x.flags.c_contiguous
        if not (last or x.flags.c_contiguous):
            x, last = to_last(self.xp, x), x.ndim > 2
        y, layer = self.xp.empty_like(x), self.layer
        key = layer.context.seed, zlib.crc32(layer.name.encode()), self._kept
        numbers = layer.ratio, layer.scale, *key
        if not last:
            self.engine._each(x, "dropout", -(-x.size // 8), x, y, x.size, *numbers)
            return y
        (N, C), S = x.shape[:2], math.prod(x.shape[2:])
        threads = N * C * (-(-S // 8) + 1)
        self.engine._each(x, "dropout_last", threads, x, y, N, C, S, *numbers)
        return y


class StochasticPool(Form):
    """Pooling that draws a value of each window in TRAIN and takes the expected one in TEST."""

    def suits(self, *bottoms: Array) -> bool:
        return super().suits(*bottoms) and len(self.layer.stride) <= AXES

    def there(self, *bottoms: Array) -> Any:
        engine, layer = self.engine, self.layer
        x = engine._last(bottoms[0])
        y = engine._made(x, (*x.shape[:2], *layer.out))
        geometry = engine._geometry(x.shape, layer.out, layer.window)
        if not self._draws:
            engine._each(x, "expected_pool", y.size, x, y, geometry)
            self._kept = x if layer.need[0] else None
            return y
        mask = None
        if layer.need[0]:
            mask = empty(self.xp, y.shape, np.int32, channels_last=True)
        key = layer.context.seed, zlib.crc32(layer.name.encode()), engine._drawn(layer)
        engine._each(x, "stochastic_pool", y.size, x, y, mask, geometry, *key)
        self._kept = mask
        return y

    def back(self, *tops: Array) -> Any:
        engine, layer, dy = self.engine, self.layer, tops[0]
        if not layer.need[0]:
            return None
        if self._draws:
            return engine.max_pool_grad(dy, self._kept, layer.x_shape, layer.window)
        x = engine._as(self._kept, dy)
        dy, dx = engine._last(dy), engine._made(dy, x.shape)
        geometry = engine._geometry(x.shape, layer.out, layer.window)
        engine._each(dy, "expected_pool_grad", dx.size, dy, x, dx, geometry)
        return dx

    @property
    def _draws(self) -> bool:
        return self.layer.phase.name == "TRAIN"


# Several arrays --------------------------------------------------------------------------------


class Greatest(Form):
    """The maximum of several arrays, entry by entry."""

    def suits(self, *bottoms: Array) -> bool:
        return super().suits(*bottoms) and len(bottoms) <= MOST_TERMS

    def there(self, *bottoms: Array) -> Any:
        xs, _ = alike(self.xp, *(self.engine._as(x, bottoms[0]) for x in bottoms))
        y = self.xp.empty_like(xs[0])
        which = self.xp.empty_like(xs[0], dtype=np.uint8) if any(self.layer.need) else None
        self.engine._each(y, "maximum", y.size, launch.terms(xs), y, which, y.size)
        self._kept = which
        return y

    def back(self, *tops: Array) -> Any:
        (dy, which), _ = alike(self.xp, tops[0], self._kept)
        return tuple(
            self._part(dy, which, i) if need else None for i, need in enumerate(self.layer.need)
        )

    def _part(self, dy: Array, which: Array, index: int) -> Array:
        dx = self.xp.empty_like(dy)
        self.engine._each(dy, "maximum_grad", dy.size, dy, which, dx, dy.size, index)
        return dx


class Product(Form):
    """The product of several arrays, entry by entry."""

    def suits(self, *bottoms: Array) -> bool:
        return super().suits(*bottoms) and len(bottoms) <= MOST_TERMS

    def there(self, *bottoms: Array) -> Any:
        self._kept = bottoms if any(self.layer.need) else None
        return self._product(bottoms)

    def back(self, *tops: Array) -> Any:
        return tuple(
            self._product((tops[0], *self._kept[:i], *self._kept[i + 1 :])) if need else None
            for i, need in enumerate(self.layer.need)
        )

    def _product(self, xs: tuple[Array, ...]) -> Array:
        laid, _ = alike(self.xp, *(self.engine._as(x, xs[0]) for x in xs))
        y = self.xp.empty_like(laid[0])
        self.engine._each(y, "product", y.size, launch.terms(laid), y, y.size)
        return y


# Other places ----------------------------------------------------------------------------------


class Moved(Form):
    """Values in another order: one copy from strides to strides."""

    def suits(self, *bottoms: Array) -> bool:
        return super().suits(*bottoms) and bottoms[0].ndim <= launch.AXES

    def there(self, *bottoms: Array) -> Any:
        return self._copied(self.layer.there(bottoms[0]))

    def back(self, *tops: Array) -> Any:
        return self._copied(self.layer.back(tops[0])) if self.layer.need[0] else None

    def _copied(self, view: Array) -> Array:
        y = self.xp.empty(view.shape, view.dtype)
        steps = [tuple(n // a.itemsize for n in a.strides) for a in (view, y)]
        table = launch.strided(view.shape, *steps)
        self.engine._each(y, "copy_strided", y.size, view, y, table, 0)
        return y


class Embed(Form):
    """Rows of a table by index; an index without a row gives NaN, which reaches the loss."""

    def there(self, *bottoms: Array) -> Any:
        engine, (table, *bias), index = self.engine, self.layer.params, bottoms[0]
        rows, width = table.shape
        y = self.xp.empty((*index.shape, width), engine.store)
        self._kept = engine._vector(index, y)
        vectors = [engine._vector(p.value, y) for p in (table, *bias)] + [None]
        engine._each(y, "embed", y.size, self._kept, *vectors[:2], y, index.size, rows, width)
        return y

    def back(self, *tops: Array) -> Any:
        engine, (table, *bias) = self.engine, self.layer.params
        rows, width = table.shape
        dy = self.xp.ascontiguousarray(tops[0].reshape(-1, width))
        index = self._kept
        engine._run(
            dy, "embed_grad", (index.size,), (128,),
            index, dy, table.diff, index.size, rows, width,
        )  # fmt: skip
        if bias:
            bias[0].add_grad(engine.sum_to_axis(dy, 1))
        return None


class WithinLRN(Form):
    """Local response normalization over neighbouring places of a channel."""

    def suits(self, *bottoms: Array) -> bool:
        return super().suits(*bottoms) and bottoms[0].ndim - 2 <= AXES

    def there(self, *bottoms: Array) -> Any:
        engine, layer = self.engine, self.layer
        x = engine._last(bottoms[0])
        y, scale = engine._made(x, x.shape), None
        if layer.need[0]:
            scale = empty(self.xp, x.shape, engine._of(x).acc, channels_last=True)
        geometry = engine._geometry(x.shape, x.shape[2:], layer.window)
        engine._each(x, "lrn_within", x.size, x, y, scale, geometry, layer.alpha, layer.beta)
        self._kept = x, scale
        return y

    def back(self, *tops: Array) -> Any:
        engine, layer = self.engine, self.layer
        if not layer.need[0]:
            return None
        x, scale = self._kept
        dy = engine._last(tops[0])
        x, dx = engine._as(x, dy), engine._made(dy, dy.shape)
        geometry = engine._geometry(x.shape, x.shape[2:], layer.window)
        numbers = layer.alpha, layer.beta
        engine._each(dy, "lrn_within_grad", dy.size, dy, x, scale, dx, geometry, *numbers)
        return dx

"""Matrix products of bottoms, and the attention that is made of them."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.param import Param
from netcfg.types import Array, Shape, Shapes


@register("MatMul")
class MatMul(Layer):
    """Matrix products over the last two axes of two bottoms; the axes before must agree.

    y = scale a b        a: (..., M, K)   b: (..., K, N)   y: (..., M, N)
    da = scale dy bᵀ,  db = scale aᵀ dy

    With ``transpose_a`` a is (..., K, M), with ``transpose_b`` b is (..., N, K). A b of two axes
    serves all matrices of a.
    """

    bottoms = (2, 2)
    reads = ("matmul_param",)

    def setup(self, a: Shape, b: Shape) -> None:
        config = self.config.matmul_param
        self.flips = (config.transpose_a, config.transpose_b)
        self.factor = config.scale

    def reshape(self, a: Shape, b: Shape) -> Shape:
        if len(a) < 2 or len(b) < 2:
            raise ShapeError(f"bottoms must have at least 2 axes; given {a} and {b}")
        if len(b) > 2 and a[:-2] != b[:-2]:
            raise ShapeError(f"axes before the last two must agree; given {a} and {b}")
        (M, K), (L, N) = (
            shape[-2:][::-1] if flip else shape[-2:]
            for shape, flip in zip((a, b), self.flips, strict=True)
        )
        if K != L:
            raise ShapeError(f"rows of {K} values meet columns of {L}; given {a} and {b}")
        self.serves_all = len(b) < len(a)
        return (*a[:-2], M, N)

    def forward(self, a: Array, b: Array) -> Array:
        self.saved = a if self.need[1] else None, b if self.need[0] else None
        y = self.engine.matmul(self._flip(a, 0), self._flip(b, 1))
        return y if self.factor == 1 else y * self.factor

    def backward(self, dy: Array) -> Any:
        a, b = self.saved
        dy = dy if self.factor == 1 else dy * self.factor
        da = db = None
        if b is not None:
            da = self._flip(self.engine.matmul(dy, self._flip(b, 1).swapaxes(-1, -2)), 0)
        if a is not None:
            a = self._flip(a, 0)
            if self.serves_all:
                a, dy = a.reshape(-1, a.shape[-1]), dy.reshape(-1, dy.shape[-1])
            db = self._flip(self.engine.matmul(a.swapaxes(-1, -2), dy), 1)
        return da, db

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        a = bottoms[0]
        return math.prod(tops[0]) * (a[-2] if self.flips[0] else a[-1])

    def _flip(self, x: Array, index: int) -> Array:
        return x.swapaxes(-1, -2) if self.flips[index] else x


@register("MultiHeadAttention")
class MultiHeadAttention(Layer):
    """Scaled dot-product attention in ``num_heads`` heads, with its projections.

    q = x Wqᵀ + bq,  k = m Wkᵀ + bk,  v = m' Wvᵀ + bv        x: (N, L, D)   m, m': (N, S, D)
    p = softmax of q kᵀ / √d over S,  y = (p v) Woᵀ + bo     heads of d = D / ``num_heads`` features
    dv = pᵀ dc, ds = p (dp - Σ dp p) / √d with dp = dc vᵀ, dq = ds k, dk = dsᵀ q, dc = dy Wo, and
    projections as in InnerProduct

    One bottom is x, m and m'; a second one is m and m'; a third one is m'. ``causal`` hides from
    query i the keys after i + S - L. The blobs are Wq, Wk and Wv below each other, (3D, D), with
    ``bias_term`` their biases (3D,), Wo (D, D) and its bias (D,).

    Vaswani et al., "Attention is all you need", 2017.
    """

    bottoms = (1, 3)
    reads = ("multi_head_attention_param",)

    def setup(self, *bottoms: Shape) -> None:
        config = self.config.multi_head_attention_param
        self.features, self.heads = bottoms[0][-1] if bottoms[0] else 0, config.num_heads
        if self.heads < 1 or self.features % self.heads:
            raise NetError(
                f"num_heads must divide the {self.features} features; given {self.heads}"
            )
        D = self.features
        # of each bottom, the part of queries, keys and values that comes from it
        self.parts = {1: ((0, 3),), 2: ((0, 1), (1, 3)), 3: ((0, 1), (1, 2), (2, 3))}[len(bottoms)]
        for outputs in (3 * D, D):
            self.param((outputs, D), config.weight_filler)
            if config.bias_term:
                self.param((outputs,), config.bias_filler)
        self.biased = config.bias_term

    def reshape(self, *bottoms: Shape) -> Shape:
        x, *others = bottoms
        D = self.features
        if any(len(b) != 3 or b[2] != D for b in bottoms):
            raise ShapeError(f"bottoms must be (items, places, {D} features); given {bottoms}")
        if any(b[0] != x[0] for b in others) or len({b[1] for b in others}) > 1:
            raise ShapeError(
                f"bottoms must have as many items, and keys as many places as values; given "
                f"{bottoms}"
            )
        L, S = x[1], others[0][1] if others else x[1]
        self.causal = self.config.multi_head_attention_param.causal
        if self.causal and S < L:
            raise ShapeError(f"causal needs a key for each query; given {S} keys, {L} queries")
        return x

    def forward(self, *bottoms: Array) -> Array:
        rows = [b.reshape(-1, self.features) for b in bottoms]
        q, k, v = self._split(rows, len(bottoms[0]))
        heads, kept = self.engine.attention(q, k, v, self._temperature(), self.causal)
        context = self._merge(heads)
        self.saved = rows, context, kept
        weight, bias = self._output()
        y = self.engine.linear(context, weight.value, None if bias is None else bias.value)
        return y.reshape(bottoms[0].shape)

    def backward(self, dy: Array) -> Any:
        rows, context, kept = self.saved
        weight, bias = self._output()
        items, dy = len(dy), dy.reshape(-1, self.features)
        self._learn(weight, bias, dy, context)
        dcontext = self._heads(self.engine.linear_grad_x(dy, weight.value), items)
        dparts = [self._merge(d) for d in self.engine.attention_grad(dcontext, kept)]
        dxs = self._project_back(rows, dparts)
        shaped = [None if dx is None else dx.reshape(items, -1, self.features) for dx in dxs]
        return shaped[0] if len(shaped) == 1 else tuple(shaped)

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        N, L, D = bottoms[0]
        S = bottoms[-1][1]
        return N * D * (2 * L * D + 2 * S * D + 2 * L * S)

    def _split(self, rows: list[Array], items: int) -> list[Array]:
        """Return queries, keys and values, (N, h, places, d) each."""
        D = self.features
        weight = self.params[0].value
        parts: list[Array] = []
        for x, (first, last) in zip(rows, self.parts, strict=True):
            inside = slice(first * D, last * D)
            b = self.params[1].value[inside] if self.biased else None
            projected = self.engine.linear(x, weight[inside], b)
            parts += [projected[:, i * D : (i + 1) * D] for i in range(last - first)]
        return [self._heads(part, items) for part in parts]

    def _project_back(self, rows: list[Array], dparts: list[Array]) -> list[Array | None]:
        """Learn the projections of the bottoms and return their gradients."""
        D = self.features
        weight = self.params[0]
        stacked = [self.xp.concatenate(dparts[first:last], axis=1) for first, last in self.parts]
        if weight.lr_mult != 0:
            grads = [self.engine.linear_grad_w(d, x) for d, x in zip(stacked, rows, strict=True)]
            weight.add_grad(self.xp.concatenate(grads))
        if self.biased and self.params[1].lr_mult != 0:
            sums = [self.engine.sum_to_axis(d, 1) for d in stacked]
            self.params[1].add_grad(self.xp.concatenate(sums))
        return [
            self.engine.linear_grad_x(d, weight.value[first * D : last * D]) if need else None
            for d, (first, last), need in zip(stacked, self.parts, self.need, strict=True)
        ]

    def _learn(self, weight: Param, bias: Param | None, dy: Array, x: Array) -> None:
        if weight.lr_mult != 0:
            weight.add_grad(self.engine.linear_grad_w(dy, x))
        if bias is not None and bias.lr_mult != 0:
            bias.add_grad(self.engine.sum_to_axis(dy, 1))

    def _output(self) -> tuple[Param, Param | None]:
        """Return weight and bias of the projection of the result."""
        if self.biased:
            return self.params[2], self.params[3]
        return self.params[1], None

    def _temperature(self) -> float:
        return float((self.features // self.heads) ** -0.5)

    def _heads(self, rows: Array, items: int) -> Array:
        """Return (N · places, D) as (N, h, places, d)."""
        return rows.reshape(items, -1, self.heads, self.features // self.heads).swapaxes(1, 2)

    def _merge(self, heads: Array) -> Array:
        """Undo ``_heads``."""
        return heads.swapaxes(1, 2).reshape(-1, self.features)

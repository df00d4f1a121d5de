"""Rows of features on a card: normalization of each by itself, and attention, by cuDNN."""

from typing import Any, NamedTuple

from netcfg.engines.cuda import attention_graph, norm_graph
from netcfg.engines.cuda.arrays import countable
from netcfg.engines.cuda.attention_graph import AttentionSpec
from netcfg.engines.cuda.launch import address
from netcfg.engines.cuda.norm_graph import NormSpec
from netcfg.engines.cuda.norms import Norms
from netcfg.types import Array, Shape


class _Normalized(NamedTuple):
    """What gradients of rows need that cuDNN has normalized; there is no mean of RMS norm."""

    kind: norm_graph.Kind
    x: Array
    mean: Array | None
    inverse: Array


class _Attended(NamedTuple):
    """What gradients of attention need that cuDNN has computed."""

    spec: AttentionSpec
    q: Array
    k: Array
    v: Array
    y: Array
    stats: Array


class Tokens(Norms):
    """Layer norm, RMS norm and attention; where cuDNN cannot, CuPy does them as ``Engine`` says.

    Attributes:
        grad_store: type of the gradients of blobs.
    """

    grad_store: Any

    def layer_norm(self, x: Array, w: Array, b: Array | None, eps: float) -> tuple[Array, Any]:
        shift = self.zeros(w.shape) if b is None else b  # cuDNN knows no layer norm without one
        made = self._normalized_rows("layer", x, w, shift, eps)
        if made is not None:
            return made
        y, kept = super().layer_norm(self._wide(x), w, b, eps)
        return self._as(y, x), kept

    def layer_norm_grad(self, dy: Array, w: Array, kept: Any) -> tuple[Array, Array, Array]:
        if isinstance(kept, _Normalized):
            made = self._rows_grad(dy, w, kept)
            if made is not None:
                return made[0], made[1], made[2]
            kept = _definition(kept)
        dx, dw, db = super().layer_norm_grad(self._wide(dy), w, kept)
        return self._as(dx, dy), dw, db

    def rms_norm(self, x: Array, w: Array, eps: float) -> tuple[Array, Any]:
        made = self._normalized_rows("rms", x, w, None, eps)
        if made is not None:
            return made
        y, kept = super().rms_norm(self._wide(x), w, eps)
        return self._as(y, x), kept

    def rms_norm_grad(self, dy: Array, w: Array, kept: Any) -> tuple[Array, Array]:
        if isinstance(kept, _Normalized):
            made = self._rows_grad(dy, w, kept)
            if made is not None:
                return made[0], made[1]
            kept = _definition(kept)
        dx, dw = super().rms_norm_grad(self._wide(dy), w, kept)
        return self._as(dx, dy), dw

    def _normalized_rows(
        self, kind: norm_graph.Kind, x: Array, w: Array, b: Array | None, eps: float
    ) -> tuple[Array, _Normalized] | None:
        """Return y and what gradients need; None where cuDNN cannot."""
        if not countable(x) or not self._has_graphs(x):
            return None
        x = self.xp.ascontiguousarray(x)
        y, inverse = self.xp.empty_like(x), self._acc((len(x), 1), x)
        mean = None if b is None else self._acc((len(x), 1), x)
        arrays = {norm_graph.X: x, norm_graph.W: self._vector(w, x)}
        arrays |= {norm_graph.Y: y, norm_graph.INVERSE: inverse}
        if b is not None:
            arrays |= {norm_graph.B: self._vector(b, x), norm_graph.MEAN: mean}
        spec = NormSpec(kind, (*x.shape, 1, 1), x.dtype.name, eps)
        if not self._graph_of(spec, arrays):
            return None
        return y, _Normalized(kind, x, mean, inverse)

    def _rows_grad(self, dy: Array, w: Array, kept: _Normalized) -> list[Array] | None:
        """Return dx, dw and, where there is a mean, db; None where cuDNN cannot."""
        if not self._has_graphs(dy):
            return None
        dy = self.xp.ascontiguousarray(dy)
        dx, dw = self.xp.empty_like(dy), self._acc(w.shape, dy)
        db = None if kept.mean is None else self._acc(w.shape, dy)
        arrays = {norm_graph.DY: dy, norm_graph.X: self._as(kept.x, dy)}
        arrays |= {norm_graph.W: self._vector(w, dy), norm_graph.INVERSE: kept.inverse}
        arrays |= {norm_graph.DX: dx, norm_graph.DW: dw}
        if kept.mean is not None:
            arrays |= {norm_graph.MEAN: kept.mean, norm_graph.DB: db}
        spec = NormSpec(kept.kind, (*dy.shape, 1, 1), dy.dtype.name, 0.0, grad=True)
        if not self._graph_of(spec, arrays):
            return None
        return [dx, dw] if db is None else [dx, dw, db]

    # Attention ---------------------------------------------------------------------------------

    def attention(
        self, q: Array, k: Array, v: Array, scale: float, causal: bool
    ) -> tuple[Array, Any]:
        made = self._attend(q, k, v, scale, causal)
        return super().attention(q, k, v, scale, causal) if made is None else made

    def attention_grad(self, dy: Array, kept: Any) -> tuple[Array, Array, Array]:
        if not isinstance(kept, _Attended):
            return super().attention_grad(dy, kept)
        spec = kept.spec
        made = self._attend_back(dy, kept) if spec.dtype == self.grad_store.name else None
        if made is not None:
            return made
        _, again = super().attention(kept.q, kept.k, kept.v, spec.scale, spec.causal)
        return super().attention_grad(dy, again)

    def _attend(
        self, q: Array, k: Array, v: Array, scale: float, causal: bool
    ) -> tuple[Array, _Attended] | None:
        """Return y and what gradients need; None where cuDNN cannot, as in float32."""
        if self.store.itemsize != 2 or q.shape[3] % 8 or not countable(q, k):
            return None
        if self.device.graphs is None:
            return None
        q, k, v = (self._placed(x) for x in (q, k, v))
        steps = (_steps(q), _steps(k), _steps(v))
        spec = AttentionSpec(q.shape, k.shape, steps, q.dtype.name, scale, causal)
        N, h, L, _ = q.shape
        y, stats = self._room(q.shape), self._acc((N, h, L, 1), q)
        arrays = {attention_graph.Q: q, attention_graph.K: k, attention_graph.V: v}
        arrays |= {attention_graph.Y: y, attention_graph.STATS: stats}
        if not self._graph_of(spec, arrays):
            return None
        return y, _Attended(spec, q, k, v, y, stats)

    def _attend_back(self, dy: Array, kept: _Attended) -> tuple[Array, Array, Array] | None:
        """Return dq, dk and dv; None where cuDNN cannot."""
        spec, q, k, v, y, stats = kept
        dy = self.xp.ascontiguousarray(self._placed(dy).swapaxes(1, 2)).swapaxes(1, 2)
        dq, dk, dv = self._room(q.shape), self._room(k.shape), self._room(k.shape)
        arrays = {attention_graph.Q: q, attention_graph.K: k, attention_graph.V: v}
        arrays |= {attention_graph.Y: y, attention_graph.STATS: stats, attention_graph.DY: dy}
        arrays |= {attention_graph.DQ: dq, attention_graph.DK: dk, attention_graph.DV: dv}
        grad = AttentionSpec(
            spec.q, spec.k, spec.steps, spec.dtype, spec.scale, spec.causal, grad=True
        )
        return (dq, dk, dv) if self._graph_of(grad, arrays) else None

    def _placed(self, x: Array) -> Array:
        """Return (N, h, places, d) in the type of blobs, with the features of a head together.

        Heads may lie as they are cut out of rows of features: cuDNN takes any other strides.
        """
        if x.dtype == self.store and x.strides[3] == x.itemsize and _aligned(x):
            return x
        rows = self.xp.ascontiguousarray(x.swapaxes(1, 2))
        return self._stored(rows.reshape(-1)).reshape(rows.shape).swapaxes(1, 2)

    def _room(self, shape: Shape) -> Array:
        """Return memory for (N, h, places, d), place by place."""
        N, h, places, d = shape
        return self.xp.empty((N, places, h, d), self.store).swapaxes(1, 2)


def _definition(kept: _Normalized) -> tuple[Array, Array]:
    """Return what the definition keeps: the normalized rows, and what they were multiplied by."""
    x = kept.x.astype(kept.inverse.dtype)
    return (x if kept.mean is None else x - kept.mean) * kept.inverse, kept.inverse


def _steps(x: Array) -> Shape:
    """Return strides in elements."""
    return tuple(s // x.itemsize for s in x.strides)


def _aligned(x: Array) -> bool:
    """Return whether the features of each head can be read 16 bytes at a time."""
    return all(at % 16 == 0 for at in (address(x), *x.strides[:3]))

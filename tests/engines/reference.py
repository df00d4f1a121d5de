"""Every primitive as the formula in its docstring says it, in loops."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from netcfg.engines.geometry import Conv, Window

Place = tuple[int, ...]


def reads(window: Window, size: Place, out: Place) -> Iterator[tuple[Place, Place, Place]]:
    """Yield (output, position in the kernel, place in the image) for all reads inside the image."""
    for t in np.ndindex(*out):
        for k in np.ndindex(*window.kernel):
            axes = zip(t, k, window.stride, window.pad, window.dilation, strict=True)
            place = tuple(a * s + b * d - p for a, b, s, p, d in axes)
            if all(0 <= i < n for i, n in zip(place, size, strict=True)):
                yield t, k, place


def linear(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, slope: float | None = None
) -> np.ndarray:
    y = np.zeros((len(x), len(w)))
    for m, n in np.ndindex(*y.shape):
        y[m, n] = sum(x[m, k] * w[n, k] for k in range(x.shape[1])) + (0 if b is None else b[n])
    return _bend(y, slope)


def linear_grad_x(dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    return linear(dy, w.T, None)


def linear_grad_w(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return linear(dy.T, x.T, None)


def _groups(w_shape: Place, conv: Conv) -> Iterator[tuple[slice, slice]]:
    """Yield the output and input channels of each group."""
    o, c = w_shape[0] // conv.group, w_shape[1]
    for g in range(conv.group):
        yield slice(g * o, g * o + o), slice(g * c, g * c + c)


def conv(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    conv: Conv,
    add: np.ndarray | None = None,
    slope: float | None = None,
) -> np.ndarray:
    out = conv.window.out(x.shape[2:])
    y = np.zeros((len(x), len(w), *out))
    if b is not None:
        y += b.reshape(-1, *[1] * len(out))
    for t, k, s in reads(conv.window, x.shape[2:], out):
        for o, c in _groups(w.shape, conv):
            y[:, o, *t] += x[:, c, *s] @ w[o, :, *k].T
    return _bend(y if add is None else y + add, slope)


def _bend(y: np.ndarray, slope: float | None) -> np.ndarray:
    return y if slope is None else relu(y, slope)


def conv_grad_x(dy: np.ndarray, w: np.ndarray, x_shape: Place, conv: Conv) -> np.ndarray:
    dx = np.zeros(x_shape)
    for t, k, s in reads(conv.window, x_shape[2:], dy.shape[2:]):
        for o, c in _groups(w.shape, conv):
            dx[:, c, *s] += dy[:, o, *t] @ w[o, :, *k]
    return dx


def conv_grad_w(
    dy: np.ndarray, x: np.ndarray, w_shape: Place, conv: Conv, bias: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    dw = np.zeros(w_shape)
    for t, k, s in reads(conv.window, x.shape[2:], dy.shape[2:]):
        for o, c in _groups(w_shape, conv):
            dw[o, :, *k] += dy[:, o, *t].T @ x[:, c, *s]
    return dw, dy.sum(axis=(0, *range(2, dy.ndim))) if bias else None


def im2col(x: np.ndarray, window: Window) -> np.ndarray:
    N, C, *size = x.shape
    out = window.out(tuple(size))
    y = np.zeros((N, C, *window.kernel, *out))
    for t, k, s in reads(window, tuple(size), out):
        y[:, :, *k, *t] = x[:, :, *s]
    return y.reshape(N, C * math.prod(window.kernel), *out)


def im2col_grad(dy: np.ndarray, x_shape: Place, window: Window) -> np.ndarray:
    N, C, *size = x_shape
    out = dy.shape[2:]
    shares = dy.reshape(N, C, *window.kernel, *out)
    dx = np.zeros(x_shape)
    for t, k, s in reads(window, tuple(size), out):
        dx[:, :, *s] += shares[:, :, *k, *t]
    return dx


def sum_to_axis(x: np.ndarray, axis: int) -> np.ndarray:
    return np.array([part.sum() for part in np.moveaxis(x, axis, 0)])


def max_pool(x: np.ndarray, window: Window, out: Place) -> tuple[np.ndarray, np.ndarray]:
    size = x.shape[2:]
    y, mask = np.full((*x.shape[:2], *out), -np.inf), np.full((*x.shape[:2], *out), -1)
    for t, _, s in reads(window, size, out):
        index = sum(i * math.prod(size[a + 1 :]) for a, i in enumerate(s))
        for n, c in np.ndindex(*x.shape[:2]):
            if mask[n, c, *t] < 0 or x[n, c, *s] > y[n, c, *t]:
                y[n, c, *t], mask[n, c, *t] = x[n, c, *s], index
    return y, mask


def max_pool_places(mask: np.ndarray, x_shape: Place, window: Window) -> np.ndarray:
    return mask


def max_pool_grad(dy: np.ndarray, mask: np.ndarray, x_shape: Place, window: Window) -> np.ndarray:
    dx = np.zeros((*x_shape[:2], math.prod(x_shape[2:])))
    for n, c, *t in np.ndindex(*dy.shape):
        dx[n, c, mask[n, c, *t]] += dy[n, c, *t]
    return dx.reshape(x_shape)


def _area(window: Window, size: Place, t: Place) -> int:
    """Count what a window covers of the image with its padding."""
    axes = zip(t, window.kernel, window.stride, window.pad, size, strict=True)
    return math.prod(
        len(set(range(a * s - p, a * s - p + k)) & set(range(-p, n + p))) for a, k, s, p, n in axes
    )


def ave_pool(x: np.ndarray, window: Window, out: Place) -> np.ndarray:
    y = np.zeros((*x.shape[:2], *out))
    for t, _, s in reads(window, x.shape[2:], out):
        y[:, :, *t] += x[:, :, *s] / _area(window, x.shape[2:], t)
    return y


def ave_pool_grad(dy: np.ndarray, x_shape: Place, window: Window) -> np.ndarray:
    dx = np.zeros(x_shape)
    for t, _, s in reads(window, x_shape[2:], dy.shape[2:]):
        dx[:, :, *s] += dy[:, :, *t] / _area(window, x_shape[2:], t)
    return dx


def _around(x: np.ndarray, size: int) -> np.ndarray:
    """Sum over the channels around each."""
    h = size // 2
    return np.stack(
        [x[:, max(0, c - h) : c + h + 1].sum(axis=1) for c in range(x.shape[1])], axis=1
    )


def lrn(
    x: np.ndarray, size: int, alpha: float, beta: float, k: float
) -> tuple[np.ndarray, np.ndarray]:
    scale = k + alpha / size * _around(x**2, size)
    return x * scale**-beta, scale


def lrn_grad(
    dy: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    scale: np.ndarray,
    size: int,
    alpha: float,
    beta: float,
    k: float,
) -> np.ndarray:
    return dy * scale**-beta - 2 * alpha * beta / size * x * _around(dy * y / scale, size)


def batch_norm(x: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = np.array([x[:, c].mean() for c in range(x.shape[1])])
    var = np.array([((x[:, c] - mean[c]) ** 2).mean() for c in range(x.shape[1])])
    return normalize(x, mean, var, eps), mean, var


def batch_norm_grad(dy: np.ndarray, y: np.ndarray, var: np.ndarray, eps: float) -> np.ndarray:
    dx = np.empty_like(dy)
    for c in range(dy.shape[1]):
        d, v = dy[:, c], y[:, c]
        dx[:, c] = (d - d.mean() - v * (d * v).mean()) / math.sqrt(var[c] + eps)
    return dx


def norm_scale(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, eps: float, relu: bool
) -> tuple[np.ndarray, ...]:
    shape = (-1, *[1] * (x.ndim - 2))
    z, mean, var = batch_norm(x, eps)
    y = z * w.reshape(shape) + b.reshape(shape)
    sign = y > 0 if relu else np.ones_like(y)
    return y * sign, mean, var, (z, var, sign)


def norm_scale_grad(
    dy: np.ndarray, w: np.ndarray, eps: float, kept: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    z, var, sign = kept
    dy = dy * sign
    axes = (0, *range(2, dy.ndim))
    dz = dy * w.reshape(-1, *[1] * (dy.ndim - 2))
    return batch_norm_grad(dz, z, var, eps), (dy * z).sum(axis=axes), dy.sum(axis=axes)


def normalize(x: np.ndarray, mean: np.ndarray, var: np.ndarray, eps: float) -> np.ndarray:
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        y[:, c] = (x[:, c] - mean[c]) / math.sqrt(var[c] + eps)
    return y


def scale(x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    y = np.empty_like(x)
    w = np.broadcast_to(w, x.shape)
    b = np.broadcast_to(0.0 if b is None else b, x.shape)
    for i in np.ndindex(*x.shape):
        y[i] = x[i] * w[i] + b[i]
    return y


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return np.apply_along_axis(lambda v: np.exp(v) / np.exp(v).sum(), axis, x)


def softmax_grad(dy: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
    dx = np.empty_like(dy)
    out, dys, ys = (np.moveaxis(a, axis, -1) for a in (dx, dy, y))
    for i in np.ndindex(*ys.shape[:-1]):
        out[i] = (np.diag(ys[i]) - np.outer(ys[i], ys[i])) @ dys[i]
    return dx


def _each(f: Any, *arrays: np.ndarray) -> np.ndarray:
    return np.vectorize(f, otypes=[float])(*arrays)


def relu(x: np.ndarray, slope: float) -> np.ndarray:
    return _each(lambda v: v if v > 0 else slope * v, x)


def relu_grad(dy: np.ndarray, x: np.ndarray, slope: float) -> np.ndarray:
    return _each(lambda d, v: d if v > 0 else slope * d, dy, x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return _each(lambda v: 1 / (1 + math.exp(-v)), x)


def tanh(x: np.ndarray) -> np.ndarray:
    return _each(math.tanh, x)


def dropout(x: np.ndarray, mask: np.ndarray, scale: float) -> np.ndarray:
    return _each(lambda v, m: v * scale if m else 0, x, mask)


def weighted_sum(
    xs: Sequence[np.ndarray], coeffs: Sequence[float], slope: float | None = None
) -> np.ndarray:
    return _bend(np.array(sum(c * x for c, x in zip(coeffs, xs, strict=True))), slope)


def concat(xs: Sequence[np.ndarray], axis: int) -> np.ndarray:
    parts = [part for x in xs for part in np.moveaxis(x, axis, 0)]
    return np.moveaxis(np.stack(parts), 0, axis)


def keep_mask(shape: tuple[int, ...], ratio: float, drawing: Any) -> np.ndarray:
    generator, mask = drawing.random(), np.empty(shape, bool)
    for i in np.ndindex(*shape):
        mask[i] = generator.random(dtype=np.float32) >= ratio
    return mask


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if b.ndim > 2:
        return np.array([matmul(x, y) for x, y in zip(a, b, strict=True)])
    if a.ndim > 2:
        return np.array([matmul(x, b) for x in a])
    return np.array([[sum(row * column) for column in b.T] for row in a])


def layer_norm(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, eps: float
) -> tuple[np.ndarray, tuple[np.ndarray, float]]:
    y = np.empty_like(x)
    for m, row in enumerate(x):
        z = (row - row.mean()) / math.sqrt(((row - row.mean()) ** 2).mean() + eps)
        y[m] = w * z + (0 if b is None else b)
    return y, (x, eps)


def layer_norm_grad(
    dy: np.ndarray, w: np.ndarray, kept: tuple[np.ndarray, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, eps = kept
    dx, dw = np.empty_like(x), np.zeros_like(w)
    for m, row in enumerate(x):
        spread = math.sqrt(((row - row.mean()) ** 2).mean() + eps)
        z, g = (row - row.mean()) / spread, w * dy[m]
        dx[m] = (g - g.mean() - z * (g * z).mean()) / spread
        dw += dy[m] * z
    return dx, dw, dy.sum(axis=0)


def rms_norm(
    x: np.ndarray, w: np.ndarray, eps: float
) -> tuple[np.ndarray, tuple[np.ndarray, float]]:
    y = np.empty_like(x)
    for m, row in enumerate(x):
        y[m] = w * row / math.sqrt((row**2).mean() + eps)
    return y, (x, eps)


def rms_norm_grad(
    dy: np.ndarray, w: np.ndarray, kept: tuple[np.ndarray, float]
) -> tuple[np.ndarray, np.ndarray]:
    x, eps = kept
    dx, dw = np.empty_like(x), np.zeros_like(w)
    for m, row in enumerate(x):
        root = math.sqrt((row**2).mean() + eps)
        z, g = row / root, w * dy[m]
        dx[m] = (g - z * (g * z).mean()) / root
        dw += dy[m] * z
    return dx, dw


def _shares(
    q: np.ndarray, k: np.ndarray, scale: float, causal: bool
) -> Iterator[tuple[Place, Any, np.ndarray]]:
    """Yield for each query its place, which keys it sees, and its shares of them."""
    L, S = q.shape[2], k.shape[2]
    for n, h, i in np.ndindex(*q.shape[:3]):
        seen = slice(0, i + S - L + 1 if causal else S)
        scores = np.array([math.exp(scale * float(q[n, h, i] @ key)) for key in k[n, h, seen]])
        yield (n, h, i), seen, scores / scores.sum()


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float, causal: bool
) -> tuple[np.ndarray, Any]:
    y = np.empty_like(q)
    for (n, h, i), seen, p in _shares(q, k, scale, causal):
        y[n, h, i] = p @ v[n, h, seen]
    return y, (q, k, v, scale, causal)


def attention_grad(dy: np.ndarray, kept: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    q, k, v, scale, causal = kept
    dq, dk, dv = (np.zeros_like(x) for x in (q, k, v))
    for (n, h, i), seen, p in _shares(q, k, scale, causal):
        dp = v[n, h, seen] @ dy[n, h, i]
        ds = scale * p * (dp - p @ dp)
        dq[n, h, i] = ds @ k[n, h, seen]
        dk[n, h, seen] += np.outer(ds, q[n, h, i])
        dv[n, h, seen] += np.outer(p, dy[n, h, i])
    return dq, dk, dv

"""The primitives of sequences, whose tokens are rows of features: part of ``Engine``.

M rows have K features. Attention has N items, h heads, L queries, S keys and d features.
"""

from typing import Any

from netcfg.engines import numpy_attention, numpy_norm
from netcfg.types import Array


class Tokens:
    """Normalization of each row by itself, and attention, as NumPy and other primitives do them."""

    xp: Any

    def layer_norm(self, x: Array, w: Array, b: Array | None, eps: float) -> tuple[Array, Any]:
        """Normalize each row, then scale and shift each feature.

        y = w (x - mean) / √(var + eps) + b, var = mean of (x - mean)² (biased), means over the row

        x (M, K), w (K), b (K) or None → y (M, K), and what ``layer_norm_grad`` wants to see again
        """
        return numpy_norm.layer_norm(self.xp, x, w, b, eps)

    def layer_norm_grad(self, dy: Array, w: Array, kept: Any) -> tuple[Array, Array, Array]:
        """Return dx, dw and db of ``layer_norm``, which returned ``kept``.

        With z the normalized x and g = w dy: dx = (g - mean(g) - z mean(g z)) / √(var + eps),
        dw = Σ dy z, db = Σ dy, means over the row, sums over all rows

        dy (M, K), w (K) → dx (M, K), dw (K), db (K)
        """
        return numpy_norm.layer_norm_grad(dy, w, kept)

    def rms_norm(self, x: Array, w: Array, eps: float) -> tuple[Array, Any]:
        """Divide each row by its root mean square, then scale each feature.

        y = w x / √(mean(x²) + eps), the mean over the row

        x (M, K), w (K) → y (M, K), and what ``rms_norm_grad`` wants to see again
        """
        return numpy_norm.rms_norm(self.xp, x, w, eps)

    def rms_norm_grad(self, dy: Array, w: Array, kept: Any) -> tuple[Array, Array]:
        """Return dx and dw of ``rms_norm``, which returned ``kept``.

        With z the divided x and g = w dy: dx = (g - z mean(g z)) / √(mean(x²) + eps),
        dw = Σ dy z, means over the row, the sum over all rows

        dy (M, K), w (K) → dx (M, K), dw (K)
        """
        return numpy_norm.rms_norm_grad(dy, w, kept)

    def attention(
        self, q: Array, k: Array, v: Array, scale: float, causal: bool
    ) -> tuple[Array, Any]:
        """Mix values by how well their keys match each query.

        p = softmax over S of scale q kᵀ, y = p v; if ``causal``, query i sees keys 0 … i + S - L

        q (N, h, L, d), k and v (N, h, S, d), L ≤ S if causal → y (N, h, L, d), and what
        ``attention_grad`` wants to see again
        """
        return numpy_attention.attention(self, q, k, v, scale, causal)

    def attention_grad(self, dy: Array, kept: Any) -> tuple[Array, Array, Array]:
        """Return dq, dk and dv of ``attention``, which returned ``kept``.

        With ds = scale p (dy vᵀ - Σ p dy vᵀ), the sum over S: dq = ds k, dk = dsᵀ q, dv = pᵀ dy

        dy (N, h, L, d) → dq (N, h, L, d), dk and dv (N, h, S, d)
        """
        return numpy_attention.attention_grad(self, dy, kept)

"""Attention, made of an engine's products and softmax."""

from typing import Any

from netcfg.types import Array


def attention(
    engine: Any, q: Array, k: Array, v: Array, scale: float, causal: bool
) -> tuple[Array, Any]:
    """Return y and what the gradients need; see ``Tokens.attention``."""
    scores = engine.matmul(q, k.swapaxes(-1, -2))  # (N, h, L, S)
    scores *= scale
    if causal:
        L, S = scores.shape[2:]
        hidden = engine.xp.arange(S) > engine.xp.arange(L)[:, None] + (S - L)
        scores[..., hidden] = -engine.xp.inf
    p = engine.softmax(scores, 3)
    return engine.matmul(p, v), (q, k, v, p, scale)


def attention_grad(engine: Any, dy: Array, kept: Any) -> tuple[Array, Array, Array]:
    """Return dq, dk and dv; see ``Tokens.attention_grad``."""
    q, k, v, p, scale = kept
    dv = engine.matmul(p.swapaxes(-1, -2), dy)
    dp = engine.matmul(dy, v.swapaxes(-1, -2))
    dscores = engine.softmax_grad(dp, p, 3)
    dscores *= scale
    return engine.matmul(dscores, k), engine.matmul(dscores.swapaxes(-1, -2), q), dv

"""Update rules: from gradients to the next weights.

Here w are the weights, g their gradient as clipped, normalised and regularised, η the learning
rate times lr_mult, μ momentum, δ delta, and t the number of the update, counted from 1. Rules work
element by element and in place, on blocks that stay in the processor's cache.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from netcfg.engines.base import Engine
from netcfg.errors import nearest
from netcfg.layer import Param
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.places import field_error
from netcfg.types import Array

BLOCK = 1 << 15
"""Elements that are updated at a time on the CPU: a handful of arrays of it fit in the cache."""


class Rule:
    """One update rule; subclasses give the formula.

    Attributes:
        histories: arrays kept for each parameter.
    """

    histories: ClassVar[int] = 1

    def __init__(self, param: SolverParameter) -> None:
        self.momentum = float(param.momentum)
        self.delta = float(param.delta)
        if not 0 <= self.momentum < 1:
            message = f"momentum must lie in [0, 1); given {self.momentum:g}"
            raise field_error(param, message, "momentum")
        self.check(param)

    def check(self, param: SolverParameter) -> None:
        """Refuse settings that the rule does not allow."""

    def update(
        self, xp: Any, w: Array, g: Array, h: Sequence[Array], rate: float, t: int, tmp: Array
    ) -> None:
        """Change ``w`` and its histories ``h`` in place, and leave in ``g`` what ``w`` lost.

        Caffe's programs read it there. ``tmp`` may be overwritten.
        """
        raise NotImplementedError

    def _needs_no_momentum(self, param: SolverParameter) -> None:
        if self.momentum:
            message = f"{type(self).__name__} has no momentum; given momentum {self.momentum:g}"
            raise field_error(param, message, "momentum")


class SGD(Rule):
    """v ← μ v + η g,  w ← w − v.

    The rate is part of v, so a change of it shows gradually, unlike in PyTorch.
    """

    def update(
        self, xp: Any, w: Array, g: Array, h: Sequence[Array], rate: float, t: int, tmp: Array
    ) -> None:
        """Apply the rule."""
        (v,) = h
        g *= rate
        v *= self.momentum
        v += g
        g[...] = v
        w -= g


class Nesterov(Rule):
    """v' ← μ v + η g,  w ← w − (1 + μ) v' + μ v."""

    def update(
        self, xp: Any, w: Array, g: Array, h: Sequence[Array], rate: float, t: int, tmp: Array
    ) -> None:
        """Apply the rule."""
        (v,) = h
        g *= rate
        v *= self.momentum
        g += v
        xp.multiply(g, 1 + self.momentum, out=tmp)
        tmp -= v
        v[...] = g
        g[...] = tmp
        w -= g


class AdaGrad(Rule):
    """h ← h + g²,  w ← w − η g / (√h + δ)  (Duchi, Hazan and Singer, 2011)."""

    def check(self, param: SolverParameter) -> None:
        """Refuse momentum."""
        self._needs_no_momentum(param)

    def update(
        self, xp: Any, w: Array, g: Array, h: Sequence[Array], rate: float, t: int, tmp: Array
    ) -> None:
        """Apply the rule."""
        (squares,) = h
        xp.multiply(g, g, out=tmp)
        squares += tmp
        _scaled_descent(xp, w, g, squares, rate, self.delta, tmp)


class RMSProp(Rule):
    """h ← ρ h + (1 − ρ) g²,  w ← w − η g / (√h + δ),  ρ is rms_decay  (Tieleman, Hinton, 2012)."""

    def check(self, param: SolverParameter) -> None:
        """Refuse momentum and a decay outside [0, 1)."""
        self._needs_no_momentum(param)
        self.decay = float(param.rms_decay)
        if not 0 <= self.decay < 1:
            message = f"rms_decay must lie in [0, 1); given {self.decay:g}"
            raise field_error(param, message, "rms_decay")

    def update(
        self, xp: Any, w: Array, g: Array, h: Sequence[Array], rate: float, t: int, tmp: Array
    ) -> None:
        """Apply the rule."""
        (squares,) = h
        _average_squares(xp, squares, g, self.decay, tmp)
        _scaled_descent(xp, w, g, squares, rate, self.delta, tmp)


class AdaDelta(Rule):
    """Steps scaled by the ratio of their own mean square to the gradient's (Zeiler, 2012).

    h ← μ h + (1 − μ) g²,  Δ = g √((u + δ) / (h + δ)),  u ← μ u + (1 − μ) Δ²,  w ← w − η Δ
    """

    histories = 2

    def update(
        self, xp: Any, w: Array, g: Array, h: Sequence[Array], rate: float, t: int, tmp: Array
    ) -> None:
        """Apply the rule."""
        squares, steps = h
        _average_squares(xp, squares, g, self.momentum, tmp)
        xp.add(squares, self.delta, out=tmp)
        g /= xp.sqrt(tmp, out=tmp)
        xp.add(steps, self.delta, out=tmp)
        g *= xp.sqrt(tmp, out=tmp)
        _average_squares(xp, steps, g, self.momentum, tmp)
        g *= rate
        w -= g


class Adam(Rule):
    """Steps from running means of the gradient and its square (Kingma and Ba, 2015).

    m ← μ m + (1 − μ) g,  v ← β v + (1 − β) g²,  β is momentum2
    w ← w − η √(1 − βᵗ) / (1 − μᵗ) · m / (√v + δ)
    """

    histories = 2

    def check(self, param: SolverParameter) -> None:
        """Refuse a momentum2 outside [0, 1)."""
        self.momentum2 = float(param.momentum2)
        if not 0 <= self.momentum2 < 1:
            message = f"momentum2 must lie in [0, 1); given {self.momentum2:g}"
            raise field_error(param, message, "momentum2")

    def update(
        self, xp: Any, w: Array, g: Array, h: Sequence[Array], rate: float, t: int, tmp: Array
    ) -> None:
        """Apply the rule."""
        mean, squares = h
        mean *= self.momentum
        xp.multiply(g, 1 - self.momentum, out=tmp)
        mean += tmp
        _average_squares(xp, squares, g, self.momentum2, tmp)
        correction = math.sqrt(1 - self.momentum2**t) / (1 - self.momentum**t)
        g[...] = mean
        _scaled_descent(xp, w, g, squares, rate * correction, self.delta, tmp)


RULES: dict[str, type[Rule]] = {
    rule.__name__: rule for rule in (SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam)
}
"""Update rules by the ``type`` of a solver."""


def make_rule(param: SolverParameter) -> Rule:
    """Return the update rule that a solver names.

    Raises:
        NetError: the rule is unknown, or its settings or those of the updates are out of range.
    """
    if param.type not in RULES:
        known = f"{nearest(param.type, RULES)} (known: {', '.join(RULES)})"
        raise field_error(param, f"unknown solver type '{param.type}'{known}", "type")
    norm = param.regularization_type
    if norm not in ("L1", "L2"):
        message = f"regularization_type must be L1 or L2; given '{norm}'"
        raise field_error(param, message, "regularization_type")
    if param.iter_size < 1:
        message = f"iter_size must be at least 1; given {param.iter_size}"
        raise field_error(param, message, "iter_size")
    return RULES[param.type](param)


class Updater:
    """Gradients of a net to its next weights, in Caffe's order: clip, normalise, regularise, apply.

    Attributes:
        history: for each of the rule's histories one array per parameter; in Caffe's order, all of
            the first kind before all of the second.
    """

    def __init__(self, param: SolverParameter, params: Sequence[Param], engine: Engine) -> None:
        self.rule = make_rule(param)
        self.params = params
        self.xp = engine.xp
        self.clip = float(param.clip_gradients)
        self.iter_size = param.iter_size
        self.decay = float(param.weight_decay)
        self.l1 = param.regularization_type == "L1"
        zeros = self.xp.zeros_like
        self.history = [zeros(p.value) for _ in range(self.rule.histories) for p in params]
        self._buffer = np.empty(BLOCK, engine.dtype)

    def apply(self, rate: float, t: int) -> None:
        """Make update number ``t``, counted from 1, with learning rate ``rate``."""
        learned = [i for i, p in enumerate(self.params) if p.lr_mult]
        scale = self._clipping(learned) / self.iter_size
        for i in learned:
            param = self.params[i]
            h = self.history[i :: len(self.params)]
            decay = self.decay * param.decay_mult
            for w, g, *hs in _blocks(self.xp, [param.value, param.diff, *h]):
                tmp = self._scratch(w)
                if scale != 1:
                    g *= scale
                if decay:
                    self.xp.multiply(self.xp.sign(w, out=tmp) if self.l1 else w, decay, out=tmp)
                    g += tmp
                self.rule.update(self.xp, w, g, hs, rate * param.lr_mult, t, tmp)
            param.changed()

    def _clipping(self, learned: Sequence[int]) -> float:
        """Return what brings the L2 norm of all gradients together down to clip_gradients."""
        if self.clip < 0:
            return 1.0
        squares: Any = 0.0
        for i in learned:
            for (g,) in _blocks(self.xp, [self.params[i].diff]):
                flat = g.reshape(-1)
                squares = squares + self.xp.dot(flat, flat).astype(np.float64)
        norm = math.sqrt(float(squares))
        return self.clip / norm if norm > self.clip else 1.0

    def _scratch(self, like: Array) -> Array:
        """Return an array of the same shape and type to overwrite, on the CPU always the same."""
        if (
            self.xp is np
            and like.ndim == 1
            and like.size <= BLOCK
            and like.dtype == self._buffer.dtype
        ):
            return self._buffer[: like.size]
        return self.xp.empty_like(like)


def _average_squares(xp: Any, mean: Array, x: Array, decay: float, tmp: Array) -> None:
    """Mean ← decay · mean + (1 − decay) · x²."""
    mean *= decay
    xp.multiply(x, x, out=tmp)
    tmp *= 1 - decay
    mean += tmp


def _scaled_descent(
    xp: Any, w: Array, x: Array, squares: Array, rate: float, delta: float, tmp: Array
) -> None:
    """W ← w − x, x ← rate · x / (√squares + delta)."""
    xp.sqrt(squares, out=tmp)
    tmp += delta
    x /= tmp
    x *= rate
    w -= x


def _blocks(xp: Any, arrays: Sequence[Array]) -> Iterator[list[Array]]:
    """Yield matching parts of arrays of one shape: views, small on the CPU, whole elsewhere."""
    flat = [_flat(array) for array in arrays] if xp is np else None
    if flat is None or any(f is None for f in flat) or len({a.strides for a in arrays}) > 1:
        yield list(arrays)
        return
    for start in range(0, arrays[0].size, BLOCK):
        yield [f[start : start + BLOCK] for f in flat]


def _flat(array: Array) -> Array:
    """Return a one-dimensional view in the order of memory, None where there is no such view."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    view = array.transpose(order)
    return view.reshape(-1) if view.flags.c_contiguous else None

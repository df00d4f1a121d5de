"""Element-wise functions."""

import math
from typing import ClassVar

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import FillerParameter
from netcfg.types import Array, Shape


@register("ReLU")
class ReLU(Layer):
    """Rectifier, leaky with a ``negative_slope`` a.

    y = x where x > 0, else a x;  dx = dy where x > 0, else a dy
    With ``relu6`` x counts as 6 at most.
    """

    reads: ClassVar[tuple[str, ...]] = ("relu_param",)
    forks: ClassVar[tuple[str, ...]] = ("relu_param.relu6",)

    def setup(self, x: Shape) -> None:
        self.slope = self.config.relu_param.negative_slope
        self.capped = self.config.relu_param.relu6

    def forward(self, x: Array) -> Array:
        y = self.engine.relu(self.xp.minimum(x, 6) if self.capped else x, self.slope)
        if self.need[0]:  # the sign of y tells where x > 0, and the next layer keeps y anyway
            self.saved = y if self.slope >= 0 else x
        return y

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        dx = self.engine.relu_grad(dy, self.saved, self.slope)
        return dx * (self.saved < 6) if self.capped else dx


@register("ReLU6")
class ReLU6(ReLU):
    """Rectifier that is cut off at 6, as in MobileNet.

    y = min(max(x, 0), 6);  dx = dy where 0 < x < 6, else 0
    """

    reads = ()
    forks = ()

    def setup(self, x: Shape) -> None:
        self.slope, self.capped = 0.0, True


@register("PReLU")
class PReLU(Layer):
    """Rectifier whose negative slope is learned, per channel or with ``channel_shared`` once.

    y = x where x > 0, else a x        x: (N, C, ...)   a: (C,) or ()
    dx = dy where x > 0, else a dy,  da = sum of dy min(x, 0) over all axes a lacks

    He et al., "Delving deep into rectifiers", 2015; a starts at 0.25.
    """

    reads = ("prelu_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.prelu_param
        if len(x) < 2:
            raise ShapeError(f"the bottom must have at least 2 axes, N and C; given {x}")
        shape = () if config.channel_shared else (x[1],)
        filler = config.filler if config.HasField("filler") else FillerParameter(value=0.25)
        self.param(shape, filler)

    def reshape(self, x: Shape) -> Shape:
        slopes = self.params[0].shape
        if len(x) < 2 or slopes not in ((), (x[1],)):
            raise ShapeError(f"{slopes[0]} slopes need as many channels; given {x}")
        self.rank = len(x)
        return x

    def forward(self, x: Array) -> Array:
        if self.need[0] or self.params[0].lr_mult != 0:
            self.saved = x
        return self.xp.where(x > 0, x, x * self._slopes())

    def backward(self, dy: Array) -> Array | None:
        x, slopes = self.saved, self.params[0]
        if slopes.lr_mult != 0:
            da = self.xp.minimum(x, 0)
            da *= dy
            slopes.add_grad(self.engine.sum_to_axis(da, 1) if slopes.shape else da.sum())
        if not self.need[0]:
            return None
        return self.xp.where(x > 0, dy, dy * self._slopes())

    def _slopes(self) -> Array:
        """Return a, shaped to broadcast."""
        a = self.params[0].data
        return a.reshape(-1, *[1] * (self.rank - 2)) if a.ndim else a  # (C, 1, ...)


@register("ELU")
class ELU(Layer):
    """Exponential linear unit.

    y = x where x > 0, else a (eˣ - 1);  dx = dy where x > 0, else (y + a) dy

    Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2016.
    """

    reads = ("elu_param",)

    def setup(self, x: Shape) -> None:
        self.alpha = self.config.elu_param.alpha

    def forward(self, x: Array) -> Array:
        y = self.xp.where(x > 0, x, self.alpha * self.xp.expm1(self.xp.minimum(x, 0)))
        if self.need[0]:
            self.saved = (x, y)
        return y

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        x, y = self.saved
        return self.xp.where(x > 0, dy, (y + self.alpha) * dy)


@register("Sigmoid")
class Sigmoid(Layer):
    """Logistic function.

    y = 1 / (1 + e⁻ˣ);  dx = dy y (1 - y)
    """

    reads = ("sigmoid_param",)

    def forward(self, x: Array) -> Array:
        y = self.engine.sigmoid(x)
        if self.need[0]:
            self.saved = y
        return y

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        y = self.saved
        return dy * y * (1 - y)


@register("TanH")
class TanH(Layer):
    """Hyperbolic tangent.

    y = tanh x;  dx = dy (1 - y²)
    """

    reads = ("tanh_param",)

    def forward(self, x: Array) -> Array:
        y = self.engine.tanh(x)
        if self.need[0]:
            self.saved = y
        return y

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        y = self.saved
        return dy * (1 - y * y)


@register("Swish")
class Swish(Layer):
    """Input times its logistic function (SiLU for beta 1).

    y = x s, s = 1 / (1 + e^(-βx));  dx = dy (β y + s (1 - β y))

    Ramachandran et al., "Searching for activation functions", 2017.
    """

    reads = ("swish_param",)

    def setup(self, x: Shape) -> None:
        self.beta = self.config.swish_param.beta

    def forward(self, x: Array) -> Array:
        s = self.engine.sigmoid(x * self.beta)
        y = x * s
        if self.need[0]:
            self.saved = (y, s)
        return y

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        y, s = self.saved
        y = y * self.beta
        return dy * (y + s * (1 - y))


@register("BNLL")
class BNLL(Layer):
    """Binomial normal log likelihood, known as softplus.

    y = log(1 + eˣ);  dx = dy / (1 + e⁻ˣ)
    """

    def forward(self, x: Array) -> Array:
        if self.need[0]:
            self.saved = x
        y = self.xp.log1p(self.xp.exp(-self.xp.abs(x)))  # cannot overflow
        y += self.xp.maximum(x, 0)
        return y

    def backward(self, dy: Array) -> Array | None:
        return dy * self.engine.sigmoid(self.saved) if self.need[0] else None


@register("AbsVal")
class AbsVal(Layer):
    """Absolute value.

    y = |x|;  dx = dy sign x, 0 at 0
    """

    def forward(self, x: Array) -> Array:
        if self.need[0]:
            self.saved = x
        return self.xp.abs(x)

    def backward(self, dy: Array) -> Array | None:
        return dy * self.xp.sign(self.saved) if self.need[0] else None


@register("Clip")
class Clip(Layer):
    """Limit to [min, max].

    y = min(max(x, min), max);  dx = dy where min ≤ x ≤ max, else 0
    """

    reads = ("clip_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.clip_param
        if not (config.HasField("min") and config.HasField("max")):
            raise NetError("min and max must be given")
        if config.min > config.max:
            raise NetError(f"min must not exceed max; given {config.min:g} and {config.max:g}")
        self.low, self.high = config.min, config.max

    def forward(self, x: Array) -> Array:
        if self.need[0]:
            self.saved = x
        return self.xp.clip(x, self.low, self.high)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        x = self.saved
        return dy * ((x >= self.low) & (x <= self.high))


@register("Threshold")
class Threshold(Layer):
    """Whether x lies above a threshold t, as 1 or 0; without a gradient.

    y = 1 where x > t, else 0
    """

    differentiable = False
    reads = ("threshold_param",)

    def setup(self, x: Shape) -> None:
        self.threshold = self.config.threshold_param.threshold

    def forward(self, x: Array) -> Array:
        return (x > self.threshold).astype(x.dtype)


@register("Power")
class Power(Layer):
    """Power of an affine function.

    y = (shift + scale x)^power;  dx = dy power scale (shift + scale x)^(power - 1)

    Where power or scale is 0, y does not depend on x and dx is 0.
    """

    reads = ("power_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.power_param
        self.power, self.scale, self.shift = config.power, config.scale, config.shift
        self.slope = self.power * self.scale

    def forward(self, x: Array) -> Array:
        if self.slope == 0:
            return self.xp.full_like(x, self.shift**self.power if self.power else 1)
        if self.power == 1:
            return self._affine(x)
        if self.need[0]:
            self.saved = x
        return _power(self._affine(x), self.power)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        if self.power == 1 or self.slope == 0:
            return dy * self.slope
        dx = _power(self._affine(self.saved), self.power - 1)
        return dx * (dy if self.slope == 1 else dy * self.slope)

    def _affine(self, x: Array) -> Array:
        return _affine(x, self.scale, self.shift)


def _power(x: Array, power: float) -> Array:
    """Return x to a power; products where they do."""
    if power == 1:
        return x
    return x * x if power == 2 else x**power


@register("Exp")
class Exp(Layer):
    """Exponential of an affine function, of base e unless one is given.

    y = base^(shift + scale x);  dx = dy y scale log base
    """

    reads = ("exp_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.exp_param
        log_base = _log_base(config.base)
        self.scale, self.shift = log_base * config.scale, log_base * config.shift

    def forward(self, x: Array) -> Array:
        y = self.xp.exp(_affine(x, self.scale, self.shift))
        if self.need[0]:
            self.saved = y
        return y

    def backward(self, dy: Array) -> Array | None:
        return dy * self.saved * self.scale if self.need[0] else None


@register("Log")
class Log(Layer):
    """Logarithm of an affine function, to the base e unless one is given.

    y = log(shift + scale x) / log base;  dx = dy scale / ((shift + scale x) log base)
    """

    reads = ("log_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.log_param
        log_base = _log_base(config.base)
        if log_base == 0:
            raise NetError("base must not be 1")
        self.scale, self.shift, self.factor = config.scale, config.shift, 1 / log_base

    def forward(self, x: Array) -> Array:
        u = _affine(x, self.scale, self.shift)
        if self.need[0]:
            self.saved = u
        return self.xp.log(u) * self.factor

    def backward(self, dy: Array) -> Array | None:
        return dy / self.saved * (self.scale * self.factor) if self.need[0] else None


def _affine(x: Array, scale: float, shift: float) -> Array:
    """Return scale x + shift, without a pass over x where it changes nothing."""
    if scale != 1:
        x = x * scale
    return x + shift if shift != 0 else x


def _log_base(base: float) -> float:
    """Return the natural logarithm of ``base``, where -1 stands for e."""
    if base == -1:
        return 1.0
    if base <= 0:
        raise NetError(f"base must be positive, or -1 for e; given {base:g}")
    return math.log(base)

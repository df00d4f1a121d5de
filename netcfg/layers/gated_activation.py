"""Activations that multiply x by a gate of itself: GELU, SiLU, HardSwish."""

import math
from functools import lru_cache

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from netcfg.layer import Layer, register
from netcfg.types import Array, Shape

_CUBE = 0.044715
"""Weight of x³ in the approximation of GELU by tanh."""


@register("GELU")
class GELU(Layer):
    """Input times the share Φ of a standard normal distribution below it.

    y = x Φ(x);  dx = dy (Φ(x) + x φ(x)), φ the density
    ``approximate``: Φ(x) = (1 + tanh u) / 2, u = √(2/π) (x + 0.044715 x³)
        dx = dy (Φ(x) + x (1 - tanh² u) u' / 2)

    Hendrycks and Gimpel, "Gaussian error linear units", 2016. Φ is exact to 3e-7 in float32.
    """

    reads = ("gelu_param",)

    def setup(self, x: Shape) -> None:
        self.approximate = self.config.gelu_param.approximate

    def forward(self, x: Array) -> Array:
        gate = self._tanh(x) if self.approximate else normal_cdf(self.xp, x)
        if self.need[0]:
            self.saved = x, gate
        return x * gate

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        x, gate = self.saved
        if self.approximate:
            slope = math.sqrt(2 / math.pi) * (1 + 3 * _CUBE * x * x)  # u'
            density = 2 * gate * (1 - gate) * slope  # 1 - tanh² = 4 Φ (1 - Φ)
        else:
            density = self.xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return dy * (gate + x * density)

    def _tanh(self, x: Array) -> Array:
        """Return Φ by way of tanh."""
        u = x * x * _CUBE
        u += 1
        u *= x
        u *= math.sqrt(2 / math.pi)
        gate = self.engine.tanh(u)
        gate += 1
        gate *= 0.5
        return gate


@register("SiLU")
class SiLU(Layer):
    """Input times its logistic function: Swish with beta 1.

    y = x s, s = 1 / (1 + e⁻ˣ);  dx = dy s (1 + x (1 - s))

    Elfwing et al., "Sigmoid-weighted linear units", 2017.
    """

    def forward(self, x: Array) -> Array:
        gate = self.engine.sigmoid(x)
        if self.need[0]:
            self.saved = x, gate
        return x * gate

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        x, gate = self.saved
        return dy * gate * (1 + x * (1 - gate))


@register("HardSwish")
class HardSwish(Layer):
    """Swish with straight lines for the logistic function.

    y = x min(max(x + 3, 0), 6) / 6;  dx = dy (2x + 3) / 6 where -3 < x < 3, dy above, 0 below

    Howard et al., "Searching for MobileNetV3", 2019.
    """

    def forward(self, x: Array) -> Array:
        if self.need[0]:
            self.saved = x
        return x * self.xp.clip(x * (1 / 6) + 0.5, 0, 1)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        x = self.saved
        inside = (x > -3) & (x < 3)
        return dy * self.xp.where(inside, x * (1 / 3) + 0.5, x >= 3)


def normal_cdf(xp: Array, x: Array) -> Array:
    """Return the share of a standard normal distribution below x.

    Φ(-z) = t exp(-z²/2 + P(t)) / 2,  t = 1 / (1 + z / √8),  Φ(z) = 1 - Φ(-z)        for z ≥ 0
    """
    z = xp.abs(x)
    t = 1 / (1 + z * (1 / math.sqrt(8)))
    power = xp.zeros_like(x)
    for coefficient in reversed(_tail(10 if x.dtype.itemsize <= 4 else 22)):
        power *= t
        power += coefficient
    power -= 0.5 * z * z
    tail = 0.5 * t * xp.exp(power)
    return xp.where(x > 0, 1 - tail, tail)


@lru_cache
def _tail(degree: int) -> tuple[float, ...]:
    """Return the coefficients of P(t) = log(erfc(z) / t) + z², t = 1 / (1 + z / 2)."""

    def wanted(t: Array) -> Array:
        z = 2 * (1 - t) / t
        return np.array([_log_erfcx(float(v)) for v in z]) - np.log(t)

    fit = Chebyshev.interpolate(wanted, degree, domain=[0, 1])
    return tuple(float(c) for c in fit.convert(kind=Polynomial).coef)


def _log_erfcx(z: float) -> float:
    """Return log erfc(z) + z², for large z by the asymptotic series."""
    if z < 20:
        return math.log(math.erfc(z)) + z * z
    u = 1 / (2 * z * z)
    series = 1 - u * (1 - 3 * u * (1 - 5 * u * (1 - 7 * u)))
    return math.log(series / (z * math.sqrt(math.pi)))

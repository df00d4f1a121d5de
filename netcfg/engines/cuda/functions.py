"""Functions of one array by kernels, element by element, and their gradients."""

from collections.abc import Callable
from typing import Any, NamedTuple

from netcfg.engines.cuda.arrays import alike, dense, pixels
from netcfg.engines.cuda.forms import Form
from netcfg.types import Array


class Function(NamedTuple):
    """An element-wise function and its gradient.

    Attributes:
        name: of its kernel.
        numbers: that the kernel is given.
        grad: kernel of the gradient; empty for none.
        keeps: what that reads beside dy: ``x`` or ``y``.
        grad_numbers: that it is given; ``numbers`` where None.
    """

    name: str
    numbers: tuple[float, ...] = ()
    grad: str = ""
    keeps: str = "x"
    grad_numbers: tuple[float, ...] | None = None


def _relu(x: Any) -> Function | None:
    numbers = x.slope, 6.0
    return Function("relu", numbers, "relu_grad", "x") if x.capped else None


def _power(x: Any) -> Function | None:
    """Return the power; what is affine is no slower without."""
    if x.slope == 0 or x.power == 1:
        return None
    return Function("power", (x.power, x.scale, x.shift), "power_grad")


FUNCTIONS: dict[str, Callable[[Any], Function | None]] = {
    "activation.AbsVal": lambda x: Function("abs_x", (), "abs_grad"),
    "activation.BNLL": lambda x: Function("bnll", (), "bnll_grad"),
    "activation.Clip": lambda x: Function("clip", (x.low, x.high), "clip_grad"),
    "activation.ELU": lambda x: Function("elu", (x.alpha,), "elu_grad"),
    "activation.Exp": lambda x: Function("exp_x", (x.scale, x.shift), "exp_grad", "y", (x.scale,)),
    "activation.Log": lambda x: Function("log_x", (x.scale, x.shift, x.factor), "log_grad"),
    "activation.Power": _power,
    "activation.ReLU": _relu,
    "activation.ReLU6": _relu,
    "activation.Sigmoid": lambda x: Function("sigmoid", (), "sigmoid_grad", "y"),
    "activation.Swish": lambda x: Function("swish", (x.beta,), "swish_grad"),
    "activation.TanH": lambda x: Function("tanh_x", (), "tanh_grad", "y"),
    "activation.Threshold": lambda x: Function("threshold", (x.threshold,)),
    "gated_activation.GELU": lambda x: Function("gelu", (int(x.approximate),), "gelu_grad"),
    "gated_activation.HardSwish": lambda x: Function("hard_swish", (), "hard_swish_grad"),
    "gated_activation.SiLU": lambda x: Function("swish", (1.0,), "swish_grad"),
}
"""Modules and classes of layers → their function; None where the layer itself is as quick."""


class OneFunction(Form):
    """A function of one array, element by element.

    Args:
        engine: see ``Form``.
        layer: see ``Form``.
        function: what it computes.
    """

    def __init__(self, engine: Any, layer: Any, function: Function) -> None:
        super().__init__(engine, layer)
        self.function = function

    def there(self, *bottoms: Array) -> Any:
        (x,) = bottoms
        y = self.engine._map(self.function.name, x, *self.function.numbers)
        if self.function.grad and self.layer.need[0]:
            self._kept = x if self.function.keeps == "x" else y
        return y

    def back(self, *tops: Array) -> Any:
        if not self.layer.need[0]:
            return None
        name, numbers, grad, _, others = self.function
        numbers = numbers if others is None else others
        return self.engine._map2(grad or name, tops[0], self._kept, *numbers)


class PReLU(Form):
    """A learned slope for each channel, or one for all."""

    def there(self, *bottoms: Array) -> Any:
        x = dense(self.xp, bottoms[0])
        if self.layer.need[0] or self.layer.params[0].lr_mult != 0:
            self._kept = x
        y, sizes = self.xp.empty_like(x), self._sizes(x)
        self.engine._each(x, "prelu", x.size, x, self._slopes(x), y, x.size, *sizes)
        return y

    def back(self, *tops: Array) -> Any:
        (dy, x), _ = alike(self.xp, tops[0], self.engine._as(self._kept, tops[0]))
        slopes = self.layer.params[0]
        if slopes.lr_mult != 0:
            sums = self.engine._channel_sums(dy, x, *pixels(dy), operation=2)
            slopes.add_grad(sums if slopes.shape else sums.sum())
        if not self.layer.need[0]:
            return None
        dx, sizes = self.xp.empty_like(dy), self._sizes(dy)
        self.engine._each(dy, "prelu_grad", dy.size, dy, x, self._slopes(dy), dx, dy.size, *sizes)
        return dx

    def _sizes(self, x: Array) -> tuple[int, int]:
        """Return channels and inner; a slope for all is that of one channel."""
        _, channels, inner = pixels(x)
        return (channels, inner) if self.layer.params[0].shape else (1, 1)

    def _slopes(self, x: Array) -> Array:
        return self.engine._vector(self.layer.params[0].value, x)

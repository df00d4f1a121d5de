"""Checks for authors of layers: build one layer, compare its gradients with differences.

>>> from netcfg.testing import check_gradient
>>> check_gradient('type: "Power" power_param { power: 2 shift: 3 }', (2, 3))
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import netcfg.layers  # noqa: F401 - fills the registry
from netcfg.engines.base import Engine
from netcfg.layer import Context, Layer, as_arrays, as_shapes, layer_type
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.schema import parse
from netcfg.types import Phase, Shape, Shapes

Floats = npt.NDArray[np.floating[Any]]
STEP = 1e-5
"""Step of the central differences, small beside the spacing of ``spaced`` values."""


def spaced(shape: Shape, rng: np.random.Generator, low: float = -1, high: float = 1) -> Floats:
    """Return distinct evenly spaced values in random order, none near 0: no kink within a step.

    A random offset keeps the values of two calls apart.
    """
    count = int(np.prod(shape))
    offset = rng.uniform(0.1, 0.4)
    values = low + (np.arange(count) + offset) * ((high - low) / max(count, 1))
    return rng.permutation(values).reshape(shape)


def make_layer(
    text: str,
    bottoms: Sequence[Shape],
    *,
    phase: Phase = Phase.TRAIN,
    engine: Engine | None = None,
    seed: int = 0,
) -> Layer:
    """Build and set up one layer from the body of its prototxt.

    Args:
        text: e.g. ``'type: "ReLU"'``; name, bottoms and tops may be left out.
        bottoms: a shape for each bottom.
        phase: TRAIN or TEST.
        engine: float64 NumPy where None.
        seed: of the fillers and of all random numbers.
    """
    config = parse(text, LayerParameter).message
    config.name = config.name or "layer"
    cls = layer_type(config.type).resolve(config)
    ntops = len(config.top) or cls.tops[0]
    layer = cls(config, Context(engine or Engine(np.float64), phase, seed), ntops)
    layer.setup(*bottoms)
    layer.need = [cls.takes_gradient(i, len(bottoms)) for i in range(len(bottoms))]
    return layer


def top_shapes(layer: Layer, bottoms: Sequence[Shape]) -> Shapes:
    """Return what ``layer.reshape`` promises, always as a tuple of shapes."""
    return as_shapes(layer.reshape(*bottoms), layer.ntops)


def check_gradient(
    text: str,
    *bottoms: Shape | Floats,
    phase: Phase = Phase.TRAIN,
    seed: int = 0,
    rtol: float = 1e-6,
) -> None:
    """Compare a layer's backward pass with central differences in float64.

    The loss is Σ ⟨dy, y⟩ with random dy; one random direction for each bottom and parameter is
    compared, and only where that fails are single entries, to say which one is wrong.

    Args:
        text: the body of the layer's prototxt.
        bottoms: for each bottom its shape (filled with spaced values) or its values.
        phase: TRAIN or TEST.
        seed: of values and directions.
        rtol: allowed difference, relative to the larger side.

    Raises:
        AssertionError: a gradient is wrong; the message names array, entry and both values.
    """
    rng = np.random.default_rng(seed)
    xs = [spaced(b, rng) if isinstance(b, tuple) else np.asarray(b, np.float64) for b in bottoms]
    layer = make_layer(text, [x.shape for x in xs], phase=phase, seed=seed)
    layer.reshape(*[x.shape for x in xs])
    for param in layer.params:
        param.data += 0.1 * spaced(param.shape, rng)
    tops = as_arrays(layer.forward(*xs))
    dys = [rng.normal(size=np.shape(y)) for y in tops]
    grads = as_arrays(layer.backward(*dys))
    param_grads = [param.diff.copy() for param in layer.params]

    def loss() -> float:
        ys = as_arrays(layer.forward(*xs))
        return float(sum(np.sum(dy * y) for dy, y in zip(dys, ys, strict=True)))

    for i, (x, dx) in enumerate(zip(xs, grads, strict=True)):
        if layer.need[i]:
            if dx is None:
                raise AssertionError(f"{layer.where}: backward returned None for bottom {i}")
            _compare(f"{layer.where}: gradient of bottom {i}", x, dx, loss, rng, rtol)
    for i, (param, dp) in enumerate(zip(layer.params, param_grads, strict=True)):
        if param.lr_mult != 0:
            _compare(f"{layer.where}: gradient of param {i}", param.data, dp, loss, rng, rtol)


def _compare(
    what: str,
    x: Floats,
    grad: Floats,
    loss: Callable[[], float],
    rng: np.random.Generator,
    rtol: float,
) -> None:
    """Compare ``grad`` with differences of ``loss`` as ``x`` moves along a random direction."""
    if grad.shape != x.shape:
        raise AssertionError(f"{what} has shape {grad.shape}, the array {x.shape}")
    direction = rng.normal(size=x.shape)
    expected = _slope(x, direction, loss)
    given = float(np.sum(grad * direction))
    scale = max(float(np.linalg.norm(grad)), abs(expected), 1e-3)
    if abs(given - expected) <= rtol * scale * 10:
        return
    numeric = np.empty_like(x)
    for index in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[index] = 1
        numeric[index] = _slope(x, unit, loss)
    worst = np.unravel_index(np.argmax(np.abs(numeric - grad)), x.shape)
    raise AssertionError(
        f"{what} is wrong, most at {tuple(int(i) for i in worst)}: backward says "
        f"{float(grad[worst]):.6g}, differences say {float(numeric[worst]):.6g}"
    )


def _slope(x: Floats, direction: Floats, loss: Callable[[], float]) -> float:
    """Return d loss / dt of x + t·direction at t = 0."""
    start = x.copy()
    x[...] = start + STEP * direction
    up = loss()
    x[...] = start - STEP * direction
    down = loss()
    x[...] = start
    return (up - down) / (2 * STEP)

"""Initial values of parameters: one function per filler type, all drawn with NumPy.

Every engine starts from the same numbers because none draws its own. ``fan_in`` is the number of
inputs that one output sees, count / shape[0]; ``fan_out`` is count / shape[1], as in Caffe.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.errors import NetError, ShapeError, nearest
from netcfg.netcfg_pb2 import FillerParameter
from netcfg.types import Shape

Values: TypeAlias = npt.NDArray[np.float64]
Filler: TypeAlias = Callable[[FillerParameter, Shape, np.random.Generator], Values]


def fill(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Return an array of ``shape`` filled as ``filler`` says.

    Raises:
        NetError: unknown type, or a shape or field that the type cannot use.
    """
    if filler.type not in FILLERS:
        known = ", ".join(FILLERS)
        raise NetError(
            f"unknown filler type '{filler.type}'{nearest(filler.type, FILLERS)} (known: {known})"
        )
    if filler.sparse != -1 and filler.type != "gaussian":
        raise NetError(f"filler '{filler.type}': sparse {filler.sparse} needs type 'gaussian'")
    return FILLERS[filler.type](filler, shape, rng)


def constant(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Every entry is ``value``."""
    return np.full(shape, filler.value, np.float64)


def uniform(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Entries are uniform in [min, max)."""
    return rng.uniform(filler.min, filler.max, shape)


def gaussian(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Entries are normal with ``mean`` and ``std``.

    ``sparse`` keeps each entry with probability sparse / shape[0], which leaves every output about
    that many non-zero inputs when there are as many inputs as outputs.
    """
    values = rng.normal(filler.mean, filler.std, shape)
    if filler.sparse == -1:
        return values
    if not 0 <= filler.sparse <= shape[0]:
        raise NetError(
            f"filler 'gaussian': sparse must lie in [0, {shape[0]}]; given {filler.sparse}"
        )
    return values * (rng.random(shape) < filler.sparse / shape[0])


def positive_unitball(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Entries are uniform and positive; those of each output sum to 1."""
    values = rng.random((shape[0], _count(shape) // shape[0]))
    return (values / values.sum(axis=1, keepdims=True)).reshape(shape)


def gaussian_unitball(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Entries are normal; those of each output have length 1, as in caffe-windows."""
    values = rng.normal(size=(shape[0], _count(shape) // shape[0]))
    return (values / np.sqrt((values**2).sum(axis=1, keepdims=True) + 1e-12)).reshape(shape)


def xavier(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Entries are uniform in ±√(3/n), variance 1/n (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3 / _fan(filler, shape))
    return rng.uniform(-bound, bound, shape)


def msra(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Entries are normal with variance 2/n (He et al., 2015)."""
    return rng.normal(0, math.sqrt(2 / _fan(filler, shape)), shape)


def bilinear(filler: FillerParameter, shape: Shape, rng: np.random.Generator) -> Values:
    """Each plane is the kernel that upsamples bilinearly by f = ⌈width/2⌉ (Long et al., 2015).

    w[y, x] = (1 - |x/f - c|) (1 - |y/f - c|),  c = (width - 1) / (2f)
    """
    if len(shape) != 4 or shape[2] != shape[3]:
        raise ShapeError(f"filler 'bilinear' needs a 4-axis shape with square planes, not {shape}")
    f = math.ceil(shape[3] / 2)
    centre = (shape[3] - 1) / (2 * f)
    tent = 1 - np.abs(np.arange(shape[3]) / f - centre)
    return np.broadcast_to(tent[:, None] * tent[None, :], shape).copy()


FILLERS: dict[str, Filler] = {
    "constant": constant,
    "uniform": uniform,
    "gaussian": gaussian,
    "positive_unitball": positive_unitball,
    "xavier": xavier,
    "msra": msra,
    "bilinear": bilinear,
    "gaussian_unitball": gaussian_unitball,
}


def _count(shape: Shape) -> int:
    return math.prod(shape)


def _fan(filler: FillerParameter, shape: Shape) -> float:
    """Return n of xavier and msra as ``variance_norm`` chooses it."""
    fan_in = _count(shape) / shape[0]
    fan_out = _count(shape) / shape[1] if len(shape) > 1 else _count(shape)
    return {
        FillerParameter.FAN_IN: fan_in,
        FillerParameter.FAN_OUT: fan_out,
        FillerParameter.AVERAGE: (fan_in + fan_out) / 2,
    }[filler.variance_norm]

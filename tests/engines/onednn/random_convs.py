"""Random convolutions, of every kind of path in oneDNN."""

import numpy as np

from netcfg.engines import Conv, Window

Shapes = tuple[tuple[int, ...], tuple[int, ...], Conv]


def random_conv(rng: np.random.Generator) -> Shapes:
    """Draw shapes of x and w and a geometry; one in three is depthwise or grouped."""
    axes = int(rng.choice([1, 2, 2, 2, 2, 3]))
    group = int(rng.choice([1, 1, 1, 2, 3, 16]))
    inputs, outputs = int(rng.choice([1, 1, 3, 16, 17, 40])), int(rng.choice([1, 3, 16, 33]))

    def draw(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(v) for v in rng.integers(low, high, axes))

    kernel, stride, pad, dilation = draw(1, 4), draw(1, 4), draw(0, 4), draw(1, 3)
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + int(rng.integers(0, 9))
        for k, p, d in zip(kernel, pad, dilation, strict=True)
    )
    x = (int(rng.integers(1, 4)), group * inputs, *size)
    w = (group * outputs, inputs, *kernel)
    return x, w, Conv(Window(kernel, stride, pad, dilation), group)

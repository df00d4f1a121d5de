"""Colour spaces of 8-bit images (C, H, W) in B, G, R, in OpenCV's arithmetic."""

import numpy as np
import numpy.typing as npt

from netcfg.io.image import Pixels

Ints = npt.NDArray[np.int32]

_SHIFT = 12
_DIVISORS = np.maximum(np.arange(256), 1)
_SATURATION = np.rint((255 << _SHIFT) / _DIVISORS).astype(np.int32)
_HUE = np.rint((180 << _SHIFT) / (6.0 * _DIVISORS)).astype(np.int32)
_SATURATION[0] = _HUE[0] = 0

_YCC = 14
_HALF = 1 << _YCC - 1


def saturate(values: npt.NDArray[np.generic]) -> Pixels:
    """Return values rounded, halves to even, and cut to 0 … 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def to_hsv(image: Pixels) -> Pixels:
    """Return hue in half degrees (0 … 179), saturation and value (0 … 255)."""
    b, g, r = image.astype(np.int32)
    v = np.maximum(np.maximum(b, g), r)
    spread = v - np.minimum(np.minimum(b, g), r)
    half = 1 << _SHIFT - 1
    s = spread * _SATURATION[v] + half >> _SHIFT
    turn = np.where(v == r, g - b, np.where(v == g, b - r + 2 * spread, r - g + 4 * spread))
    h = turn * _HUE[spread] + half >> _SHIFT
    return np.stack([np.where(h < 0, h + 180, h), s, v]).astype(np.uint8)


def from_hsv(hsv: Pixels) -> Pixels:
    """Return blue, green and red; hues from 180 on begin the circle again."""
    h, s, v = hsv.astype(np.float32)
    h, s, v = h * np.float32(6 / 180), s * np.float32(1 / 255), v * np.float32(1 / 255)
    sector = np.floor(h)
    part = h - sector
    # The channels are v, v(1 - s), v(1 - s·part) and v(1 - s + s·part) in an order of the sector.
    values = np.stack([v, v * (1 - s), v * (1 - s * part), v * (1 - s * (1 - part))])
    order = np.array([[1, 3, 0], [1, 0, 2], [3, 0, 1], [0, 2, 1], [0, 1, 3], [2, 1, 0]])
    which = order[sector.astype(np.intp) % 6].transpose(2, 0, 1)
    return saturate(np.take_along_axis(values, which, axis=0) * np.float32(255))


def to_ycrcb(image: Pixels) -> Pixels:
    """Return luma and the differences of red and blue from it."""
    b, g, r = image.astype(np.int32)
    y = b * 1868 + g * 9617 + r * 4899 + _HALF >> _YCC
    middle = (128 << _YCC) + _HALF
    cr, cb = (r - y) * 11682 + middle >> _YCC, (b - y) * 9241 + middle >> _YCC
    return np.stack([y, cr.clip(0, 255), cb.clip(0, 255)]).astype(np.uint8)


def from_ycrcb(image: Pixels) -> Pixels:
    """Return blue, green and red."""
    y, cr, cb = image.astype(np.int32)
    cr, cb = cr - 128, cb - 128
    b = y + (cb * 29049 + _HALF >> _YCC)
    g = y + (cb * -5636 + cr * -11698 + _HALF >> _YCC)
    r = y + (cr * 22987 + _HALF >> _YCC)
    return np.stack([b, g, r]).clip(0, 255).astype(np.uint8)


def to_lab(image: Pixels) -> npt.NDArray[np.float32]:
    """Return L* (0 … 100), a* and b* of sRGB under daylight, D65, as floats."""
    x = image[::-1] / 255  # R, G, B
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    xyz = np.tensordot(_XYZ, linear, 1) / _WHITE[:, None, None]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), xyz * (841 / 108) + 4 / 29)
    lab = [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]
    return np.stack(lab).astype(np.float32)


_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_WHITE = np.array([0.950456, 1.0, 1.088754])

import colorsys

import numpy as np
import pytest

from netcfg.layers.detectnet_changes import (
    resize_cubic,
    rotated,
    turn,
    turned_hue,
    turned_size,
)

IMAGE = np.random.default_rng(0).uniform(0, 255, (3, 5, 7))


@pytest.mark.parametrize(("degrees", "share"), [(0, 1), (40, 1), (-75, 0.5), (180, 0)])
def test_hue_and_saturation(degrees, share):
    got = turned_hue(IMAGE, degrees, share)
    for i, j in np.ndindex(5, 7):
        b, g, r = IMAGE[:, i, j]
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        want = colorsys.hsv_to_rgb((h + degrees / 360) % 1, s * share, v)
        np.testing.assert_allclose(got[::-1, i, j], want)


def test_gray_has_no_hue():
    gray = np.broadcast_to(IMAGE[:1], IMAGE.shape)
    np.testing.assert_array_equal(turned_hue(gray, 90, 0.3), gray)


def cubic(d):
    d, a = abs(d), -0.75
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0


def test_cubic_interpolation():
    y = resize_cubic(IMAGE, 8, 3)
    for i, j in np.ndindex(8, 3):
        v, u = (i + 0.5) * 5 / 8 - 0.5, (j + 0.5) * 7 / 3 - 0.5
        want = sum(
            cubic(v - p) * cubic(u - q) * IMAGE[:, min(max(p, 0), 4), min(max(q, 0), 6)]
            for p in range(-3, 9)
            for q in range(-3, 11)
        )
        np.testing.assert_allclose(y[:, i, j], want)
    np.testing.assert_allclose(resize_cubic(IMAGE, 5, 7), IMAGE)


def test_quarter_turns():
    assert turned_size((5, 7), 0) == (5, 7)
    got = rotated(IMAGE, 90)[:, :7, :5]
    # Clockwise: the top row becomes the last column.
    np.testing.assert_allclose(got[:, :, -1], IMAGE[:, 0], atol=1e-9)
    points = np.array([[0.0, 0], [7, 0], [7, 5]])
    height, width = turned_size((5, 7), 90)
    np.testing.assert_allclose(
        turn(points, (5, 7), 90) - [(width - 5) / 2, (height - 7) / 2],
        [[5, 0], [5, 7], [0, 7]],
        atol=1e-9,
    )


def test_a_turn_moves_pixels_as_it_moves_points():
    image = np.zeros((1, 21, 31))
    image[0, 4, 22] = 1
    y = rotated(image, 30)[0]
    assert y.shape == turned_size((21, 31), 30)
    assert y.sum() == pytest.approx(1, abs=0.2)
    rows, columns = np.mgrid[: y.shape[0], : y.shape[1]] + 0.5
    middle = (columns * y).sum() / y.sum(), (rows * y).sum() / y.sum()
    want = turn(np.array([[22.5, 4.5]]), (21, 31), 30)[0]
    np.testing.assert_allclose(middle, want, atol=0.2)


def test_the_box_around_a_turned_image():
    corners = turn(np.array([[0.0, 0], [31, 0], [0, 21], [31, 21]]), (21, 31), 20)
    height, width = turned_size((21, 31), 20)
    assert corners.min() >= 0
    assert (corners.max(axis=0) <= [width, height]).all()
    assert (np.ptp(corners, axis=0) > [width - 1, height - 1]).all()

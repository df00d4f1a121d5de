"""Random sizes and shapes as NVCaffe and Intel Caffe draw them."""

import numpy as np
import pytest

from netcfg.data.random_size import RandomSize
from netcfg.errors import NetError
from netcfg.io.image import resize_image
from tests.data.test_augment import config

# Each pixel says where it stands, so that a part can be told from its pixels.
IMAGE = np.stack([*np.mgrid[:60, :80], np.zeros((60, 80), int)]).astype(np.uint8)


def drawn(text: str, count: int = 200) -> list[np.ndarray]:
    change, rng = RandomSize(config(f"crop_size: 20 {text}")), np.random.default_rng(2)
    return [change(IMAGE, rng) for _ in range(count)]


def test_the_shorter_side_has_a_random_length() -> None:
    found = drawn("random_resize_param { min_size: 30 max_size: 33 }")
    assert {image.shape for image in found} == {(3, n, int(n * 4 / 3)) for n in range(30, 34)}
    np.testing.assert_array_equal(found[0], resize_image(IMAGE, *found[0].shape[1:]))
    own = {image.shape[1] for image in drawn("random_resize_param { }", 400)}
    assert {min(own), max(own)} == {60, 80}


def test_nvcaffe_resizes_and_stretches() -> None:
    found = drawn("img_rand_resize_lower: 30 img_rand_resize_upper: 33")
    assert {image.shape for image in found} == {(3, n, int(n * 4 / 3 + 0.5)) for n in range(30, 34)}
    rows, columns = (
        np.arange(n) * o // n for n, o in zip(found[0].shape[1:], (60, 80), strict=True)
    )
    np.testing.assert_array_equal(found[0], IMAGE[:, rows[:, None], columns])
    text = "img_rand_resize_lower: 30 img_rand_resize_upper: 30 "
    ratios = "rand_resize_ratio_lower: 1 rand_resize_ratio_upper: 2"
    wide = {image.shape[1:] for image in drawn(text + ratios)}
    assert {height for height, _ in wide} == {30}
    assert min(w for _, w in wide) <= 31
    assert max(w for _, w in wide) >= 58
    stretched = "vertical_stretch_lower: 0.5 vertical_stretch_upper: 1.5 "
    tall = {image.shape[1:] for image in drawn(text + stretched)}
    assert {width for _, width in tall} == {40}
    assert 20 <= min(h for h, _ in tall) <= 22  # not below crop_size
    assert 43 <= max(h for h, _ in tall) <= 45
    wide = {i.shape[1:] for i in drawn("horizontal_stretch_lower: 0.1 horizontal_stretch_upper: 1")}
    assert min(w for _, w in wide) == 20


def test_images_grow_only_where_they_may() -> None:
    text = "img_rand_resize_lower: 90 img_rand_resize_upper: 90 "
    assert drawn(text, 1)[0].shape == (3, 60, 80)
    (grown,) = drawn(text + "allow_upscale: true interpolation_algo_up: INTER_LINEAR", 1)
    np.testing.assert_array_equal(grown, resize_image(IMAGE, 90, 120))


def extent(image: np.ndarray) -> tuple[int, int]:
    """Return about how many rows and columns of ``IMAGE`` are shown."""
    rows, columns = (int(image[i].max()) - int(image[i].min()) + 1 for i in (0, 1))
    return rows, columns


def test_parts_have_an_area_and_a_shape() -> None:
    text = """random_aspect_ratio_param { min_area_ratio: 0.1 max_area_ratio: 0.4
        aspect_ratio_change: 0.75 max_attempt: 50 resize_param { interp_mode: NEAREST } }"""
    found = drawn(text)
    assert {image.shape for image in found} == {(3, 20, 20)}
    # Of n rows in 20, the last shown is the last or one of the few before it.
    shares = [rows * columns / 4800 for rows, columns in map(extent, found)]
    ratios = [rows / columns for rows, columns in map(extent, found)]
    assert 0.08 < min(shares) < 0.13
    assert 0.34 < max(shares) < 0.42
    assert 0.53 < min(ratios) < 0.7
    assert 1.4 < max(ratios) < 1.9
    assert len({int(image[0].min()) for image in found}) > 20


def test_where_no_part_fits_the_image_is_resized() -> None:
    text = """random_aspect_ratio_param { min_area_ratio: 3 max_area_ratio: 4
        aspect_ratio_change: 1 }"""
    np.testing.assert_array_equal(drawn(text, 1)[0], resize_image(IMAGE, 20, 26))


def test_the_size_comes_first() -> None:
    text = """random_resize_param { min_size: 20 max_size: 20 } random_aspect_ratio_param {
        min_area_ratio: 4 max_area_ratio: 4 max_attempt: 0 }"""
    np.testing.assert_array_equal(drawn(text, 1)[0], resize_image(IMAGE, 20, 26))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("random_resize_param { }", "random_aspect_ratio_param need crop_size"),
        (
            "crop_size: 8 random_resize_param { min_size: 9 max_size: 8 }",
            "min_size must not exceed max_size; given 9 and 8",
        ),
        (
            "crop_size: 8 random_aspect_ratio_param { min_area_ratio: 2 }",
            "0 < min_area_ratio <= max_area_ratio must hold; given 2 and 1",
        ),
        ("img_rand_resize_lower: 9", "go together, the lower first; given 9 and 0"),
        (
            "crop_size: 8 random_aspect_ratio_param { aspect_ratio_change: 0 }",
            "aspect_ratio_change must be positive; given 0",
        ),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        RandomSize(config(text))

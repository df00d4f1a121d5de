"""Boxes and masks on pictures."""

import numpy as np
import pytest
from PIL import Image

from netcfg.vision.annotate import color_of, draw_boxes, mask_image, overlay, voc_palette
from netcfg.vision.detector import Box, Detection


def test_boxes_have_the_colour_of_their_class() -> None:
    picture = Image.new("L", (200, 200), 128)
    boxes = (Box(1, "cat", 0.9, (20, 40, 120, 140)), Box(2, "dog", 0.5, (150, 60, 190, 90)))
    pixels = np.asarray(draw_boxes(picture, Detection(200, 200, boxes)))
    assert tuple(pixels[100, 20]) == tuple(pixels[140, 60]) == color_of(1)
    assert tuple(pixels[75, 190]) == color_of(2)
    assert tuple(pixels[100, 60]) == (128, 128, 128)
    label = pixels[28:40, 20:60].reshape(-1, 3)
    assert (label == color_of(1)).all(axis=1).mean() > 0.3  # its name stands on its colour
    assert (label != color_of(1)).any()
    assert np.asarray(picture).max() == 128


@pytest.mark.parametrize("corners", [(0, 0, 5, 5), (190, 195, 200, 200), (50, 0, 50, 0)])
def test_names_at_the_edges_stay_within(corners: tuple[float, float, float, float]) -> None:
    found = Detection(200, 200, (Box(3, "a name", 0.5, corners),))
    pixels = np.asarray(draw_boxes(Image.new("RGB", (200, 200)), found))
    filled = (pixels == color_of(3)).all(axis=2)
    assert filled.sum() > 200
    assert filled.any(axis=0).sum() > 30  # the whole name


def test_colours_of_neighbours_differ() -> None:
    colors = np.array([color_of(k) for k in range(1, 22)], float)
    apart = np.abs(colors[1:] - colors[:-1]).max(axis=1)
    assert apart.min() > 60
    assert len({color_of(k) for k in range(1, 22)}) == 21


def test_the_palette_of_pascal_voc() -> None:
    palette = np.array(voc_palette()).reshape(256, 3).tolist()
    assert palette[:4] == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert palette[15] == [192, 128, 128]  # person
    assert palette[20] == [0, 64, 128]  # monitor
    assert palette[255] == [224, 224, 192]  # void


def test_masks() -> None:
    mask = np.array([[0, 1], [15, 255]], np.uint16)
    image = mask_image(mask)
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image), mask)
    assert image.convert("RGB").getpixel((0, 1)) == (192, 128, 128)
    large = mask_image(np.array([[300]], np.uint16))
    assert np.asarray(large).tolist() == [[300]]


def test_overlays_leave_the_background() -> None:
    picture = Image.new("RGB", (2, 1), (100, 100, 100))
    pixels = np.asarray(overlay(picture, np.array([[0, 1]], np.uint16)))
    assert pixels.tolist() == [[[100, 100, 100], [114, 50, 50]]]

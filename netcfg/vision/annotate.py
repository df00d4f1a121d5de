"""Pictures with what was found in them: boxes with names, and masks in colours."""

import colorsys
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from netcfg.vision.detector import Box, Detection
from netcfg.vision.pictures import Picture
from netcfg.vision.segmenter import Mask

Color: TypeAlias = tuple[int, int, int]

GOLDEN = 0.618034
"""Hues that lie this far apart on the circle stay distinct for many classes."""

OPACITY = 0.5


def color_of(label: int) -> Color:
    """Return the colour of a class: bright, and unlike those of its neighbours."""
    r, g, b = colorsys.hsv_to_rgb((0.02 + GOLDEN * label) % 1, 0.85, 0.95)
    return round(255 * r), round(255 * g), round(255 * b)


def draw_boxes(picture: Picture, found: Detection) -> Image.Image:
    """Return a picture with its boxes, the best on top."""
    image = picture.convert("RGB")
    canvas = ImageDraw.Draw(image)
    side = max(image.size)
    font = ImageFont.load_default(max(10, side // 70))
    for box in reversed(found.boxes):
        canvas.rectangle(box.corners, outline=color_of(box.label), width=max(1, side // 400))
    for box in reversed(found.boxes):
        _draw_name(canvas, box, font)
    return image


def _draw_name(
    canvas: ImageDraw.ImageDraw, box: Box, font: "ImageFont.FreeTypeFont | ImageFont.ImageFont"
) -> None:
    color = color_of(box.label)
    x1, y1, *_ = box.corners
    text = f" {box.name} {box.score:.2f} "
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
    height = bottom + top / 2  # as much room below the letters as above
    x = max(0, min(x1, canvas.im.size[0] - right))
    y = y1 - height if y1 >= height else y1
    canvas.rectangle((x, y, x + right - left, y + height), fill=color)
    dark = sum(c * w for c, w in zip(color, (0.299, 0.587, 0.114), strict=True)) < 140
    canvas.text((x, y), text, fill="white" if dark else "black", font=font)


def voc_palette() -> list[int]:
    """Return the 256 colours of PASCAL VOC's masks, R, G, B of each.

    Bit 3 i + c of a class becomes bit 7 - i of its channel c.

    >>> voc_palette()[:9]
    [0, 0, 0, 128, 0, 0, 0, 128, 0]
    """
    return [
        sum((k >> (3 * i + c) & 1) << (7 - i) for i in range(8))
        for k in range(256)
        for c in range(3)
    ]


def mask_image(mask: Mask) -> Image.Image:
    """Return a mask as an image whose pixels are classes: of a palette, or 16-bit above 256."""
    if mask.max(initial=0) > 255:
        return Image.fromarray(mask)
    image = Image.fromarray(mask.astype(np.uint8))
    image.putpalette(voc_palette())
    return image


def overlay(picture: Picture, mask: Mask) -> Image.Image:
    """Return a picture under the colours of its mask; class 0, the background, stays as it is."""
    colors = np.array(voc_palette(), np.uint8).reshape(256, 3)[mask % 256]
    image = np.asarray(picture.convert("RGB"))
    mixed = (image * (1 - OPACITY) + colors * OPACITY).astype(np.uint8)
    return Image.fromarray(np.where((mask == 0)[:, :, None], image, mixed))

"""Pictures of every kind come out as 8-bit RGB or grey."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.datum import encode_datum
from netcfg.errors import DataError
from netcfg.netcfg_pb2 import AnnotatedDatum, Datum
from netcfg.vision.pictures import (
    datum_picture,
    decode_picture,
    picture_of,
    pixels_of,
    read_picture,
)
from tests.shared import shared

RED = (255, 0, 0)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixel(data: bytes) -> object:
    return decode_picture(data).getpixel((0, 0))


@pytest.mark.parametrize(
    ("image", "mode", "first"),
    [
        (Image.new("RGB", (2, 3), RED), "RGB", RED),
        (Image.new("L", (2, 3), 7), "L", 7),
        (Image.new("1", (2, 3), 1), "L", 255),
        (Image.new("P", (2, 3), 0), "RGB", (0, 0, 0)),
        (Image.new("RGBA", (2, 3), (*RED, 0)), "RGB", (255, 255, 255)),
        (Image.new("RGBA", (2, 3), (0, 0, 0, 51)), "RGB", (204, 204, 204)),
        (Image.new("LA", (2, 3), (0, 0)), "L", 255),
        (Image.fromarray(np.full((3, 2), 0x1234, np.uint16)), "L", 0x12),
    ],
    ids=lambda value: getattr(value, "mode", str(value)),
)
def test_modes(image: Image.Image, mode: str, first: object) -> None:
    picture = decode_picture(encoded(image))
    assert (picture.mode, picture.size, picture.getpixel((0, 0))) == (mode, (2, 3), first)


def test_a_transparent_palette_lies_on_white() -> None:
    image = Image.new("P", (2, 2), 0)
    image.putpalette([0, 0, 0, *RED])
    image.putpixel((1, 1), 1)
    picture = decode_picture(encoded(image, transparency=0))
    assert [picture.getpixel((i, i)) for i in (0, 1)] == [(255, 255, 255), RED]


def test_cmyk() -> None:
    data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    r, g, b = pixel(data)
    assert r > 200
    assert max(g, b) < 60


def test_of_an_animation_the_first_picture_counts() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, (0, 255, 0))]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixel(data) == RED


def test_orientations_of_cameras_are_applied() -> None:
    folder = shared("data/images/exif")
    plain = np.asarray(read_picture(folder / "Landscape_1.jpg"), float)
    assert plain.shape == (1200, 1800, 3)
    for k in range(2, 9):
        turned = np.asarray(read_picture(folder / f"Landscape_{k}.jpg"), float)
        assert turned.shape == plain.shape
        assert np.abs(turned[::8, ::8].mean(2) - plain[::8, ::8].mean(2)).mean() < 12, k


def test_orientation_of_a_small_file() -> None:
    image = Image.new("RGB", (4, 2))
    image.putpixel((0, 0), RED)
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right
    picture = decode_picture(encoded(image, exif=exif))
    assert picture.size == (2, 4)
    assert picture.getpixel((1, 0)) == RED


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"text", "no picture of a known format (JPEG, PNG"),
        (encoded(Image.new("RGB", (64, 64)), "JPEG")[:300], "damaged"),
        (encoded(Image.new("F", (2, 2)), "TIFF"), "floating point"),
    ],
)
def test_what_is_no_picture(data: bytes, words: str) -> None:
    with pytest.raises(DataError) as error:
        decode_picture(data)
    assert words in str(error.value)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No such file"):
        read_picture(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"cannot be read"):
        read_picture("a\0b.png")


def test_arrays_and_images() -> None:
    array = np.zeros((2, 3, 3), np.uint8)
    array[:, :, 0] = 255
    assert picture_of(array).getpixel((0, 0)) == RED
    assert picture_of(array[:, ::-1]).size == (3, 2)
    assert picture_of(np.full((2, 3, 1), 9, np.uint8)).getpixel((0, 0)) == 9
    assert picture_of(np.zeros((2, 3, 4), np.uint8)).getpixel((0, 0)) == (255, 255, 255)
    given = Image.new("P", (2, 2))
    assert picture_of(given).mode == "RGB"
    assert given.mode == "P"
    for wrong in (np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros(4, np.uint8)):
        with pytest.raises(DataError, match=r"must be uint8 of shape"):
            picture_of(wrong)
    with pytest.raises(DataError, match=r"must hold pixels"):
        picture_of(np.zeros((0, 2), np.uint8))


def test_records_of_databases() -> None:
    bgr = np.zeros((3, 2, 4), np.uint8)
    bgr[2] = 255
    assert datum_picture(encode_datum(bgr)).getpixel((0, 0)) == RED
    assert datum_picture(encode_datum(bgr[:1])).getpixel((0, 0)) == 0
    data = encoded(Image.new("RGB", (2, 2), RED))
    value = Datum(encoded=True, data=data).SerializeToString()
    assert datum_picture(value).getpixel((0, 0)) == RED
    with pytest.raises(DataError, match=r"bytes of 1 or 3 channels"):
        datum_picture(encode_datum(np.zeros((2, 2, 2), np.uint8)))
    with pytest.raises(DataError, match=r"bytes of 1 or 3 channels; given float32"):
        datum_picture(encode_datum(np.zeros((3, 2, 2), np.float32)))
    with pytest.raises(DataError, match=r"no Datum"):
        datum_picture(b"\xff\xff")


def test_records_with_annotations() -> None:
    bgr = np.zeros((3, 2, 2), np.uint8)
    bgr[2] = 255
    record = AnnotatedDatum(datum=Datum.FromString(encode_datum(bgr)))
    record.annotation_group.add(group_label=1).annotation.add()
    assert datum_picture(record.SerializeToString()).getpixel((0, 0)) == RED
    file = Datum(data=encoded(Image.new("RGB", (2, 2), RED)), encoded=True)
    assert datum_picture(AnnotatedDatum(datum=file).SerializeToString()).getpixel((0, 0)) == RED


def test_channels() -> None:
    red = Image.new("RGB", (4, 2), RED)
    assert pixels_of(red, "BGR")[:, 0, 0].tolist() == [0, 0, 255]
    assert pixels_of(red, "RGB")[:, 0, 0].tolist() == [255, 0, 0]
    assert pixels_of(red, "GREY").shape == (1, 2, 4)
    assert pixels_of(red, "GREY")[0, 0, 0] == 76
    grey = Image.new("L", (4, 2), 9)
    assert pixels_of(grey, "BGR")[:, 1, 3].tolist() == [9, 9, 9]
    assert pixels_of(grey, "GREY")[0, 1, 3] == 9

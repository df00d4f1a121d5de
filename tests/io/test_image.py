import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.errors import DataError
from netcfg.io.image import (
    ENCODINGS,
    decode_image,
    encode_image,
    read_image,
    resize_image,
    to_gray,
)
from tests.data.databases import encoded, images


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_colors_are_blue_green_red() -> None:
    red = Image.new("RGB", (3, 2), (200, 100, 50))
    image = decode_image(saved(red))
    assert image.shape == (3, 2, 3)
    assert image[:, 0, 0].tolist() == [50, 100, 200]


def test_png_is_exact() -> None:
    image = images(1)[0]
    assert np.array_equal(decode_image(encoded(image)), image)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ENCODINGS)
def test_encoded_images_come_back(kind: str, channels: int) -> None:
    image = np.full((channels, 8, 9), 60, np.uint8)
    image[-1] = 180  # red
    data = encode_image(image, kind)
    with Image.open(BytesIO(data)) as header:
        assert header.format == ENCODINGS[kind]
    lossy = ENCODINGS[kind] in ("JPEG", "WEBP")
    decoded = decode_image(data, channels == 3)
    assert np.abs(decoded.astype(int) - image).max() <= (3 if lossy else 0)


def test_quality_decides_about_size() -> None:
    image = images(1, (3, 32, 32))[0]
    assert len(encode_image(image, "jpg", 10)) < len(encode_image(image, "jpg"))


def test_gray_files() -> None:
    image = images(1, (1, 4, 5))[0]
    assert np.array_equal(decode_image(encoded(image)), image)
    assert np.array_equal(decode_image(encoded(image), False), image)
    assert np.array_equal(decode_image(encoded(image), True), np.repeat(image, 3, 0))


def test_gray_of_a_png_is_cut_and_of_others_rounded() -> None:
    image = images(1, (3, 40, 40))[0]
    b, g, r = image.astype(float)
    luma = 0.114 * b + 0.587 * g + 0.299 * r
    png = decode_image(encoded(image), False)[0]
    bmp = decode_image(encoded(image, "BMP"), False)[0]
    assert np.abs(png - luma).max() < 1.01
    assert (png <= luma + 0.01).all()
    assert np.abs(bmp - luma).max() < 0.51
    assert np.array_equal(to_gray(image)[0], bmp)


def test_gray_of_a_jpeg_is_its_luma() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    data = saved(Image.fromarray(pixels), "JPEG", quality=95)
    with Image.open(BytesIO(data)) as image:
        image.draft("YCbCr", None)
        luma = np.asarray(image)[:, :, 0]
    assert np.array_equal(decode_image(data, False)[0], luma)


def test_alpha_is_kept_only_as_stored() -> None:
    data = saved(Image.new("RGBA", (2, 2), (10, 20, 30, 0)))
    assert decode_image(data)[:, 0, 0].tolist() == [30, 20, 10, 0]
    assert decode_image(data, True)[:, 0, 0].tolist() == [30, 20, 10]
    assert decode_image(data, False).shape == (1, 2, 2)
    gray = saved(Image.new("LA", (2, 2), (7, 9)))
    assert decode_image(gray)[:, 0, 0].tolist() == [7, 7, 7, 9]
    assert decode_image(gray, False)[:, 0, 0].tolist() == [7]


def test_palettes() -> None:
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert decode_image(saved(image))[:, 0, 0].tolist() == [30, 20, 10]
    seen_through = saved(image, transparency=bytes([255, 128]))
    assert decode_image(seen_through)[:, 0, 0].tolist() == [30, 20, 10, 128]
    assert decode_image(seen_through, True)[:, 0, 0].tolist() == [30, 20, 10]


def test_sixteen_bits_keep_their_high_byte() -> None:
    data = saved(Image.fromarray(np.array([[0x1234, 0xFF00]], np.uint16)))
    assert decode_image(data, False)[0].tolist() == [[0x12, 0xFF]]
    assert decode_image(data, True).shape == (3, 1, 2)
    with pytest.raises(DataError, match="16 bits per channel; force_color or force_gray"):
        decode_image(data)


def test_floating_point_images_are_refused() -> None:
    with pytest.raises(DataError, match="floating point"):
        decode_image(saved(Image.new("F", (2, 2)), "TIFF"))


def test_orientation_tags_are_not_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    data = saved(Image.new("RGB", (3, 2)), "JPEG", exif=exif)
    assert decode_image(data).shape == (3, 2, 3)


def test_damaged_images() -> None:
    data = encoded(images(1, (3, 50, 50))[0])
    with pytest.raises(DataError, match="damaged image: "):
        decode_image(data[: len(data) // 2])
    with pytest.raises(DataError, match="no image of a known format"):
        decode_image(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    with pytest.raises(DataError, match="no image of a known format"):
        decode_image(b"")


def test_a_declared_size_is_not_believed() -> None:
    """A file of 58 bytes that declares 60000 x 60000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x")
    with pytest.raises(DataError, match="damaged image"):
        decode_image(data)


def test_reading_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a b.png"
    with pytest.raises(DataError, match=r"cannot read image '.*a b\.png': No such file"):
        read_image(path)
    path.write_bytes(b"text")
    with pytest.raises(DataError, match=r"cannot read image '.*a b\.png': no image"):
        read_image(path)
    image = images(1)[0]
    path.write_bytes(encoded(image))
    assert np.array_equal(read_image(path), image)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize by the definition, point by point."""

    def at(i: int, new: int, old: int) -> tuple[int, int, float]:
        place = min(max((i + 0.5) * old / new - 0.5, 0), old - 1)
        first = int(place)
        return first, min(first + 1, old - 1), place - first

    out = np.zeros((len(image), height, width))
    for y in range(height):
        y0, y1, fy = at(y, height, image.shape[1])
        for x in range(width):
            x0, x1, fx = at(x, width, image.shape[2])
            upper = image[:, y0, x0] * (1 - fx) + image[:, y0, x1] * fx
            lower = image[:, y1, x0] * (1 - fx) + image[:, y1, x1] * fx
            out[:, y, x] = upper * (1 - fy) + lower * fy
    return out


@pytest.mark.parametrize("size", [(6, 5), (3, 2), (13, 17), (1, 1), (6, 9), (5, 5)])
def test_resize(size: tuple[int, int]) -> None:
    image = images(1)[0]
    want = resized(image.astype(float), *size)
    got = resize_image(image, *size)
    assert got.dtype == np.uint8
    assert np.abs(got - want).max() <= 1
    exact = resize_image(image.astype(np.float32), *size)
    assert exact.dtype == np.float32
    assert np.allclose(exact, want, atol=1e-3)


def test_resize_to_the_same_size_returns_the_image() -> None:
    image = images(1)[0]
    assert resize_image(image, 6, 5) is image


def test_resize_keeps_flat_images_flat() -> None:
    image = np.full((3, 7, 9), 255, np.uint8)
    assert (resize_image(image, 13, 4) == 255).all()


def test_colours_of_a_pixel_lie_side_by_side() -> None:
    image = decode_image(encoded(images(1)[0]))
    assert image.transpose(1, 2, 0).flags.c_contiguous


def jpeg(height: int, width: int) -> bytes:
    return encode_image(np.full((3, height, width), 90, np.uint8), "jpg")


@pytest.mark.parametrize(
    ("draft", "size"),
    [((64, 48), (64, 48)), ((33, 20), (64, 48)), ((32, 24), (32, 24)), ((5, 5), (8, 6))],
)
def test_a_draft_is_no_smaller_than_asked_for(
    draft: tuple[int, int], size: tuple[int, int]
) -> None:
    image = decode_image(jpeg(64, 48), True, draft)
    assert image.shape == (3, *size)
    assert np.abs(image.astype(int) - 90).max() <= 2
    assert decode_image(jpeg(64, 48), True).shape == (3, 64, 48)


def test_a_draft_of_gray_and_of_other_formats(tmp_path: Path) -> None:
    assert decode_image(jpeg(64, 48), False, (8, 8)).shape == (1, 16, 12)
    assert decode_image(encoded(images(1, (3, 16, 16))[0]), True, (2, 2)).shape == (3, 16, 16)
    (tmp_path / "a.jpg").write_bytes(jpeg(64, 48))
    assert read_image(tmp_path / "a.jpg", True, (8, 8)).shape == (3, 16, 12)


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("size", [(3, 4), (20, 31), (13, 5), (40, 60)])
def test_resize_gives_the_same_for_every_layout(channels: int, size: tuple[int, int]) -> None:
    image = images(1, (channels, 13, 17))[0]
    want = np.stack([resize_image(plane, *size) for plane in image])
    beside = np.ascontiguousarray(image.transpose(1, 2, 0)).transpose(2, 0, 1)
    assert np.array_equal(resize_image(image, *size), want)
    resized = resize_image(beside, *size)
    assert np.array_equal(resized, want)
    assert resized.strides[0] == 1
    assert np.array_equal(resize_image(beside[::-1], *size), want[::-1])
    part = resize_image(beside[:, 2:9, 3:], *size)
    assert np.array_equal(part, resize_image(image[:, 2:9, 3:].copy(), *size))

"""Draw circles, squares and triangles on photographs, for detectors; nothing is downloaded.

    python data_scripts/get_shapes.py [--photos FOLDER] [--out data/shapes]

2 000 images of 96 x 96 pixels for training and 400 for testing, with one to four shapes each, as
LMDBs of AnnotatedDatum records, and the label map. Backgrounds are parts of the photographs below
FOLDER, of which every fifth is for testing; without any, gradients and noise.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from dataset import arguments, is_built, run
from PIL import Image, ImageDraw
from tqdm import tqdm

from netcfg.data.annotated import encode_annotated
from netcfg.data.write import write_lmdb
from netcfg.errors import NetError
from netcfg.io.files import write_whole
from netcfg.io.image import FORMATS, UNREADABLE, encode_image, resize_image
from netcfg.netcfg_pb2 import Datum

COUNTS = {"train": 2000, "test": 400}
CLASSES = ("background", "circle", "square", "triangle")
SIZE = 96
LEAST, MOST = 18, 56
"""Edges of shapes, in pixels."""

EVERY = 5
"""One photograph in so many is for testing."""

LONGEST = 400
"""Photographs are made as small as this before parts are cut out."""

Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]


def main() -> None:
    """Build what is missing."""
    parser = arguments(__doc__ or "", "data/shapes")
    parser.add_argument(
        "--photos", type=Path, metavar="FOLDER", help="photographs to draw on, in any subfolder"
    )
    args = parser.parse_args()
    missing = [s for s, n in COUNTS.items() if not is_built(args.out / s, n, args.force)]
    photos = read_photos(args.photos) if args.photos and missing else []
    for name in missing:
        mine = [p for i, p in enumerate(photos) if (i % EVERY == 0) == (name == "test")]
        records = make_records(COUNTS[name], list(COUNTS).index(name), mine or photos)
        bar = tqdm(records, str(args.out / name), COUNTS[name], unit=" records")
        print(f"{args.out / name}: wrote {write_lmdb(args.out / name, bar)} records")
    with write_whole(args.out / "labelmap.prototxt") as file:
        for label, title in enumerate(CLASSES):
            file.write(f'item {{ name: "{title}" label: {label} }}\n'.encode())


def read_photos(folder: Path) -> list[Pixels]:
    """Return all images of a folder, (3, H, W).

    Raises:
        NetError: there is none.
    """
    photos: list[Pixels] = []
    for path in sorted(folder.rglob("*")):
        try:
            with Image.open(path, formats=FORMATS) as image:
                rgb = image.convert("RGB")
        except UNREADABLE:
            continue  # folders and other files
        rgb.thumbnail((LONGEST, LONGEST))
        if min(rgb.size) >= SIZE:
            photos.append(np.asarray(rgb)[:, :, ::-1].transpose(2, 0, 1))
    if not photos:
        raise NetError(f"'{folder}' holds no images of at least {SIZE} x {SIZE} pixels")
    return photos


def make_records(count: int, part: int, photos: list[Pixels]) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and AnnotatedDatum records, of which each depends on its number alone."""
    for i in range(count):
        image, objects = draw(np.random.default_rng([part, i]), photos)
        data = encode_image(image, "jpg", 90)
        datum = Datum(data=data, encoded=True, channels=3, height=SIZE, width=SIZE)
        yield b"%08d" % i, encode_annotated(datum, objects)


def draw(rng: np.random.Generator, photos: list[Pixels]) -> tuple[Pixels, npt.NDArray[np.float32]]:
    """Return an image and its objects: class, instance, corners as shares, and 0 for easy."""
    ground = cut(rng, photos) if photos else gradient(rng)
    image = Image.fromarray(np.ascontiguousarray(ground.transpose(1, 2, 0)))
    pen = ImageDraw.Draw(image)
    boxes: list[Box] = []
    rows: list[list[float]] = []
    for _ in range(int(rng.integers(1, 5))):
        edge = rng.uniform(LEAST, MOST)
        middle = rng.uniform(edge / 2, SIZE - edge / 2, size=2)
        box = outline(pen, rng, label := int(rng.integers(1, 4)), middle, edge, boxes)
        if box is not None:
            instance = sum(row[0] == label for row in rows)
            boxes.append(box)
            rows.append([label, instance, *(v / SIZE for v in box), 0])
    pixels = np.asarray(image).transpose(2, 0, 1)
    return pixels, np.array(rows, np.float32).reshape(-1, 7)


def outline(
    pen: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    label: int,
    middle: npt.NDArray[np.float64],
    edge: float,
    others: list[Box],
) -> Box | None:
    """Draw a shape and return the box around it; None where it would touch another one."""
    corners = {1: 60, 2: 4, 3: 3}[label]
    turn = rng.uniform(-np.pi / 8, np.pi / 8) + (np.pi / 4 if label == 2 else -np.pi / 2)
    angles = turn + np.arange(corners) * (2 * np.pi / corners)
    points = middle + edge / 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    colour = tuple(int(v) for v in rng.integers(0, 256, 3))
    for a, b, c, d in others:
        if left < c and right > a and top < d and bottom > b:
            return None
    pen.polygon([(float(x), float(y)) for x, y in points], fill=colour)
    return float(left), float(top), float(right), float(bottom)


def cut(rng: np.random.Generator, photos: list[Pixels]) -> Pixels:
    """Return a random square part of a photograph, (3, SIZE, SIZE)."""
    photo = photos[int(rng.integers(len(photos)))]
    edge = int(rng.integers(SIZE, min(photo.shape[1:]) + 1))
    top, left = (int(rng.integers(n - edge + 1)) for n in photo.shape[1:])
    part: Pixels = resize_image(photo[:, top : top + edge, left : left + edge], SIZE, SIZE)
    return part


def gradient(rng: np.random.Generator) -> Pixels:
    """Return a plane between four random colours in its corners, with noise, (3, SIZE, SIZE)."""
    corners = rng.uniform(0, 255, (3, 2, 2)).astype(np.float32)
    noise = rng.normal(0, rng.uniform(0, 25), (3, SIZE, SIZE))
    pixels: Pixels = (resize_image(corners, SIZE, SIZE) + noise).clip(0, 255).astype(np.uint8)
    return pixels


if __name__ == "__main__":
    run(main)

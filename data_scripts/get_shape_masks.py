"""Draw circles, squares and triangles on photographs, for segmentation; nothing is downloaded.

    python data_scripts/get_shape_masks.py [--photos FOLDER] [--out data/shape_masks]

2 000 images of 96 x 96 pixels for training and 200 for testing, with one to four shapes each, as
JPEG files; for each a PNG of the class of every pixel, with the palette of PASCAL VOC; and lists of
both. Backgrounds are as those of get_shapes.py.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from dataset import arguments, run
from get_shapes import EVERY, LEAST, MOST, SIZE, Pixels, cut, gradient, read_photos
from PIL import Image, ImageDraw
from tqdm import tqdm

from netcfg.io.files import write_whole
from netcfg.io.image import encode_image

COUNTS = {"train": 2000, "test": 200}
CORNERS = {1: 60, 2: 4, 3: 3}
"""Of circles, squares and triangles; 0 is the background."""

PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]

Labels = npt.NDArray[np.uint8]


def main() -> None:
    """Build what is missing."""
    parser = arguments(__doc__ or "", "data/shape_masks")
    parser.add_argument(
        "--photos", type=Path, metavar="FOLDER", help="photographs to draw on, in any subfolder"
    )
    args = parser.parse_args()
    missing = [s for s in COUNTS if args.force or not (args.out / f"{s}.txt").is_file()]
    photos = read_photos(args.photos) if args.photos and missing else []
    for part, (name, count) in enumerate(COUNTS.items()):
        path = args.out / f"{name}.txt"
        if name not in missing:
            print(f"{path}: there already (--force builds it again)")
            continue
        mine = [p for i, p in enumerate(photos) if (i % EVERY == 0) == (name == "test")] or photos
        lines = [
            write(args.out / name, i, *draw(np.random.default_rng([part, i]), mine))
            for i in tqdm(range(count), str(path), unit=" images")
        ]
        with write_whole(path) as file:  # last: where it stands, all images do
            file.write("".join(lines).encode())
        print(f"{path}: wrote {count} images with masks")


def draw(rng: np.random.Generator, photos: list[Pixels]) -> tuple[Pixels, Labels]:
    """Return an image, (3, SIZE, SIZE), and the class of each pixel, (SIZE, SIZE)."""
    image = (cut(rng, photos) if photos else gradient(rng)).astype(np.float32)
    labels = np.zeros((SIZE, SIZE), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        label = int(rng.integers(1, 4))
        inside = shape(rng, CORNERS[label])
        colour = rng.uniform(0, 255, 3)
        grain = rng.normal(0, rng.uniform(0, 15), (3, SIZE, SIZE))
        if labels[inside].any():
            continue  # would hide a part of another one
        labels[inside] = label
        image[:, inside] = colour[:, None] + grain[:, inside]
    return image.clip(0, 255).astype(np.uint8), labels


def shape(rng: np.random.Generator, corners: int) -> npt.NDArray[np.bool_]:
    """Return the pixels of a regular polygon that lies within the image, turned at random."""
    radius = rng.uniform(LEAST, MOST) / 2
    middle = rng.uniform(radius, SIZE - radius, size=2)
    angles = rng.uniform(0, 2 * np.pi) + np.arange(corners) * (2 * np.pi / corners)
    points = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    plane = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(plane).polygon([(float(x), float(y)) for x, y in points], fill=1)
    return np.asarray(plane) > 0


def write(folder: Path, number: int, image: Pixels, labels: Labels) -> str:
    """Write an image and its labels and return their line of the list."""
    jpeg, png = (folder / f"{number:05d}.{kind}" for kind in ("jpg", "png"))
    with write_whole(jpeg) as file:
        file.write(encode_image(image, "jpg", 95))
    palette = Image.fromarray(labels)
    palette.putpalette(PALETTE)
    with write_whole(png) as file:
        palette.save(file, "PNG")
    return f"{jpeg} {png}\n"


if __name__ == "__main__":
    run(main)

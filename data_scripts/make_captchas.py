"""Draw captchas of four to six digits as HDF5 files, for configs/captcha; nothing is fetched.

    python data_scripts/make_captchas.py [--out data/captcha]

10 000 gray images of 32 x 96 pixels for training and 1 000 for testing. Every captcha has a font of
its own: strokes of the digits below, more or less rounded, thick, slanted and wide; every digit its
own size, turn and height. Lines and noise lie over them. ``data`` holds the pixels as bytes,
``label`` the digits, -1 behind the last.
"""

import io
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from dataset import arguments, run
from PIL import Image, ImageDraw
from tqdm import tqdm

from netcfg.io.files import write_whole

COUNTS = {"train": 10000, "test": 1000}
HEIGHT, WIDTH = 32, 96
LEAST, MOST = 4, 6
"""Digits in a captcha."""

FINER = 3
"""Strokes are drawn so many times as large, so that their edges are smooth."""

STROKES = (
    "20 40 48 08 00 20",
    "12 30 38",
    "02 00 40 44 08 08 48",
    "00 40 44 14,24 44 48 08",
    "38 30 05 05 45",
    "40 10 10 03 43 48 08",
    "40 10 04 08 48 43 03",
    "00 40 40 18",
    "24 04 00 40 44 24 44 48 08 04 24",
    "08 38 44 40 00 05 45",
)
"""The digits from 0 to 9: strokes through points, each its column of 0 to 4 and row of 0 to 8."""

Points = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


def main() -> None:
    """Write a file of captchas and a list with its name for each part."""
    args = arguments(__doc__ or "", "data/captcha").parse_args()
    for part, (name, count) in enumerate(COUNTS.items()):
        path = args.out / f"{name}.h5"
        if path.with_suffix(".txt").is_file() and not args.force:
            print(f"{path}: there already (--force builds it again)")
            continue
        data = np.empty((count, 1, HEIGHT, WIDTH), np.uint8)
        label = np.full((count, MOST), -1, np.int8)
        for i in tqdm(range(count), str(path), unit=" captchas"):
            rng = np.random.default_rng([part, i])
            digits = rng.integers(0, 10, int(rng.integers(LEAST, MOST + 1)))
            data[i, 0] = draw(rng, digits)
            label[i, : len(digits)] = digits
        write(path, {"data": data, "label": label})
        print(f"{path}: wrote {count} captchas")


def draw(rng: np.random.Generator, digits: npt.NDArray[np.int64]) -> Pixels:
    """Return a captcha, (HEIGHT, WIDTH)."""
    size = WIDTH * FINER, HEIGHT * FINER
    ink = Image.new("L", size)
    pen = ImageDraw.Draw(ink)
    slant, wide, rounds = rng.uniform(-0.35, 0.35), rng.uniform(0.8, 1.1), int(rng.integers(0, 4))
    thick = int(rng.integers(4, 9))
    pitch = WIDTH * rng.uniform(0.85, 0.97) / max(len(digits), 5)
    left = (WIDTH - pitch * len(digits)) * rng.uniform(0.1, 0.9)
    for i, digit in enumerate(digits):
        height = rng.uniform(15, 22)
        turn = rng.uniform(-0.2, 0.2)
        middle = left + pitch * (i + 0.5), HEIGHT / 2 + rng.uniform(-4, 4)
        cell = wide * min(height / 2, pitch * 0.7)
        shape = [[cell, -slant * cell], [0, height]] @ rotation(turn)
        for stroke in STROKES[digit].split(","):
            points = (np.array([[int(p[0]), int(p[1])] for p in stroke.split()]) - [2, 4]) / [4, 8]
            line(pen, (smooth(points, rounds) @ shape + middle) * FINER, thick)
    for _ in range(int(rng.integers(0, 3))):
        line(pen, rng.uniform(0, 1, (2, 2)) * size, 3)
    share = np.asarray(ink.reduce(FINER)) / 255
    low, high = rng.uniform(0, 90), rng.uniform(165, 255)
    paper, colour = (low, high) if rng.random() < 0.5 else (high, low)
    noise = rng.normal(0, rng.uniform(0, 25), share.shape)
    return (paper + (colour - paper) * share + noise).clip(0, 255).astype(np.uint8)


def smooth(points: Points, rounds: int) -> Points:
    """Return a stroke whose corners are cut ``rounds`` times (Chaikin, 1974); its ends stay."""
    for _ in range(rounds):
        a, b = points[:-1], points[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut[1:-1], points[-1:]])
    return points


def rotation(angle: float) -> Points:
    """Return the matrix that turns rows by an angle in radians."""
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def line(pen: ImageDraw.ImageDraw, points: Points, thick: int) -> None:
    """Draw a line through points."""
    pen.line([(float(x), float(y)) for x, y in points], fill=255, width=thick, joint="curve")


def write(path: Path, datasets: dict[str, npt.NDArray[np.generic]]) -> None:
    """Write the datasets, then the list that names their file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in datasets.items():
            file.create_dataset(name, data=values)
    with write_whole(path) as out:
        out.write(buffer.getbuffer())
    with write_whole(path.with_suffix(".txt")) as out:
        out.write(f"{path}\n".encode())


if __name__ == "__main__":
    run(main)

"""The other side of the benchmark of the data layers reads the same records."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks import data
from benchmarks.data import WORKS, Work
from benchmarks.peers.data_worker import Collate, Endless, Images, Records

RAW, JPEG, FILES = WORKS[1], WORKS[3], WORKS[4]


def dataset(work: Work, folder: Path, **changes: object) -> Records | Images:
    work = replace(work, records=3, **changes)  # type: ignore[arg-type]
    job = work.job(data.make_source(work, folder))
    return Images(job) if job["list"] else Records(job)


def test_raw_records(tmp_path: Path) -> None:
    image, label = dataset(RAW, tmp_path, crop=0, mirror=False)[2]
    assert label == 2
    assert np.array_equal(image, list(data.images(replace(RAW, records=3)))[2])


@pytest.mark.parametrize(
    ("work", "shape"), [(RAW, (3, 28, 28)), (JPEG, (227, 227, 3)), (FILES, (227, 227, 3))]
)
def test_images_are_cropped(work: Work, shape: tuple[int, ...], tmp_path: Path) -> None:
    image, label = dataset(work, tmp_path)[1]
    assert (image.shape, image.dtype, label) == (shape, np.uint8, 1)
    assert np.ptp(image) > 100


def test_drafts_are_smaller(tmp_path: Path) -> None:
    small = dataset(WORKS[6], tmp_path, shape=(3, 64, 64), size=(16, 16), crop=8)
    assert small[0][0].shape == (8, 8, 3)


def test_indices_begin_again() -> None:
    assert list(islice(Endless(3), 7)) == [0, 1, 2, 0, 1, 2, 0]


def test_batches_are_floats_less_the_mean() -> None:
    torch = pytest.importorskip("torch")
    job = {"last": True, "mean": [1, 2, 3], "scale": 2}
    x, labels = Collate(job)([(np.full((4, 5, 3), 7, np.uint8), 1)] * 2)
    assert (x.shape, x.dtype, labels.tolist()) == ((2, 3, 4, 5), torch.float32, [1, 1])
    assert x[0, :, 0, 0].tolist() == [12, 10, 8]

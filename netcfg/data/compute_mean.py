"""The mean image of a data set, as Caffe's ``compute_image_mean`` takes it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.data.database import Database
from netcfg.data.datum import Image
from netcfg.data.mean import Mean
from netcfg.data.ordered import in_order
from netcfg.data.source import Raw
from netcfg.errors import DataError

TOGETHER = 32
"""Records that a thread reads and adds at once."""


def compute_mean(
    database: Database,
    threads: int | None = None,
    on_records: Callable[[int], None] = lambda count: None,
) -> Mean:
    """Return the mean of all images, (C, H, W), pixel by pixel.

    Sums are kept in double precision, in which those of 8-bit images are exact; Caffe's, in single
    precision, are so up to 65,793 images.

    Args:
        database: encoded images are decoded as they are, gray or in color.
        threads: how many read; one for each core where None.
        on_records: told how many records have been added since the last time.

    Raises:
        DataError: a record is damaged, or its shape differs from that of the first; the message
            names it.
    """
    size = database.size
    first = database.read(0, 1)[0]
    total = np.zeros(_image(database, first).shape)

    def add(start: int) -> npt.NDArray[np.float64]:
        part = np.zeros_like(total)
        with database.lend(start, min(TOGETHER, size - start)) as raws:
            for raw in raws:
                image = _image(database, raw)
                if image.shape != total.shape:
                    raise DataError(
                        f"{database.where(raw)}: the image has shape {image.shape}, the first one, "
                        f"of {_key(first)}, {total.shape}; a mean needs equal shapes: convert the "
                        "images again with --resize-width and --resize-height"
                    )
                part += image.astype(np.float64)
        return part

    for i, part in enumerate(in_order(add, range(0, size, TOGETHER), threads)):
        total += part
        on_records(min(TOGETHER, size - i * TOGETHER))
    return (total / size).astype(np.float32)


def channel_means(mean: npt.NDArray[Any]) -> list[float]:
    """Return the mean of each channel, what ``mean_value`` takes.

    >>> channel_means(np.array([[[1.0, 2.0]], [[3.0, 5.0]]]))
    [1.5, 4.0]
    """
    return [float(value) for value in mean.mean(axis=(1, 2), dtype=np.float64)]


def _image(database: Database, raw: Raw) -> Image:
    try:
        return database.decode(raw)[0]
    except DataError as error:
        raise DataError(f"{database.where(raw)}: {error}") from error


def _key(raw: Raw) -> str:
    return f"'{raw[0].decode(errors='backslashreplace')}'"

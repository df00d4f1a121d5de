"""Images to a batch, against the transformation of data layers."""

from typing import Any

import numpy as np
import pytest

from netcfg.data.transform import Transform
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.types import Phase
from tests.engines.cuda.host import HostKernels, channels_last, check


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("mean", ["none", "one", "channel", "image"])
def test_is_transform(kernels: HostKernels, mean: str, planes: bool) -> None:
    rng = np.random.default_rng(0)
    sizes = [(3, 9, 8)] * 3 if mean == "image" else [(3, 9, 8), (3, 5, 6), (3, 7, 11)]
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
    config = TransformationParameter(crop_size=5, mirror=True, scale=0.0625)
    given: Any = None
    if mean in ("one", "channel"):
        config.mean_value.extend([100] if mean == "one" else [90, 100, 110])
        given = kernels.array(list(config.mean_value), kernels.acc)
    picture = rng.integers(0, 256, (3, 9, 8)).astype(np.float32) if mean == "image" else None
    if picture is not None:
        given = kernels.array(picture, kernels.acc)
    transform = Transform(config, Phase.TRAIN, picture)
    numbers = np.random.Philox(1).random_raw(12).reshape(3, 4)
    expected = transform(images, numbers)
    tops, _, lefts, _, turned = zip(*transform.cuts(images, numbers), strict=True)
    assert len(set(turned)) == 2
    y = kernels.empty((3, 3, 5, 5) if planes else (3, 5, 5, 3))
    starts = np.cumsum([0, *(i.size for i in images[:-1])])
    kind = ("none", "one", "channel", "image").index(mean)
    heights, widths = ([size[axis] for size in sizes] for axis in (1, 2))
    kernels.each(
        "transform_images",
        y.size,
        np.concatenate([i.reshape(-1) for i in images]),
        starts.astype(np.int64),
        *(np.array(a, np.int32) for a in (heights, widths, tops, lefts, turned)),
        given,
        y,
        *(3, 3, 5, 5, kind, 0.0625, planes),
    )
    check(kernels, y, expected if planes else channels_last(expected))

"""Regions pooled by kernels, against the layer on NumPy."""

from typing import Any

import numpy as np
import pytest

from netcfg.carried import runs
from netcfg.engines import Engine
from netcfg.engines.cuda.regions import RegionPool
from netcfg.errors import DataError
from netcfg.testing import make_layer, top_shapes
from tests.engines.cuda.fake import engine
from tests.engines.test_base import channels_last, in_order

TEXT = (
    'type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 '
    "pad_ratio: 0.1 }"
)
X = np.random.default_rng(0).permutation(2 * 3 * 6 * 7).reshape(2, 3, 6, 7) / 50 - 2
ROIS = np.array([[0, 0, 0, 13, 11], [1, 4, 2, 9, 3], [0, 12, 10, 13, 11], [1, 1, 1, 2, 2]], float)


def unit_of(e: Engine, rois: Any) -> Any:
    layer = make_layer(TEXT, [X.shape, rois.shape], engine=e)
    top_shapes(layer, [X.shape, rois.shape])
    return runs(layer)


@pytest.mark.parametrize("layout", [in_order, channels_last])
def test_values_and_gradients(layout: Any) -> None:
    dy = np.random.default_rng(1).normal(size=(4, 3, 2, 3))
    wanted = unit_of(Engine(np.float64), ROIS)
    y = wanted.forward(X, ROIS)
    dx, _ = wanted.backward(dy)
    got = unit_of(engine(), ROIS)
    assert isinstance(got, RegionPool)
    found = got.forward(layout(X.astype(np.float32)), ROIS.astype(np.float32))
    np.testing.assert_array_equal(found, y.astype(np.float32))
    np.testing.assert_allclose(got.backward(layout(dy.astype(np.float32)))[0], dx, atol=1e-5)


def test_regions_of_no_image_are_refused_before_a_kernel_reads_them() -> None:
    unit = unit_of(engine(), ROIS)
    rois = ROIS.astype(np.float32)
    rois[1, 0] = 2
    with pytest.raises(DataError, match="region 1 must belong to an image in"):
        unit.forward(X.astype(np.float32), rois)

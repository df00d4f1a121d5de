import math

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layers.roi import rounded
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

ROIS = np.array(
    [
        [0, 0, 0, 31, 31],
        [1, 8, 16, 40, 60],
        [1, 30, 2, 90, 20],
        [0, 17, 9, 17, 9],
        [0, 50, 20, 40, 10],
        [1, 200, 100, 300, 150],
    ],
    float,
)
"""Within the map, reaching past it, of one pixel, turned around, and beside the map."""


def roi(name, layer, fields, x, rois=ROIS, **extra):
    block = "psroi_pooling_param" if layer == "PSROIPooling" else "roi_pooling_param"
    return Case(name, f'type: "{layer}" {block} {{ {fields} }}', (x, rois), extra=extra)


MAX = [
    roi("max", "ROIPooling", "pooled_h: 3 pooled_w: 2 spatial_scale: 0.125", (2, 3, 6, 8)),
    roi("cells without pixels", "ROIPooling", "pooled_h: 7 pooled_w: 7", (2, 2, 5, 4)),
    roi(
        "padded",
        "ROIPooling",
        "pooled_h: 2 pooled_w: 3 spatial_scale: 0.125 pad_ratio: 0.5",
        (2, 2, 6, 8),
    ),
]
ALIGN = [
    roi("align", "ROIAlign", "pooled_h: 3 pooled_w: 2 spatial_scale: 0.125", (2, 3, 6, 8)),
    roi("one row", "ROIAlign", "pooled_h: 2 pooled_w: 2 spatial_scale: 0.1", (2, 1, 1, 5)),
    roi(
        "align padded",
        "ROIAlign",
        "pooled_h: 2 pooled_w: 2 spatial_scale: 0.1 pad_ratio: 0.25",
        (2, 2, 6, 5),
    ),
]
MEAN = [
    roi("mean", "PSROIPooling", "output_dim: 2 group_size: 3 spatial_scale: 0.125", (2, 18, 6, 8)),
    roi("one cell", "PSROIPooling", "output_dim: 3 group_size: 1 spatial_scale: 0.1", (2, 3, 5, 6)),
]
CASES = [*MAX, *ALIGN, *MEAN]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def up(v):
    """Round as C does."""
    return int(math.copysign(math.floor(abs(v) + 0.5), v))


def field(case, name, default=0.0):
    words = case.text.split()
    return float(words[words.index(f"{name}:") + 1]) if f"{name}:" in words else default


def by_cell(case, value):
    """Return the top of a layer that computes each cell by ``value``."""
    x, rois = case.arrays()
    P = int(field(case, "pooled_h") or field(case, "group_size"))
    Q = int(field(case, "pooled_w") or field(case, "group_size"))
    channels = int(field(case, "output_dim")) or x.shape[1]
    y = np.zeros((len(rois), channels, P, Q))
    for r, c, p, q in np.ndindex(y.shape):
        y[r, c, p, q] = value(case, x[int(rois[r, 0])], rois[r, 1:].tolist(), p, q, P, Q, c)
    return y


def padded(case, box):
    ratio = field(case, "pad_ratio")
    w, h = (box[2] - box[0] + 1) * ratio, (box[3] - box[1] + 1) * ratio
    return [box[0] - w, box[1] - h, box[2] + w, box[3] + h]


def largest(case, x, box, p, q, P, Q, c):
    scale = field(case, "spatial_scale", 1.0)
    x1, y1, x2, y2 = (up(v * scale) for v in padded(case, box))
    if field(case, "pad_ratio"):
        x1, y1 = max(x1, 0), max(y1, 0)
    h, w = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
    rows = range(y1 + p * h // P, y1 - (-(p + 1) * h // P))
    columns = range(x1 + q * w // Q, x1 - (-(q + 1) * w // Q))
    found = [
        x[c, i, j] for i in rows for j in columns if 0 <= i < x.shape[1] and 0 <= j < x.shape[2]
    ]
    return max(found, default=0)


def middle(case, x, box, p, q, P, Q, c):
    scale = field(case, "spatial_scale", 1.0)
    x1, y1, x2, y2 = (v * scale for v in padded(case, box))
    x1, y1 = max(x1, 0), max(y1, 0)
    v = min(y1 + (p + 0.5) * max(y2 - y1 + 1, 1) / P, x.shape[1] - 1)
    u = min(x1 + (q + 0.5) * max(x2 - x1 + 1, 1) / Q, x.shape[2] - 1)
    return sum(
        max(0, 1 - abs(v - i)) * max(0, 1 - abs(u - j)) * x[c, i, j]
        for i, j in np.ndindex(x.shape[1:])
    )


def mean(case, x, box, p, q, P, Q, c):
    scale = field(case, "spatial_scale")
    x1, y1 = up(box[0]) * scale, up(box[1]) * scale
    x2, y2 = (up(box[2]) + 1) * scale, (up(box[3]) + 1) * scale
    h, w = max(y2 - y1, 0.1) / P, max(x2 - x1, 0.1) / Q
    rows = range(math.floor(y1 + p * h), math.ceil(y1 + (p + 1) * h))
    columns = range(math.floor(x1 + q * w), math.ceil(x1 + (q + 1) * w))
    plane = x[(c * P + p) * Q + q]
    found = [
        plane[i, j] for i in rows for j in columns if i < plane.shape[0] and j < plane.shape[1]
    ]
    return sum(found) / len(found) if found else 0


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_forward_against_the_definition(case):
    value = largest if case in MAX else middle if case in ALIGN else mean
    np.testing.assert_allclose(run(case)[0], by_cell(case, value), atol=1e-6)


def test_regions_beside_the_map_give_zeros():
    for case in (MAX[0], MEAN[0]):
        assert not run(case)[0][-1].any()


def test_the_gradient_goes_to_the_first_of_equals():
    x = np.array([[[[1.0, 2, 2], [2, 0, 2]]]])
    layer = make_layer(
        'type: "ROIPooling" roi_pooling_param { pooled_h: 1 pooled_w: 1 }', [x.shape, (1, 5)]
    )
    layer.reshape(x.shape, (1, 5))
    assert layer.forward(x, np.array([[0.0, 0, 0, 2, 1]])).tolist() == [[[[2]]]]
    dx, none = layer.backward(np.array([[[[5.0]]]]))
    assert none is None
    assert dx.tolist() == [[[[0, 5, 0], [0, 0, 0]]]]


def test_halves_are_rounded_away_from_zero():
    assert rounded(np.array([-1.5, -0.5, 0.4, 0.5, 2.5])).tolist() == [-2, -1, 0, 1, 3]


@pytest.mark.parametrize("image", [-1.0, 2.0, np.nan])
def test_a_region_of_no_image_is_refused(image):
    rois = ROIS.copy()
    rois[3, 0] = image
    case = roi("", "ROIPooling", "pooled_h: 1 pooled_w: 1", (2, 3, 6, 8), rois)
    with pytest.raises(DataError, match=r"region 3 must belong to an image in \[0, 2\); given"):
        run(case)


@pytest.mark.parametrize("corner", [np.nan, np.inf])
def test_a_region_without_a_place_is_refused(corner):
    rois = ROIS.copy()
    rois[2, 3] = corner
    for case in (MAX[0], ALIGN[0], MEAN[0]):
        with pytest.raises(
            DataError, match=r"region 2 must have finite corners; given \[30.0, 2.0"
        ):
            run(Case("", case.text, (case.bottoms[0], rois)))


@pytest.mark.parametrize(
    ("text", "bottoms", "message"),
    [
        ('type: "ROIPooling"', [(1, 1, 2, 2), (1, 5)], "pooled_h and pooled_w must be given"),
        (
            'type: "ROIAlign" roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0 }',
            [(1, 1, 2, 2), (1, 5)],
            "spatial_scale must be positive; given 0",
        ),
        (
            'type: "PSROIPooling" psroi_pooling_param { output_dim: 2 spatial_scale: 1 }',
            [(1, 8, 2, 2), (1, 5)],
            "group_size must be given and positive; given 0",
        ),
    ],
)
def test_what_setup_refuses(text, bottoms, message):
    with pytest.raises(NetError, match=message):
        make_layer(text, bottoms)


@pytest.mark.parametrize(
    ("x", "rois", "message"),
    [
        ((1, 8, 2), (1, 5), "the map must have axes N, C, H, W"),
        ((1, 8, 2, 2), (1, 4), "regions must be rows"),
        ((1, 7, 2, 2), (1, 5), "output_dim 2 × group_size 2² = 8 channels; given 7"),
    ],
)
def test_what_reshape_refuses(x, rois, message):
    text = "output_dim: 2 group_size: 2 spatial_scale: 1"
    layer = make_layer(f'type: "PSROIPooling" psroi_pooling_param {{ {text} }}', [x, rois])
    with pytest.raises(ShapeError, match=message):
        layer.reshape(x, rois)

import math

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check

SECOND = "num_classes: 3 num_box: 2 biases: [1, 1.5, 2, 0.75]"
THIRD = (
    "num_classes: 3 num_box: 2 biases: [8, 12, 9, 9, 16, 7] mask: [0, 2, 1, 2] "
    "anchors_scale: [8, 16]"
)
PARAMS = {
    "YoloDetectionOutput": "yolo_detection_output_param",
    "Yolov3DetectionOutput": "yolov3_detection_output_param",
}


def maps(n=2, shapes=((3, 4), (2, 2)), lift=0.0):
    rng = np.random.default_rng(0)
    xs = [rng.normal(0, 1.5, (n, 16, *shape)) for shape in shapes]
    for x in xs:
        x.reshape(n, 2, 8, -1)[:, :, 4] += lift
    return tuple(xs)


def output(name, layer, fields, bottoms):
    return Case(name, f'type: "{layer}" {PARAMS[layer]} {{ {fields} }}', bottoms, gradient=False)


CASES = [
    output("nothing found", "YoloDetectionOutput", SECOND, maps(lift=-99)),
    output("nothing found in either", "Yolov3DetectionOutput", THIRD, maps(lift=-99)),
]
SOME = [
    output("version 2", "YoloDetectionOutput", f"{SECOND} nms_threshold: 0.05", maps()[:1]),
    output("two grids", "YoloDetectionOutput", f"{SECOND} nms_threshold: 0.2", maps()),
    output("version 3", "Yolov3DetectionOutput", THIRD, maps()),
    output("few", "Yolov3DetectionOutput", f"{THIRD} confidence_threshold: 0.75", maps()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def s(v):
    return 1 / (1 + math.exp(-v))


def field(case, name, default):
    return (
        float(case.text.split(f" {name}: ")[1].split()[0]) if f" {name}: " in case.text else default
    )


def candidates(case, b, v):
    """Return (score, label) of what an anchor says."""
    if "Yolov3" in case.text:
        found = [(s(v[4]) * s(v[5 + k]), k + 1) for k in range(3)]
        return [f for f in found if f[0] > field(case, "confidence_threshold", 0.01)]
    p = [math.exp(u) / sum(math.exp(w) for w in v[5:]) for u in v[5:]]
    found = [(s(v[4]) * max(p), p.index(max(p)) + 1)]
    return [f for f in found if f[0] >= field(case, "confidence_threshold", 0.01)]


def iou(a, b):
    w = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return w * h / (area[0] + area[1] - w * h)


def naive(case):
    anchors = [[(1, 1.5), (2, 0.75)]] * 2
    if "Yolov3" in case.text:
        anchors = [[(1, 1.5), (2, 7 / 8)], [(9 / 16, 9 / 16), (1, 7 / 16)]]
    rows = []
    for n in range(2):
        found = []
        for b, x in enumerate(case.arrays()):
            _, _, H, W = x.shape
            for a, j, i in np.ndindex(2, H, W):
                v = x.reshape(2, 2, 8, H, W)[n, a, :, j, i]
                cx, cy = (i + s(v[0])) / W, (j + s(v[1])) / H
                w, h = (math.exp(u) * k for u, k in zip(v[2:4], anchors[b][a], strict=True))
                w, h = w / W / 2, h / H / 2
                box = cx - w, cy - h, cx + w, cy + h
                found += [(*f, *box) for f in candidates(case, b, v)]
        kept = []
        for row in sorted(found, reverse=True):
            if all(iou(row[2:], k[2:]) <= field(case, "nms_threshold", 0.45) for k in kept):
                kept.append(row)
        assert 1 < len(kept) < len(found)
        rows += [(n, label, score, *box) for score, label, *box in kept]
    return np.array(rows)


def run(case):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    return layer.forward(*xs)


@pytest.mark.parametrize("case", SOME, ids=lambda c: c.name)
def test_detections_against_the_definition(case):
    y = run(case)
    assert y.shape[:2] == (1, 1)
    np.testing.assert_allclose(y[0, 0], naive(case), rtol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_row_for_each_image_where_nothing_is_found(case):
    assert run(case).tolist() == [[[[0] + [-1] * 6, [1] + [-1] * 6]]]


def test_an_image_without_detections_beside_one_with():
    x = maps(lift=-99)[0]
    x[1] = maps()[0][1]
    images = run(output("", "YoloDetectionOutput", SECOND, (x,)))[0, 0, :, 0]
    assert len(images) > 1
    assert set(images) == {1}


@pytest.mark.parametrize(
    ("layer", "fields", "message"),
    [
        ("YoloDetectionOutput", "coords: 5", "coords must be 4; given 5"),
        ("YoloDetectionOutput", "", "biases must be width and height of each anchor"),
        ("YoloDetectionOutput", "biases: [1, 2]", "biases must be 2 × num_box 5 numbers; given 2"),
        ("Yolov3DetectionOutput", f"{THIRD} gaussian_box: true", "gaussian_box is not implemented"),
        (
            "Yolov3DetectionOutput",
            THIRD.replace("1, 2]", "1, 3]"),
            r"mask must name num_box 2 of the 3 anchors .* 2 bottoms; given \[0, 2, 1, 3\]",
        ),
        ("Yolov3DetectionOutput", f"{THIRD} mask: 1", "mask must name"),
        ("Yolov3DetectionOutput", f"{THIRD} anchors_scale: 4", "anchors_scale must be the pixels"),
        ("Yolov3DetectionOutput", THIRD.replace("16]", "0]"), "anchors_scale must be the pixels"),
    ],
)
def test_what_setup_refuses(layer, fields, message):
    with pytest.raises(NetError, match=message):
        make_layer(f'type: "{layer}" {PARAMS[layer]} {{ {fields} }}', [(1, 16, 4, 4)] * 2)


@pytest.mark.parametrize(
    "shapes", [[(1, 15, 4, 4), (1, 16, 2, 2)], [(1, 16, 4, 4), (2, 16, 2, 2)], [(1, 16, 4)] * 2]
)
def test_what_reshape_refuses(shapes):
    layer = make_layer(CASES[1].text, shapes)
    with pytest.raises(ShapeError, match=r"bottoms must be \(N, 16, H, W\) for 2 anchors with 5"):
        layer.reshape(*shapes)

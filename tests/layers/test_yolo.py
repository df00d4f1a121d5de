import math

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layers.iou import corners, fit
from netcfg.layers.yolo import box_anchors, read_grid
from netcfg.testing import check_gradient, make_layer
from tests.layers.cases import Case, check

OBJECTS = np.array(
    [
        [[1, 0.3, 0.4, 0.5, 0.3], [0, 0.7, 0.8, 0.2, 0.25], [2, 0.35, 0.45, 0.3, 0.6], [0] * 5],
        [[2, 0.9, 0.1, 0.15, 0.1], [0] * 5, [1, 0.5, 0.5, 0.5, 0.5], [0] * 5],
    ]
)
"""The third of the second image stands behind the end of its list."""
CROWD = np.array([[[1, 0.3, 0.4, 0.5, 0.3], [2, 0.3, 0.4, 0.45, 0.3]]])
"""Two objects for one anchor."""


def region(name, fields, objects=OBJECTS, x=None, **more):
    fields = f"num_class: 3 num: 2 biases: [1, 1.5, 2, 0.75] {fields}"
    x = (len(objects), 16, 4, 5) if x is None else x
    return Case(name, f'type: "RegionLoss" region_loss_param {{ {fields} }}', (x, objects), **more)


def third(name, fields, objects=OBJECTS, x=None, **more):
    fields = f"num_class: 3 num: 2 mask: [0, 2] anchors_scale: 8 {fields}"
    fields += " biases: [8, 12, 9, 9, 16, 7]"
    x = (len(objects), 16, 4, 5) if x is None else x
    return Case(name, f'type: "Yolov3" yolov3_param {{ {fields} }}', (x, objects), **more)


REGION = [
    region("version 2", "rescore: 0"),
    region("shape of the box", "rescore: 0 bias_match: 0 thresh: 0.4 noobject_scale: 2"),
    region("scales", "rescore: 0 coord_scale: 2 class_scale: 3 object_scale: 4"),
    region("two objects at one anchor", "rescore: 0", CROWD),
    region("no objects", "rescore: 0", np.zeros((1, 4, 5))),
    region("overlap as the score", "rescore: 1", gradient=False),
]
THIRD = [
    third("version 3", ""),
    third("half squares", "use_logic_gradient: true noobject_scale: 2"),
    third("scales", "coord_scale: 2 class_scale: 3 object_scale: 4 label_smooth_eps: 0"),
    third("several anchors", "iou_thresh: 0.2 thresh: 0.5"),
    third("accumulated", "", CROWD),
    third("the last only", "accumulate: false", CROWD),
    third("no objects", "", np.zeros((1, 4, 5))),
    third("giou", "iou_loss: GIOU", gradient=False),
    third(
        "ciou, accumulated",
        "iou_loss: CIOU max_delta: 0.2 iou_normalizer: 2",
        CROWD,
        gradient=False,
    ),
    third("focal", "use_focal_loss: true", gradient=False),
]
CASES = [*REGION, *THIRD]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def field(case, name, default):
    return (
        float(case.text.split(f" {name}: ")[1].split()[0]) if f" {name}: " in case.text else default
    )


def s(v):
    return 1 / (1 + math.exp(-v))


def overlap(a, b):
    return fit(np.array([a], float), np.array([b], float))[0][0]


def lists(label):
    for n, rows in enumerate(label.reshape(len(label), -1, 5)):
        for row in rows:
            if row[3] == 0:
                break
            yield n, row


def boxes_of(grid, anchors, n, a, j, i):
    _, _, _, H, W = grid.shape
    x, y, w, h = grid[n, a, :4, j, i]
    size = anchors[a]
    return [(i + s(x)) / W, (j + s(y)) / H, math.exp(w) * size[0] / W, math.exp(h) * size[1] / H]


def naive_region(case):
    """Return the loss of version 2, one anchor at a time."""
    x, label = case.arrays()
    anchors = [(1, 1.5), (2, 0.75)]
    grid = x.reshape(len(x), 2, 8, *x.shape[2:])
    N, A, _, H, W = grid.shape
    rescore = field(case, "rescore", 1)
    owner = {}
    for n, (c, *box) in lists(label):
        i, j = int(box[0] * W), int(box[1] * H)
        sizes = [(w / W, h / H) for w, h in anchors]
        if field(case, "bias_match", 1) == 0:
            sizes = [boxes_of(grid, anchors, n, a, j, i)[2:] for a in range(A)]
        best = max(range(A), key=lambda a: overlap([0, 0, *sizes[a]], [0, 0, *box[2:]]))
        owner[n, best, j, i] = int(c), box
    total = 0.0
    for n, a, j, i in np.ndindex(N, A, H, W):
        v = grid[n, a, :, j, i]
        box = boxes_of(grid, anchors, n, a, j, i)
        want, scale = (0.5, 0.5, 0, 0), 0.01
        if (n, a, j, i) in owner:
            c, thing = owner[n, a, j, i]
            w, h = anchors[a]
            want = thing[0] * W - i, thing[1] * H - j
            want += math.log(thing[2] * W / w), math.log(thing[3] * H / h)
            scale = field(case, "coord_scale", 5) * (1 if rescore else 2 - thing[2] * thing[3])
            t = overlap(box, thing) if rescore else 1
            total += field(case, "object_scale", 1) * (t - s(v[4])) ** 2 / 2
            p = math.exp(v[5 + c]) / sum(math.exp(u) for u in v[5:])
            total -= field(case, "class_scale", 1) * math.log(p)
        elif all(
            overlap(box, row[1:]) <= field(case, "thresh", 0.2) for m, row in lists(label) if m == n
        ):
            total += field(case, "noobject_scale", 0.5) * s(v[4]) ** 2 / 2
        seen = s(v[0]), s(v[1]), v[2], v[3]
        total += scale * sum((g - u) ** 2 for g, u in zip(want, seen, strict=True)) / 2
    return total / N


def entropy(case, v, t):
    if "use_logic_gradient: true" in case.text:
        return (s(v) - t) ** 2 / 2
    return -t * math.log(s(v)) - (1 - t) * math.log(1 - s(v))


def owners(case, label, W, H):
    """Return the objects that each anchor of each cell learns in version 3."""
    every = [(1, 1.5), (9 / 8, 9 / 8), (2, 7 / 8)]
    found = {}
    for n, (c, *box) in lists(label):
        i, j = int(box[0] * W), int(box[1] * H)
        share = [overlap([0, 0, w / W, h / H], [0, 0, *box[2:]]) for w, h in every]
        for a, m in enumerate((0, 2)):
            if share[m] == max(share) or share[m] > field(case, "iou_thresh", 0.5):
                found.setdefault((n, a, j, i), []).append((int(c), box))
    return found


def coordinates(case, v, place, box, thing, anchor, W, H):
    """Return what an object's coordinates cost in version 3."""
    if "iou_loss" in case.text:
        kind = case.text.split("iou_loss: ")[1].split()[0]
        share = fit(np.array([box]), np.array([thing]), kind)[0][0]
        return field(case, "iou_normalizer", 0.25) * (1 - share)
    j, i = place
    gaps = v[2] - math.log(thing[2] * W / anchor[0]), v[3] - math.log(thing[3] * H / anchor[1])
    cost = sum(g * g / 2 for g in gaps)
    cost += entropy(case, v[0], thing[0] * W - i) + entropy(case, v[1], thing[1] * H - j)
    return field(case, "coord_scale", 5) * (2 - thing[2] * thing[3]) * cost


def names(case, v, things):
    """Return what the classes of an anchor cost in version 3."""
    focal = "use_focal_loss: true" in case.text
    smooth = 0 if focal else field(case, "label_smooth_eps", 0.1)
    scale = field(case, "class_scale", 1)
    if focal:
        p = s(v[5 + things[-1][0]])
        scale *= -0.5 * (1 - p) * (2 * p * math.log(p) + p - 1)
    wants = [1 - smooth / 2 if k in [c for c, _ in things] else smooth / 2 for k in range(3)]
    return scale * sum(entropy(case, v[5 + k], t) for k, t in enumerate(wants))


def naive_third(case):
    """Return the loss of version 3, one anchor at a time."""
    x, label = case.arrays()
    anchors = [(1, 1.5), (2, 7 / 8)]
    grid = x.reshape(len(x), 2, 8, *x.shape[2:])
    N, A, _, H, W = grid.shape
    owner = owners(case, label, W, H)
    assert owner or not list(lists(label))
    total = 0.0
    for n, a, j, i in np.ndindex(N, A, H, W):
        v = grid[n, a, :, j, i]
        box = boxes_of(grid, anchors, n, a, j, i)
        things = owner.get((n, a, j, i), [])
        near = [overlap(box, row[1:]) for m, row in lists(label) if m == n]
        if things:
            total += field(case, "object_scale", 1) * entropy(case, v[4], 1)
            total += names(case, v, things)
        elif max(near, default=0) <= field(case, "thresh", 0.2):
            total += field(case, "noobject_scale", 0.5) * entropy(case, v[4], 0)
        for _, thing in things[-1:] if "accumulate: false" in case.text else things:
            total += coordinates(case, v, (j, i), box, thing, anchors[a], W, H)
    return total / N


def build(case):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    return layer, xs


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_loss_against_the_definition(case):
    layer, xs = build(case)
    want = (naive_region if case in REGION else naive_third)(case)
    assert float(layer.forward(*xs)) == pytest.approx(want, rel=1e-9)


def slopes(case):
    layer, xs = build(case)
    layer.forward(*xs)
    dx, none = layer.backward(np.array(1.0))
    assert none is None
    return dx.reshape(len(dx), 2, 8, *dx.shape[2:]), xs[0].reshape(len(dx), 2, 8, *dx.shape[2:])


def test_the_overlap_is_a_fixed_target():
    """What is learnt is the overlap, but the box is not changed to make the score right."""
    with_share, grid = slopes(region("", "rescore: 1 coord_scale: 0 noobject_scale: 0", CROWD))
    anchors = [(1, 1.5), (2, 0.75)]
    ((n, a, j, i),) = np.argwhere(with_share[:, :, 4] != 0)
    share = overlap(boxes_of(grid, anchors, n, a, j, i), CROWD[0, 1, 1:])
    p = s(grid[n, a, 4, j, i])
    assert with_share[n, a, 4, j, i] == pytest.approx((p - share) * p * (1 - p))
    assert with_share[n, a, :4, j, i].tolist() == [0] * 4


def test_the_slopes_of_overlaps_are_darknet_s():
    limit = 0.1
    dx, grid = slopes(third("", f"iou_loss: GIOU max_delta: {limit}", CROWD))
    ((n, a, j, i),) = np.argwhere(dx[:, :, 5] != 0)
    box = np.array([boxes_of(grid, [(1, 1.5), (2, 7 / 8)], n, a, j, i)])
    want = np.zeros(4)
    for thing in CROWD[0, :, 1:]:
        slope = -0.25 * fit(box, thing[None], "GIOU")[1][0]
        slope[2:] *= np.exp(grid[n, a, 2:4, j, i])
        want += np.clip(slope, -limit, limit)
    np.testing.assert_allclose(dx[n, a, :4, j, i], want)
    assert (np.abs(want) == 2 * limit).any()
    assert (np.abs(want) < 2 * limit).any()


def test_the_weight_of_the_focal_loss_is_fixed():
    dx, grid = slopes(third("", "use_focal_loss: true", CROWD[:, :1]))
    ((n, a, j, i),) = np.argwhere(dx[:, :, 5] != 0)
    p = [s(v) for v in grid[n, a, 5:, j, i]]
    weight = -0.5 * (1 - p[1]) * (2 * p[1] * math.log(p[1]) + p[1] - 1)
    want = [weight * (p[0] - 0), weight * (p[1] - 1), weight * (p[2] - 0)]
    np.testing.assert_allclose(dx[n, a, 5:, j, i], want)


def test_boxes_are_drawn_to_their_anchors_at_first_only():
    layer, xs = build(region("", "rescore: 0", np.zeros((2, 4, 5))))
    layer.need = [True, False]
    for step, drawn in ((6399, True), (6400, False)):
        layer.step = step
        layer.forward(*xs)
        dx = layer.backward(np.array(1.0))[0].reshape(2, 2, 8, 4, 5)
        assert dx[:, :, :4].any() == drawn
        assert dx[:, :, 4].all()
    check_gradient(region("", "rescore: 0").text, (2, 16, 4, 5), OBJECTS)


def test_read_grid():
    anchors = box_anchors([1, 1.5, 2, 0.75])
    x = np.random.default_rng(0).normal(size=(2, 16, 3, 4))
    found = read_grid(x, anchors)
    grid = x.reshape(2, 2, 8, 3, 4)
    for n, a, j, i in np.ndindex(2, 2, 3, 4):
        np.testing.assert_allclose(found.boxes[n, a, j, i], boxes_of(grid, anchors, n, a, j, i))
    assert corners(found.boxes).shape == found.boxes.shape


@pytest.mark.parametrize(
    "row",
    [
        [3, 0.5, 0.5, 0.1, 0.1],
        [-1, 0.5, 0.5, 0.1, 0.1],
        [0, 1, 0.5, 0.1, 0.1],
        [0, 0.5, 0.5, 0.1, -1],
    ],
)
def test_objects_that_are_refused(row):
    for case in (region("", "", np.array([[row]])), third("", "", np.array([[row]]))):
        layer, xs = build(case)
        with pytest.raises(DataError, match=r"of item 0 must have a class in \[0, 3\), its middle"):
            layer.forward(*xs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RegionLoss { }", "biases must be width and height of each anchor"),
        ("RegionLoss { biases: [1, 2, 3] }", r"biases must be .* given \[1.0, 2.0, 3.0\]"),
        ("RegionLoss { biases: [1, 2] num: 2 }", "biases must be 2 × num 2 numbers; given 2"),
        ("RegionLoss { biases: [1, 2] num: 1 coords: 5 }", "coords must be 4; given 5"),
        ("RegionLoss { softmax_tree: 'a' }", "softmax_tree is not implemented"),
        ("RegionLoss { class_map: 'a' }", "class_map is not implemented"),
        ("Yolov3 { biases: [1, -2] }", "biases must be width and height"),
        ("Yolov3 { biases: [1, 2] num: 1 anchors_scale: 0 }", "anchors_scale must be at least 1"),
        ("Yolov3 { biases: [1, 2] num: 1 mask: 1 }", r"mask must name num 1 of the 1 .* \[1\]"),
        ("Yolov3 { biases: [1, 2] num: 2 mask: 0 }", "mask must name num 2"),
    ],
)
def test_what_setup_refuses(text, message):
    name, block = text.split(" ", 1)
    param = {"RegionLoss": "region_loss_param", "Yolov3": "yolov3_param"}[name]
    with pytest.raises(NetError, match=message):
        make_layer(f'type: "{name}" {param} {block}', [(1, 16, 4, 4), (1, 5)])


@pytest.mark.parametrize(
    ("x", "label", "message"),
    [
        ((1, 15, 4, 4), (1, 5), r"the map must be \(N, 16, H, W\) for 2 anchors"),
        ((1, 16, 4), (1, 5), "the map must be"),
        ((1, 16, 4, 4), (1, 3, 4), "objects must be rows"),
        ((1, 16, 4, 4), (2, 5), "bottoms must have the same first axis"),
    ],
)
def test_what_reshape_refuses(x, label, message):
    layer = make_layer(region("", "").text, [x, label])
    with pytest.raises(ShapeError, match=message):
        layer.reshape(x, label)

import math

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import as_arrays
from netcfg.layers.anchors import anchors, encode
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.testing import make_layer
from tests.layers.cases import Case, check
from tests.layers.test_rpn import iou

OBJECTS = np.array([[4.0, 6, 30, 25, 1], [35, 10, 50, 44, 2], [8, 30, 20, 46, 1]])
INFO = np.array([[48.0, 64, 1]])
SHARES = np.array(
    [
        [0, 1, 0, 4 / 64, 6 / 48, 31 / 64, 26 / 48, 0],
        [1, 1, 0, 8 / 80, 30 / 56, 21 / 80, 47 / 56, 0],
        [0, 2, 0, 35 / 64, 10 / 48, 51 / 64, 45 / 48, 0],
        [-1, -1, -1, -1, -1, -1, -1, -1],
    ]
).reshape(1, 1, 4, 8)
"""Objects as AnnotatedData writes them: of two images, the first with the first two of OBJECTS."""
SIZES = np.array([[48.0, 64, 1], [56, 80, 1]])


def tops(count):
    return "".join(f' top: "t{i}"' for i in range(count))


def anchor_target(name, fields, scores=(1, 12, 6, 8), objects=OBJECTS, info=INFO, count=4):
    fields = f"feat_stride: 8 scales: [1, 2] {fields}"
    text = f'type: "AnchorTarget"{tops(count)} anchor_target_param {{ {fields} }}'
    return Case(name, text, (scores, objects, info), gradient=False)


def rois(count=40, images=1, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, images, count)
    corner = rng.uniform(0, 30, (count, 2))
    rows = np.concatenate([image[:, None], corner, corner + rng.uniform(5, 30, (count, 2))], axis=1)
    near = [0, *OBJECTS[0, :4]] + rng.normal(0, 2, (6, 5)) * [0, 1, 1, 1, 1]
    return np.concatenate([rows, near])


def target(name, fields, bottoms=None, count=5):
    bottoms = (rois(), OBJECTS) if bottoms is None else bottoms
    text = f'type: "ProposalTarget"{tops(count)} proposal_target_param {{ {fields} }}'
    return Case(name, text, bottoms, gradient=False)


ANCHORS = [
    anchor_target("anchors", ""),
    anchor_target("labels only", "", count=1),
    anchor_target("reaching past the image", "allowed_border: 8 positive_overlap: 0.4"),
    anchor_target("negatives first", "clobber_positives: true positive_overlap: 0.5"),
    anchor_target("two images", "", scores=(2, 12, 6, 8), objects=SHARES, info=SIZES),
]
TARGETS = [
    target("targets", "num_classes: 3 batch_size: 12"),
    target("two tops", "num_classes: 3 batch_size: 12", count=2),
    target("agnostic", "agnostic: true batch_size: 12"),
    target(
        "two images of AnnotatedData",
        "num_classes: 3 batch_size: 8 fg_fraction: 0.5",
        (rois(images=2), SHARES, SIZES),
    ),
]
CASES = [*ANCHORS, *TARGETS]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def build(case, seed=0):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs], seed=seed)
    layer.reshape(*[x.shape for x in xs])
    return layer, xs


def forward(case, seed=0):
    layer, xs = build(case, seed)
    return as_arrays(layer.forward(*xs))


def field(case, name, default):
    return (
        float(case.text.split(f"{name}: ")[1].split()[0]) if f"{name}: " in case.text else default
    )


def truth(case, n):
    """Return corners and class of each object of an image."""
    if case.arrays()[1] is not None and case.arrays()[1].shape[-1] == 5:
        return OBJECTS.tolist()
    height, width = SIZES[n, :2]
    rows = [r for r in SHARES.reshape(-1, 8).tolist() if r[0] == n]
    return [[r[3] * width, r[4] * height, r[5] * width - 1, r[6] * height - 1, r[1]] for r in rows]


def labels_of(case, n):
    """Return label and object of each anchor before any is left out, by their place."""
    info = case.arrays()[2]
    height, width = info[n, :2]
    cell = anchors(16, [0.5, 1, 2], [1, 2])
    border = field(case, "allowed_border", 0)
    boxes, objects = {}, truth(case, n)
    for y, x, a in np.ndindex(6, 8, len(cell)):
        box = cell[a] + [8 * x, 8 * y, 8 * x, 8 * y]
        low, high = min(box[:2]) >= -border, box[2] < width + border and box[3] < height + border
        if low and high:
            boxes[a, y, x] = box
    share = {place: [iou(box, o) for o in objects] for place, box in boxes.items()}
    best = [max(s[g] for s in share.values()) for g in range(len(objects))]
    found = {}
    for place, s in share.items():
        label = -1
        if max(s) < 0.3:
            label = 0
        if any(s[g] == best[g] for g in range(len(objects))):
            label = 1
        if max(s) >= field(case, "positive_overlap", 0.7):
            label = 1
        if "clobber_positives: true" in case.text and max(s) < 0.3:
            label = 0
        found[place] = label, boxes[place], objects[int(np.argmax(s))]
    return found


@pytest.mark.parametrize("case", ANCHORS, ids=lambda c: c.name)
def test_labels_and_targets_of_anchors(case):
    labels, *rest = forward(case)
    N, A, H, W = len(labels), 6, 6, 8
    labels = labels.reshape(N, A, H, W)
    for n in range(N):
        want = labels_of(case, n)
        assert len(want) < 256, "so that all negatives have room"
        assert {label for label, _, _ in want.values()} == {-1, 0, 1}
        counted = sum(label >= 0 for label, _, _ in want.values())
        for place in np.ndindex(A, H, W):
            label, box, thing = want.get(place, (-1, None, None))
            assert labels[n][place] == label
            if not rest:
                continue
            four = [x.reshape(N, A, 4, H, W)[n, place[0], :, place[1], place[2]] for x in rest]
            np.testing.assert_array_equal(four[1], label == 1)
            np.testing.assert_allclose(four[2], 1 / counted if label >= 0 else 0)
            if thing is not None:
                delta = encode(box[None], np.array([thing[:4]]))[0]
                np.testing.assert_allclose(four[0], delta, atol=1e-9)


def test_a_random_part_of_the_anchors_counts():
    every = forward(anchor_target("", "positive_overlap: 0.4"))[0]
    positives = int((every == 1).sum())
    assert positives > 6
    case = anchor_target("", "positive_overlap: 0.4 batch_size: 20 fg_fraction: 0.3")
    labels, _, _, outside = forward(case)
    assert ((labels == 1).sum(), (labels == 0).sum()) == (6, 14)
    assert set(np.unique(outside)) == {0, 1 / 20}
    assert (every[labels == 1] == 1).all()
    assert (every[labels == 0] == 0).all()
    few = forward(anchor_target("", "batch_size: 20 fg_fraction: 1"))[0]
    assert (few == 1).sum() + (few == 0).sum() == 20


def test_a_pass_draws_the_same_again_and_the_next_anew():
    for case in (anchor_target("", "batch_size: 20"), target("", "num_classes: 3 batch_size: 12")):
        layer, xs = build(case)
        first, again = layer.forward(*xs), layer.forward(*xs)
        layer.step = 1
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)
        assert any((a != b).any() for a, b in zip(first, layer.forward(*xs), strict=True))


def test_an_image_without_objects_has_negatives_only():
    none = np.full((1, 1, 1, 8), -1.0)
    labels, targets, inside, _ = forward(anchor_target("", "", objects=none))
    assert set(np.unique(labels)) == {-1, 0}
    assert not targets.any()
    assert not inside.any()
    case = target("", "num_classes: 3 batch_size: 12", (rois(), none, INFO))
    regions, labels, targets, inside, _ = forward(case)
    assert regions.shape == (12, 5)
    assert not labels.any()
    assert not targets.any()
    assert not inside.any()


@pytest.mark.parametrize("case", [TARGETS[0], *TARGETS[2:]], ids=lambda c: c.name)
def test_what_the_classifier_learns(case):
    regions, labels, targets, inside, outside = forward(case)
    given, size = case.arrays()[0], int(field(case, "batch_size", 0))
    images = range(1 if len(case.bottoms) == 2 else 2)
    for n in images:
        own = regions[regions[:, 0] == n]
        assert len(own) == size
        chosen = labels[regions[:, 0] == n] > 0
        assert 0 < chosen.sum() <= round(field(case, "fg_fraction", 0.25) * size)
    np.testing.assert_array_equal(inside, outside)
    slots = targets.shape[1] // 4
    assert slots == (2 if "agnostic" in case.text else 3)
    for region, label, delta, weight in zip(regions, labels, targets, inside, strict=True):
        objects = truth(case, int(region[0]))
        pool = [r[1:].tolist() for r in given if r[0] == region[0]] + [o[:4] for o in objects]
        assert any(np.allclose(region[1:], p) for p in pool)
        shares = [iou(region[1:], o) for o in objects]
        thing = objects[int(np.argmax(shares))]
        assert label == (thing[4] if max(shares) >= 0.5 else 0)
        slot = 0 if label == 0 else 1 if "agnostic" in case.text else int(label)
        want, weights = np.zeros((slots, 4)), np.zeros((slots, 4))
        if label:
            want[slot] = encode(region[None, 1:], np.array([thing[:4]]))[0] / [0.1, 0.1, 0.2, 0.2]
            weights[slot] = 1
        np.testing.assert_allclose(delta.reshape(slots, 4), want, atol=1e-9)
        np.testing.assert_array_equal(weight.reshape(slots, 4), weights)


def test_limits_of_background_and_means():
    fields = "num_classes: 3 batch_size: -1 bg_thresh_lo: 0.1 bg_thresh_hi: 0.3 fg_thresh: 0.6"
    fields += " means: [1, 2, 3, 4] stds: [1, 1, 1, 1]"
    regions, labels, targets, _, _ = forward(target("", fields))
    every = np.concatenate([rois()[:, 1:], OBJECTS[:, :4]])
    most = np.array([max(iou(b, o) for o in OBJECTS) for b in every])
    things, ground = every[most >= 0.6], every[(most >= 0.1) & (most < 0.3)]
    assert len(things) > 3
    assert len(ground) > 3
    np.testing.assert_allclose(regions[:, 1:], np.concatenate([things, ground]))
    assert (labels > 0).sum() == len(things)
    (last,) = np.flatnonzero(labels == 2)
    assert targets[last, 8:].tolist() == [-1, -2, -3, -4]  # the object itself


def test_deltas_of_one_region():
    case = target("", "num_classes: 2 batch_size: -1", ([[0, 5, 5, 14, 24]], [[6.0, 5, 15, 34, 1]]))
    regions, labels, targets, _, _ = forward(case)
    assert regions.tolist() == [[0, 5, 5, 14, 24], [0, 6, 5, 15, 34]]
    assert labels.tolist() == [1, 1]
    want = [1 / 10 / 0.1, 5 / 20 / 0.1, 0, math.log(30 / 20) / 0.2]
    np.testing.assert_allclose(targets, [[0] * 4 + want, [0] * 8], atol=1e-12)


def test_the_layers_of_py_faster_rcnn():
    text = """name: "n"
    layer { name: "data" type: "Input" top: "score" top: "gt" top: "info" top: "rois" top: "data"
      input_param { shape { dim: 1 dim: 18 dim: 6 dim: 8 } shape { dim: 3 dim: 5 }
      shape { dim: 1 dim: 3 } shape { dim: 46 dim: 5 } shape { dim: 1 dim: 3 dim: 48 dim: 64 } } }
    layer { name: "anchors" type: "Python" bottom: "score" bottom: "gt" bottom: "info"
      bottom: "data" top: "l" top: "t" top: "i" top: "o" python_param {
      module: "rpn.anchor_target_layer" layer: "AnchorTargetLayer"
      param_str: "'feat_stride': 8\\n'scales': !!python/tuple [1, 2, 3]" } }
    layer { name: "targets" type: "Python" bottom: "rois" bottom: "gt" top: "r" top: "labels"
      top: "bt" top: "bi" top: "bo" python_param { module: "rpn.proposal_target_layer"
      layer: "ProposalTargetLayer" param_str: "'num_classes': 4" } }"""
    net = Net(parse_net(text).message)
    kinds = [type(net.layer(name)).__name__ for name in ("anchors", "targets")]
    assert kinds == ["AnchorTarget", "ProposalTarget"]
    score = np.zeros((1, 18, 6, 8))
    net.forward({"score": score, "gt": OBJECTS, "info": INFO, "rois": rois(), "data": 0})
    assert net.blobs["l"].shape == (1, 1, 54, 8)
    assert net.blobs["bt"].shape == (len(net.blobs["labels"]), 16)


@pytest.mark.parametrize("label", [0.0, 3.0, -1.0])
def test_classes_out_of_range_are_refused(label):
    objects = OBJECTS.copy()
    objects[1, 4] = label
    case = target("", "num_classes: 3", (rois(), objects))
    with pytest.raises(DataError, match=rf"classes .* in \[1, 3\), 0 is .*; given {label:g}"):
        forward(case)


def test_regions_of_images_that_are_not_there():
    with pytest.raises(DataError, match="regions of image 1 need im_info with a row for each"):
        forward(target("", "num_classes: 3", (rois(images=2), OBJECTS)))


def test_means_are_four():
    with pytest.raises(NetError, match=r"stds must be four numbers; given \[1.0, 2.0\]"):
        build(target("", "stds: [1, 2]"))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            anchor_target("", "", objects=np.ones((3, 4))),
            r"objects must be rows \(x1, .*, class\),",
        ),
        (anchor_target("", "", scores=(1, 11, 6, 8)), r"scores must be \(N, 2 × 6 anchors, H, W\)"),
        (anchor_target("", "", scores=(2, 12, 6, 8)), "for a single image; there are 2"),
        (anchor_target("", "", info=np.ones((3, 3))), "im_info must have a row"),
        (target("", "", (np.ones((3, 4)), OBJECTS)), "regions must be rows"),
        (target("", "", (rois(), SHARES)), "objects of AnnotatedData need im_info"),
        (target("", "", (rois(), OBJECTS, SIZES)), "for a single image; there are 2"),
    ],
)
def test_what_shapes_are_refused(case, message):
    with pytest.raises(ShapeError, match=message):
        build(case)

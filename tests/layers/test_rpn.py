import json

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.layer import as_arrays
from netcfg.layers.anchors import anchors, decode
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check
from tests.shared import shared

FIELDS = "feat_stride: 8 ratio: 1 ratio: 2 scale: 1 scale: 2 min_size: 6"


def net_outputs(n=1, h=4, w=5, count=4, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.permutation(n * 2 * count * h * w).reshape(n, 2 * count, h, w) / 1000
    return scores, rng.normal(0, 0.4, (n, 4 * count, h, w))


def proposal(name, fields, n=1, tops=2, info=None):
    scores, deltas = net_outputs(n)
    info = np.array([[32.0, 40, 1]]) if info is None else info
    text = "".join(f' top: "t{i}"' for i in range(tops))
    text = f'type: "Proposal"{text} proposal_param {{ {fields} }}'
    return Case(name, text, (scores, deltas, info), Phase.TEST, gradient=False)


CASES = [
    proposal("one image", f"{FIELDS} post_nms_topn: 5"),
    proposal("regions only", f"{FIELDS} post_nms_topn: 5", tops=1),
    proposal(
        "two images",
        f"{FIELDS} pre_nms_topn: 50 post_nms_topn: 4 nms_thresh: 0.5",
        n=2,
        info=np.array([[32.0, 40, 1], [20, 30, 2]]),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def field(text, name, default):
    return float(text.split(f"{name}: ")[1].split()[0]) if f"{name}: " in text else default


def naive(case):
    """Return rows (image, x1, y1, x2, y2, score), one anchor at a time."""
    scores, deltas, info = case.arrays()
    cell = anchors(16, [1, 2], [1, 2])
    rows = []
    for n in range(len(scores)):
        height, width, scale = info[min(n, len(info) - 1)]
        found = []
        for y, x, a in np.ndindex(*scores.shape[2:], 4):
            box = cell[a] + [8 * x, 8 * y, 8 * x, 8 * y]
            (box,) = decode(box[None], deltas[n, 4 * a : 4 * a + 4, y, x][None])
            x1, x2 = np.clip(box[[0, 2]], 0, width - 1)
            y1, y2 = np.clip(box[[1, 3]], 0, height - 1)
            least = field(case.text, "min_size", 16) * scale
            if x2 - x1 + 1 >= least and y2 - y1 + 1 >= least:
                found.append((scores[n, 4 + a, y, x], x1, y1, x2, y2))
        found = sorted(found, reverse=True)[: int(field(case.text, "pre_nms_topn", 6000))]
        kept = []
        for row in found:
            if all(iou(row[1:], k[1:]) <= field(case.text, "nms_thresh", 0.7) for k in kept):
                kept.append(row)
        most = int(field(case.text, "post_nms_topn", 300))
        rows += [(n, *box, score) for score, *box in kept[:most]]
    return np.array(rows)


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    area = [(x[2] - x[0] + 1) * (x[3] - x[1] + 1) for x in (a, b)]
    both = max(w, 0) * max(h, 0)
    return both / (area[0] + area[1] - both)


@pytest.mark.parametrize(
    "case", [*CASES, proposal("as many as there are", FIELDS)], ids=lambda c: c.name
)
def test_forward_against_the_definition(case):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs], phase=Phase.TEST)
    layer.reshape(*[x.shape for x in xs])
    want = naive(case)
    tops = as_arrays(layer.forward(*xs))
    np.testing.assert_allclose(tops[0], want[:, :5], atol=1e-9)
    assert len(tops) == layer.ntops
    for scores in tops[1:]:
        np.testing.assert_allclose(scores, want[:, 5], atol=1e-12)


def test_boxes_that_are_too_small_stay_where_there_are_no_others():
    case = proposal("", FIELDS.replace("min_size: 6", "min_size: 100"))
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    rois, scores = layer.forward(*xs)
    assert len(rois) > 10
    assert scores[0] == xs[0][0, 4:].max()


@pytest.mark.parametrize(
    ("phase", "before", "after"), [("TRAIN", 12000, 2000), ("TEST", 6000, 300)]
)
def test_the_layer_of_py_faster_rcnn(phase, before, after):
    text = """name: "n"
    layer { name: "data" type: "Input" top: "score" top: "delta" top: "info" input_param {
      shape { dim: 1 dim: 18 dim: 4 dim: 5 } shape { dim: 1 dim: 36 dim: 4 dim: 5 }
      shape { dim: 1 dim: 3 } } }
    layer { name: "proposal" type: "Python" bottom: "score" bottom: "delta" bottom: "info"
      top: "rois" python_param { module: "rpn.proposal_layer" layer: "ProposalLayer"
      param_str: "'feat_stride': 8\\nmin_size: 4" } }"""
    net = Net(parse_net(text).message, Phase[phase])
    layer = net.layer("proposal")
    assert type(layer).__name__ == "Proposal"
    assert layer.dialect == "netcfg's Proposal: 'rpn.proposal_layer' cannot be imported"
    assert (layer.fields["pre_nms_topn"], layer.fields["post_nms_topn"]) == (before, after)
    assert (layer.fields["feat_stride"], layer.fields["min_size"]) == (8, 4)
    assert len(layer.anchors) == 9
    scores, deltas = net_outputs(count=9)
    net.forward({"score": scores, "delta": deltas, "info": np.array([[32.0, 40, 1]])})
    rois = np.asarray(net.blobs["rois"])
    assert rois.shape[1] == 5
    assert 5 < len(rois) <= 180


def golden():
    with np.load(shared("golden/forks.npz")) as file:
        for key in file.files:
            case, name, *_ = key.split("/")
            if case.startswith("Proposal") and name == "meta":
                meta = json.loads(str(file[key]))
                bottoms = [file[f"{case}/bottom/{i}"] for i in range(3)]
                yield case, meta["prototxt"], bottoms, file[f"{case}/tops/0"]


def test_what_opencv_computes():
    """OpenCV heeds no ``min_size``: the forks that have the layer do, so here it is 1."""
    cases = list(golden())
    assert len(cases) == 5
    for case, text, bottoms, want in cases:
        net = Net(parse_net(text.replace("min_size: 16", "min_size: 1")).message, Phase.TEST)
        net.forward({f"b{i}": b for i, b in enumerate(bottoms)})
        got = np.asarray(net.blobs["t0"])
        np.testing.assert_allclose(got, want, atol=1e-4 * np.abs(want).max(), err_msg=case)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("feat_stride: 0", "feat_stride must be at least 1; given 0"),
        ("base_size: 0", "base_size must be at least 1; given 0"),
        ("ratio: 0", r"ratios and scales must be positive; given \[0.0\]"),
        ("scale: -1", r"ratios and scales must be positive"),
    ],
)
def test_what_fields_are_refused(fields, message):
    shapes = [(1, 18, 2, 2), (1, 36, 2, 2), (1, 3)]
    layer = make_layer(f'type: "Proposal" proposal_param {{ {fields} }}', shapes)
    with pytest.raises(NetError, match=message):
        layer.reshape(*shapes)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(1, 17, 2, 2), (1, 36, 2, 2), (1, 3)], r"scores must be \(N, 2 × 9 anchors, H, W\)"),
        ([(1, 18, 2), (1, 36, 2, 2), (1, 3)], "scores must be"),
        ([(1, 18, 2, 2), (1, 18, 2, 2), (1, 3)], r"deltas must be \(1, 36, 2, 2\)"),
        ([(2, 18, 2, 2), (2, 36, 2, 2), (3, 3)], "im_info must have a row .* for each of 2 images"),
        ([(1, 18, 2, 2), (1, 36, 2, 2), (1, 2)], "im_info must have a row"),
    ],
)
def test_what_shapes_are_refused(shapes, message):
    layer = make_layer('type: "Proposal"', shapes)
    with pytest.raises(ShapeError, match=message):
        layer.reshape(*shapes)

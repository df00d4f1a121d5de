"""MultiBoxLoss against a loss that goes from box to box."""

import math
from typing import Any

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layers.boxes import encode, overlap
from netcfg.layers.matching import match
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run
from tests.layers.test_boxes import some

N, P, K = 2, 16, 3


def arrays(objects: bool = True, sets: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(11)
    priors = np.stack([some(P).reshape(-1), np.tile([0.1, 0.1, 0.2, 0.2], P)])[None]
    rows = np.full((1, 8), -1.0)
    if objects:
        rows = np.zeros((5, 8))
        rows[:, 0], rows[:, 1] = [0, 0, 0, 1, 1], [1, 2, 1, 2, 2]
        rows[:, 3:7], rows[4, 7] = some(P)[:5] + 0.02, 1
    scores = rng.permutation(N * P * K) / 20.0
    return [rng.normal(0, 1, (N, 4 * P * sets)), scores.reshape(N, P * K), priors, rows[None, None]]


def loss(
    name: str, fields: str, more: str = "", gradient: bool = True, objects: bool = True
) -> Case:
    text = f"type: 'MultiBoxLoss' {more} multibox_loss_param {{ num_classes: {K} {fields} }}"
    sets = K if "share_location: false" in fields else 1
    return Case(name, text, arrays(objects, sets), gradient=gradient)


CENTRES = "code_type: CENTER_SIZE overlap_threshold: 0.3"
CASES = [
    loss("corners", ""),
    loss("centres", f"{CENTRES} neg_pos_ratio: 2 neg_overlap: 0.2 loc_weight: 3"),
    loss("squares", f"{CENTRES} loc_loss_type: L2 conf_loss_type: LOGISTIC"),
    loss("no mining", f"{CENTRES} mining_type: NONE match_type: BIPARTITE"),
    loss("no mining of old", f"{CENTRES} do_neg_mining: false"),
    loss("hard", f"{CENTRES} mining_type: HARD_EXAMPLE sample_size: 7"),
    loss("hard, thinned out",
         f"{CENTRES} mining_type: HARD_EXAMPLE sample_size: 7 use_prior_for_nms:"
         " true nms_param { nms_threshold: 0.3 top_k: 12 }"),
    loss("negatives, thinned out",
         f"{CENTRES} use_prior_for_nms: true nms_param {{ nms_threshold: 0.2 }}"),
    loss("hard, inside", f"{CENTRES} mining_type: HARD_EXAMPLE sample_size: 5 bp_inside: true"),
    loss("hard, squares",
         f"{CENTRES} mining_type: HARD_EXAMPLE sample_size: 9 loc_loss_type: L2"),
    loss("easy objects", f"{CENTRES} use_difficult_gt: false background_label_id: 0"),
    loss("all", CENTRES, "loss_param { normalization: FULL }"),
    loss("images", CENTRES, "loss_param { normalization: BATCH_SIZE }"),
    loss("nothing", CENTRES, objects=False),
    loss("inside", f"{CENTRES} bp_inside: true"),
    loss("offsets of each class", f"{CENTRES} share_location: false"),
    loss("offsets of each class, no mining",
         f"{CENTRES} share_location: false mining_type: NONE"),
    loss("offsets of each class, hard",
         f"{CENTRES} share_location: false mining_type: HARD_EXAMPLE sample_size: 7"
         " use_prior_for_nms: true nms_param { nms_threshold: 0.3 }"),
    loss("hard variances",
         f"{CENTRES} mining_type: HARD_EXAMPLE sample_size: 6 encode_variance_in_target: true",
         gradient=False),
    loss("variances", f"{CENTRES} encode_variance_in_target: true", gradient=False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def smooth(d: float, squares: bool) -> float:
    return d * d / 2 if squares or abs(d) < 1 else abs(d) - 0.5


def class_cost(scores: np.ndarray, label: int, logistic: bool) -> float:
    if logistic:
        shares = 1 / (1 + np.exp(-scores))
        return -sum(math.log(s if k == label else 1 - s) for k, s in enumerate(shares))
    return math.log(np.exp(scores).sum()) - scores[label]


def thinned(order: list[int], boxes: np.ndarray, param: Any) -> list[int]:
    if not param.HasField("nms_param"):
        return order
    kept: list[int] = []
    for i in order[: param.nms_param.top_k or None]:
        if all(overlap(boxes[i], boxes[j]) <= param.nms_param.nms_threshold for j in kept):
            kept.append(i)
    return kept


def naive(case: Case) -> float:
    offsets, scores, priors, rows = case.arrays()
    layer: Any = make_layer(case.text, [a.shape for a in case.arrays()])
    param = layer.config.multibox_loss_param
    boxes, variances = priors[0].reshape(2, P, 4)
    total, count = 0.0, 0
    for n in range(N):
        things = [r for r in rows.reshape(-1, 8) if r[0] == n]
        things = [r for r in things if param.use_difficult_gt or not r[7]]
        objects = np.array([r[3:7] for r in things]).reshape(-1, 4)
        matches, most = match(boxes, objects, param)
        labels = [int(things[m][1]) if m >= 0 else 0 for m in matches]
        logistic = param.conf_loss_type == 1
        costs = [
            class_cost(s, k, logistic) for s, k in zip(scores[n].reshape(P, K), labels, strict=True)
        ]
        place = {}
        for i, m in enumerate(matches):
            if m >= 0:
                scale = 1 if param.encode_variance_in_target else variances[i]
                target = encode(boxes[i], objects[m], param.code_type) / scale
                own = offsets[n].reshape(P, -1, 4)[i]
                d = own[0 if param.share_location else labels[i]] - target
                d = d / variances[i] if param.encode_variance_in_target else d
                inside = (boxes[i] >= 0) & (boxes[i] <= 1) if param.bp_inside else [True] * 4
                place[i] = sum(smooth(v, param.loc_loss_type == 0) for v in d * inside)
        negative = [i for i in range(P) if matches[i] < 0]
        if layer.mining == 1:
            negative = [i for i in negative if most[i] < param.neg_overlap]
            negative.sort(key=lambda i: -costs[i])
            negative = thinned(negative, boxes, param)[: int(len(place) * param.neg_pos_ratio)]
        elif layer.mining == 2:
            order = sorted(range(P), key=lambda i: -costs[i] - place.get(i, 0))
            order = thinned(order, boxes, param)[: param.sample_size]
            negative = [i for i in negative if i in order and things]
            place = {i: v for i, v in place.items() if i in order}
        total += param.loc_weight * sum(place.values())
        total += sum(costs[i] for i in [*place, *negative])
        count += len(place)
    mode = layer.normalization(1)
    return total / max({0: N * P, 1: count, 2: N}[mode], 1)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_definition(case: Case) -> None:
    assert run(case)[0] == pytest.approx(naive(case))


@pytest.mark.parametrize("name", ["hard", "negatives"])
def test_thinning_out_leaves_other_boxes(name: str) -> None:
    case = next(c for c in CASES if c.name == f"{name}, thinned out")
    plain = case.text.partition("use_prior_for_nms")[0] + "}"
    assert run(case)[0] != pytest.approx(run(Case("", plain, case.bottoms))[0])


def test_thinning_out_by_predictions() -> None:
    case = next(c for c in CASES if c.name == "hard, thinned out")
    text = case.text.replace("use_prior_for_nms: true", "")
    assert run(Case("", text, case.bottoms))[0] != pytest.approx(run(case)[0])
    offsets, *others = case.arrays()
    at_priors = [0 * offsets, *others]  # where predictions are the prior boxes
    assert run(Case("", text, at_priors))[0] == run(Case("", case.text, at_priors))[0]


@pytest.mark.parametrize("mining", ["MAX_NEGATIVE", "HARD_EXAMPLE"])
def test_an_image_without_objects_teaches_nothing(mining: str) -> None:
    case = loss("", f"{CENTRES} mining_type: {mining}")
    xs = case.arrays()
    xs[3] = xs[3][:, :, :3]  # those of the first image
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    assert layer.forward(*xs) > 0
    for grad in layer.backward(np.asarray(1.0))[:2]:
        assert grad[0].any()
        assert not grad[1].any()


def test_objects_of_any_class() -> None:
    """``map_object_to_agnostic`` makes one class of them."""
    offsets, scores, priors, rows = arrays()
    xs = [offsets, scores[:, : 2 * P], priors, rows]
    text = CASES[1].text.replace(f"num_classes: {K}", "num_classes: 2")
    agnostic = Case("", text.replace("2 code", "2 map_object_to_agnostic: true code"), xs)
    assert "agnostic" in agnostic.text
    one = rows.copy()
    one[..., 1] = 1
    assert run(agnostic)[0] == run(Case("", text, [*xs[:3], one]))[0] > 0
    with pytest.raises(DataError, match="an object has class 2; classes are 0 to 1, and 0 is the"):
        run(Case("", text, xs))


def test_equal_offsets_of_all_classes_are_shared_ones() -> None:
    offsets, *others = CASES[1].arrays()
    each = np.repeat(offsets.reshape(N, P, 1, 4), K, axis=2).reshape(N, -1)
    text = loss("", f"{CENTRES} neg_pos_ratio: 2 neg_overlap: 0.2 loc_weight: 3").text
    apart = Case("", text.replace("2 neg", "2 share_location: false neg"), [each, *others])
    assert "share_location" in apart.text
    assert run(apart)[0] == pytest.approx(run(CASES[1])[0])


def test_without_objects_nothing_counts() -> None:
    assert run(next(c for c in CASES if c.name == "nothing"))[0] == 0


def test_the_gradient_of_coded_variances_is_that_of_ssd() -> None:
    """(p - t) / v costs l, and p gets l' as it is."""
    case = CASES[-1]
    layer = make_layer(case.text, [a.shape for a in case.arrays()])
    layer.reshape(*[a.shape for a in case.arrays()])
    layer.forward(*case.arrays())
    grad = layer.backward(np.asarray(1.0))[0]
    assert abs(grad).max() <= 1 / 3
    assert np.count_nonzero(grad) >= 12


def test_matching_by_predictions() -> None:
    case = loss("", f"{CENTRES} use_prior_for_matching: false")
    offsets, *others = case.arrays()
    at_priors = [0 * offsets, *others]  # where predictions are the prior boxes
    wanted = naive(Case("", loss("", CENTRES).text, at_priors))
    assert run(Case("", case.text, at_priors))[0] == pytest.approx(wanted)
    assert run(case)[0] != pytest.approx(run(loss("", CENTRES))[0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("background_label_id: 3", "background_label_id must be below num_classes 3; given 3"),
        (
            "share_location: false use_prior_for_matching: false",
            "share_location: false places a box for each class.* use_prior_for_matching and",
        ),
        ("share_location: false nms_param { }", "with nms_param, use_prior_for_nms must be true"),
        (
            "map_object_to_agnostic: true",
            "map_object_to_agnostic needs num_classes 2 and .* given 3 and 0",
        ),
        (
            "do_neg_mining: false mining_type: MAX_NEGATIVE",
            "do_neg_mining and mining_type must agree; given false and MAX_NEGATIVE",
        ),
        ("mining_type: HARD_EXAMPLE sample_size: 0", "sample_size must be at least 1; given 0"),
    ],
)
def test_what_it_refuses(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make_layer(loss("", fields).text, [a.shape for a in arrays()])


def test_refuses_shapes_and_classes() -> None:
    offsets, scores, priors, rows = arrays()
    layer = make_layer(CASES[0].text, [a.shape for a in arrays()])
    with pytest.raises(ShapeError, match="scores must be 3 for each of 16 prior boxes, 2 times"):
        layer.reshape(offsets.shape, offsets.shape, priors.shape, rows.shape)
    with pytest.raises(ShapeError, match=r"rows of 8 numbers; given \(1, 7\)"):
        layer.reshape(offsets.shape, scores.shape, priors.shape, (1, 7))
    for label in (0, 3, -2, np.nan):
        rows[0, 0, 0, 1] = label
        with pytest.raises(DataError, match=f"an object has class {label:g}; classes are 0 to 2"):
            layer.forward(offsets, scores, priors, rows)
    with pytest.raises(NetError, match="num_classes must be at least 1"):
        make_layer("type: 'MultiBoxLoss'", [a.shape for a in arrays()])

"""DetectionOutput against loops over images, classes and boxes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.layers.boxes import decode
from netcfg.netcfg_pb2 import PriorBoxParameter as Code
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run
from tests.layers.test_boxes import best_first, some

N, P, K = 2, 12, 4


def arrays(sets: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    priors = np.stack([some(P).reshape(-1), np.tile([0.1, 0.1, 0.2, 0.2], P)])[None]
    return [rng.normal(0, 1, (N, 4 * P * sets)), rng.uniform(0, 1, (N, P * K)), priors]


def output(name: str, fields: str, sets: int = 1) -> Case:
    text = f"type: 'DetectionOutput' detection_output_param {{ num_classes: {K} {fields} }}"
    return Case(name, text, arrays(sets), gradient=False)


CENTRES = "code_type: CENTER_SIZE confidence_threshold: 0.3 nms_param { nms_threshold: 0.4"
DEFINED = [
    output("corners", "confidence_threshold: 0.5"),
    output("centres", f"{CENTRES} top_k: 6 }} keep_top_k: 10"),
    output("no background", f"{CENTRES} }} background_label_id: -1 keep_top_k: -1"),
    output("eta", "nms_param { nms_threshold: 0.9 eta: 0.3 }"),
    output("offsets by class", f"{CENTRES} }} share_location: false", sets=K),
    output("no variances", f"{CENTRES} }} variance_encoded_in_target: true"),
]
NOTHING = output("nothing", "confidence_threshold: 2 keep_top_k: 1")
"""Only as many rows as promised: those of the other cases are as many as the values say."""
CASES = [Case("one image", NOTHING.text, [a[:1] for a in arrays()], gradient=False)]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def naive(case: Case) -> np.ndarray:
    offsets, scores, priors = case.arrays()
    layer: Any = make_layer(case.text, [a.shape for a in case.arrays()])
    param = layer.config.detection_output_param
    sets = 1 if param.share_location else K
    boxes, variances = priors[0].reshape(2, P, 4)
    rows = []
    for n in range(N):
        found = []
        for k in range(K):
            if k == param.background_label_id:
                continue
            own = offsets[n].reshape(P, sets, 4)[:, k if sets > 1 else 0]
            scale = 1 if param.variance_encoded_in_target else variances
            where = decode(boxes, own * scale, param.code_type)
            score = scores[n].reshape(P, K)[:, k]
            order = [i for i in np.argsort(-score) if score[i] > param.confidence_threshold]
            order = order[: param.nms_param.top_k or P]
            threshold, eta = param.nms_param.nms_threshold, param.nms_param.eta
            for i in best_first(where[order], threshold, eta):
                found.append((n, k, score[order[i]], *where[order[i]]))
        found.sort(key=lambda row: -row[2])
        rows += sorted(found[: param.keep_top_k if param.keep_top_k >= 0 else None])
    return np.array(sorted(rows, key=lambda row: (row[0], row[1], -row[2])))


@pytest.mark.parametrize("case", DEFINED, ids=lambda c: c.name)
def test_definition(case: Case) -> None:
    found = run(case)[0]
    assert found.shape[:2] == (1, 1)
    np.testing.assert_allclose(found[0, 0], naive(case), rtol=1e-9)
    assert len(found[0, 0]) > 4


def test_eta_thins_out_more() -> None:
    eta = next(c for c in DEFINED if c.name == "eta")
    plain = output("", "nms_param { nms_threshold: 0.9 }")
    assert len(run(eta)[0][0, 0]) < len(run(plain)[0][0, 0])


def test_images_to_draw_on_are_passed_over() -> None:
    case = DEFINED[0]
    with_images = Case("", case.text, [*case.bottoms, np.zeros((N, 3, 5, 5))], gradient=False)
    np.testing.assert_array_equal(run(with_images)[0], run(case)[0])


def test_a_row_for_each_image_where_nothing_is_found() -> None:
    (top,) = run(output("", "confidence_threshold: 2"))
    assert top[0, 0].tolist() == [[0, -1, -1, -1, -1, -1, -1], [1, -1, -1, -1, -1, -1, -1]]


def test_codes_have_the_numbers_of_ssd() -> None:
    assert (Code.CORNER, Code.CENTER_SIZE, Code.CORNER_SIZE) == (1, 2, 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("nms_param { nms_threshold: -1 }", "nms_threshold must not be negative; given -1"),
        ("nms_param { eta: 0 }", "eta must be above 0 and at most 1; given 0"),
        ("visualize: true", "take it out, and use netcfg detect"),
    ],
)
def test_what_it_refuses(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make_layer(output("", fields).text, [a.shape for a in arrays()])


def test_wants_to_know_the_classes() -> None:
    with pytest.raises(NetError, match="num_classes must be at least 1; given 0"):
        make_layer("type: 'DetectionOutput'", [a.shape for a in arrays()])


def test_refuses_shapes_that_do_not_fit() -> None:
    case = output("", "")
    offsets, scores, priors = (a.shape for a in arrays())
    layer = make_layer(case.text, [offsets, scores, priors])
    with pytest.raises(ShapeError, match="scores must be 4 for each of 12 prior boxes, 2 times"):
        layer.reshape(offsets, (N, P), priors)
    with pytest.raises(ShapeError, match="offsets must be 4 for each of 12 prior boxes"):
        layer.reshape((N, P), scores, priors)
    with pytest.raises(ShapeError, match=r"must have shape \(1, 2, 4 P\); given \(1, 3, 4\)"):
        layer.reshape(offsets, scores, (1, 3, 4))


def test_writes_files_when_all_images_are_seen(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text(
        "".join(f'item {{ name: "c{k}" label: {k} }}' for k in range(K))
    )
    (tmp_path / "sizes").write_text("one 100 200\ntwo 50 50\n")
    fields = f"""confidence_threshold: 0.5 save_output_param {{ output_directory: "{tmp_path}/out"
      output_name_prefix: "comp4_" output_format: "VOC" label_map_file: "{tmp_path}/labels"
      name_size_file: "{tmp_path}/sizes" }}"""
    (top,) = run(output("", fields))
    rows = top[0, 0][top[0, 0][:, 1] == 2]
    lines = (tmp_path / "out/comp4_c2.txt").read_text().splitlines()
    assert len(lines) == len(rows) > 0
    name, score, xmin, *_ = lines[0].split()
    assert name == ["one", "two"][int(rows[0, 0])]
    assert float(score) == pytest.approx(rows[0, 2], rel=1e-4)
    width = [200, 50][int(rows[0, 0])]
    assert float(xmin) == pytest.approx(np.clip(rows[0, 3], 0, 1) * width, rel=1e-4)

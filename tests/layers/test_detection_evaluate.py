"""DetectionEvaluate: which detections are right."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

A, B, FAR = (0.1, 0.1, 0.5, 0.5), (0.5, 0.5, 0.9, 0.9), (0.7, 0.0, 0.9, 0.2)
TRUTH = [
    (0, 1, 0, *A, 0),
    (0, 1, 0, *B, 1),
    (0, 2, 0, *A, 0),
    (2, 1, 0, *B, 0),
]
FOUND = [
    (0, 1, 0.6, *A),
    (0, 1, 0.9, 0.1, 0.1, 0.5, 0.45),
    (0, 1, 0.7, *B),
    (0, 2, 0.8, *FAR),
    (1, 1, 0.5, *A),
    (2, 2, 0.4, *B),
    (2, -1, -1, -1, -1, -1, -1),
]


def evaluate(name: str, fields: str, found: list = FOUND, truth: list = TRUTH) -> Case:
    text = f"type: 'DetectionEvaluate' detection_evaluate_param {{ {fields} }}"
    return Case(name, text, [np.array([[found]]), np.array([[truth]])], gradient=False)


CASES = [evaluate("all are detections", "num_classes: 3", FOUND[:-1])]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def rows(case: Case) -> list[tuple[float, ...]]:
    return [tuple(row) for row in run(case)[0][0, 0].tolist()]


def test_each_object_is_found_once() -> None:
    assert rows(evaluate("", "num_classes: 3")) == [
        (-1, 1, 3, -1, -1),
        (-1, 2, 1, -1, -1),
        (0, 1, 0.9, 1, 0),
        (0, 1, 0.7, 1, 0),
        (0, 1, 0.6, 0, 1),
        (0, 2, 0.8, 0, 1),
        (1, 1, 0.5, 0, 1),
        (2, 2, 0.4, 0, 1),
    ]


def test_difficult_objects_do_not_count() -> None:
    found = rows(evaluate("", "num_classes: 3 evaluate_difficult_gt: false"))
    assert found[0] == (-1, 1, 2, -1, -1)
    assert found[3] == (0, 1, 0.7, 0, 0)


def test_the_threshold_may_be_reached() -> None:
    case = "num_classes: 3 overlap_threshold: %s"
    assert rows(evaluate("", case % 0.87))[2] == (0, 1, 0.9, 1, 0)
    found = rows(evaluate("", case % 0.88))
    assert found[2] == (0, 1, 0.9, 0, 1)
    assert found[4] == (0, 1, 0.6, 1, 0)


def test_without_background() -> None:
    truth = [(0, 0, 0, *A, 0)]
    found = rows(evaluate("", "num_classes: 1 background_label_id: 9", [(0, 0, 0.5, *A)], truth))
    assert found == [(-1, 0, 1, -1, -1), (0, 0, 0.5, 1, 0)]


def test_no_objects_at_all() -> None:
    nothing = [(-1,) * 8]
    found = rows(evaluate("", "num_classes: 2", [(0, 1, 0.5, *A)], nothing))
    assert found == [(-1, 1, 0, -1, -1), (0, 1, 0.5, 0, 1)]


def test_pixels_have_edges(tmp_path: Path) -> None:
    (tmp_path / "sizes").write_text("a 10 10\n")
    fields = f'num_classes: 2 overlap_threshold: 0.6 name_size_file: "{tmp_path}/sizes"'
    found, truth = [(0, 1, 0.5, 0, 0, 0.2, 0.2)], [(0, 1, 0, 0, 0, 0.2, 0.3, 0)]
    # As shares 4 of 6 hundredths; in pixels 3 x 3 of 3 x 4.
    assert rows(evaluate("", fields.replace("0.6", "0.7"), found, truth))[1][3:] == (1, 0)
    assert rows(evaluate("", "num_classes: 2 overlap_threshold: 0.7", found, truth))[1][3:] == (
        0,
        1,
    )


def test_the_images_of_a_file_go_on_from_batch_to_batch(tmp_path: Path) -> None:
    (tmp_path / "sizes").write_text("a 10 10\nb 10 10\nc 10 10\nd 1000 1000\n")
    fields = f'num_classes: 2 overlap_threshold: 0.7 name_size_file: "{tmp_path}/sizes"'
    found, truth = [(1, 1, 0.5, 0, 0, 0.2, 0.2)], [(1, 1, 0, 0, 0, 0.2, 0.3, 0)]
    case = evaluate("", fields, found, truth)
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    # Only the edges of small images make 2 of 3 more than 0.7; image 0 of each batch is empty.
    right = [layer.forward(*xs)[0, 0, 1, 3] for _ in range(4)]
    assert right == [1, 0, 1, 0]


def test_what_it_refuses() -> None:
    shapes = [(1, 1, 2, 7), (1, 1, 2, 8)]
    with pytest.raises(NetError, match="num_classes must be at least 1; given 0"):
        make_layer("type: 'DetectionEvaluate'", shapes)
    with pytest.raises(NetError, match="overlap_threshold must be positive; given 0"):
        make_layer(evaluate("", "num_classes: 3 overlap_threshold: 0").text, shapes)
    layer = make_layer(CASES[0].text, shapes)
    with pytest.raises(
        ShapeError, match=r"objects must be rows of 8 numbers; given \(1, 1, 2, 7\)"
    ):
        layer.reshape(shapes[0], shapes[0])
    with pytest.raises(DataError, match="a detection has class 0, the background's"):
        run(evaluate("", "num_classes: 2", [(0, 0, 0.5, *A)]))

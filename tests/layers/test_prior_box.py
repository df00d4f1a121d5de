"""PriorBox against loops over cells and sizes."""

import math

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

MAP, IMAGE = (2, 5, 3, 4), (2, 3, 60, 100)


def prior_box(name: str, fields: str) -> Case:
    text = f"type: 'PriorBox' prior_box_param {{ {fields} }}"
    return Case(name, text, [MAP, IMAGE], gradient=False)


CASES = [
    prior_box("one size", "min_size: 20"),
    prior_box("sizes and ratios", "min_size: [20, 30] max_size: [40, 50] aspect_ratio: [2, 3]"),
    prior_box("no flip", "min_size: 20 aspect_ratio: [2, 2, 1, 0.5] flip: false"),
    prior_box("clip", "min_size: 70 clip: true variance: [0.1, 0.1, 0.2, 0.2]"),
    prior_box("given image", "min_size: 20 img_h: 30 img_w: 40 step: 8 offset: 0.25"),
    prior_box("given steps", "min_size: 20 img_size: 80 step_h: 9 step_w: 7"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def boxes(case: Case) -> np.ndarray:
    """Return corners (H, W, P, 4)."""
    return run(case)[0][0, 0].reshape(3, 4, -1, 4)


def test_sizes_of_a_cell() -> None:
    found = boxes(CASES[1])[1, 2]
    centre = (2.5 * 25, 1.5 * 20)
    sizes = []
    for s, t in ((20, 40), (30, 50)):
        sizes += [(s, s), (math.sqrt(s * t),) * 2]
        for ratio in (2, 1 / 2, 3, 1 / 3):
            sizes.append((s * math.sqrt(ratio), s / math.sqrt(ratio)))
    for box, (w, h) in zip(found, sizes, strict=True):
        corners = centre[0] - w / 2, centre[1] - h / 2, centre[0] + w / 2, centre[1] + h / 2
        assert box * [100, 60, 100, 60] == pytest.approx(corners)


def test_ratios_that_are_there_already_are_left_out() -> None:
    assert boxes(CASES[2]).shape[2] == 3  # 1, 2 and 0.5


def test_cells_follow_each_other_along_the_rows() -> None:
    found = boxes(CASES[0])
    middles = (found[..., 0, :2] + found[..., 0, 2:]) / 2 * [100, 60]
    for i, j in np.ndindex(3, 4):
        assert middles[i, j] == pytest.approx([(j + 0.5) * 25, (i + 0.5) * 20])


def test_image_steps_and_offset_that_are_given() -> None:
    middle = boxes(CASES[4])[1, 2, 0].reshape(2, 2).mean(axis=0)
    assert middle == pytest.approx([2.25 * 8 / 40, 1.25 * 8 / 30])
    middle = boxes(CASES[5])[1, 2, 0].reshape(2, 2).mean(axis=0)
    assert middle == pytest.approx([2.5 * 7 / 80, 1.5 * 9 / 80])


def test_clip_and_variances() -> None:
    (top,) = run(CASES[3])
    assert top[0, 0].min() == 0
    assert top[0, 0].max() == 1
    assert top[0, 1].reshape(-1, 4)[5] == pytest.approx([0.1, 0.1, 0.2, 0.2])
    assert run(CASES[0])[0][0, 1] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", r"min_size must be given, and positive; given \[\]"),
        ("min_size: 2 max_size: [3, 4]", "as often as min_size, 1 times, or not at all; given 2"),
        ("min_size: 5 max_size: 5", "max_size must be greater than min_size; given 5 and 5"),
        ("min_size: 5 variance: [1, 2]", r"one positive number or four; given \[1.0, 2.0\]"),
        ("min_size: 5 aspect_ratio: 0", "aspect_ratio must be positive"),
        ("min_size: 5 step: -8", "must not be negative; given -8, 0 and 0"),
        ("min_size: 5 step: 8 step_w: 4", "not both, must not be negative; given 8, 0 and 4"),
        ("min_size: 5 img_h: 3", "img_h and img_w belong together; given 3 and 0"),
    ],
)
def test_what_it_refuses(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make_layer(f"type: 'PriorBox' prior_box_param {{ {fields} }}", [MAP, IMAGE]).reshape(
            MAP, IMAGE
        )


def test_refuses_what_is_no_map() -> None:
    layer = make_layer(CASES[0].text, [MAP, IMAGE])
    with pytest.raises(ShapeError, match=r"a map and an image \(N, C, H, W\); given \(2, 3\)"):
        layer.reshape((2, 3), IMAGE)

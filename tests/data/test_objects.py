import numpy as np
import pytest

from netcfg.data.objects import (
    NONE,
    WHOLE,
    area,
    common_area,
    coverage,
    jaccard,
    mirrored,
    project,
)
from netcfg.netcfg_pb2 import EmitConstraint

BOXES = np.array([[0, 0, 0.5, 0.5], [0.25, 0.25, 0.75, 0.5], [0.6, 0.6, 0.5, 0.9]], np.float32)


def objects(*boxes: list[float]) -> np.ndarray:
    """Return objects of classes 1, 2, … with these boxes, every second difficult."""
    rows = [[i + 1, i, *box, i % 2] for i, box in enumerate(boxes)]
    return np.array(rows, np.float32).reshape(-1, 7)


def test_areas() -> None:
    np.testing.assert_allclose(area(BOXES), [0.25, 0.125, 0])
    np.testing.assert_allclose(common_area(BOXES[0], BOXES), [0.25, 0.0625, 0])
    np.testing.assert_allclose(coverage(BOXES[0], BOXES), [1, 0.25, 0])
    np.testing.assert_allclose(coverage(BOXES, BOXES[0]), [1, 0.5, 0])
    np.testing.assert_allclose(jaccard(BOXES[:, None], BOXES[None])[0], [1, 0.0625 / 0.3125, 0])
    assert jaccard(BOXES[2], BOXES[2]) == 0


def test_mirrored() -> None:
    turned = mirrored(objects([0.125, 0.25, 0.5, 0.75]))
    np.testing.assert_array_equal(turned, [[1, 0, 0.5, 0.25, 0.875, 0.75, 0]])


def test_project() -> None:
    part = np.array([0.5, 0, 1, 0.5], np.float32)
    rows = objects(
        [0, 0, 0.5, 0.5], [0.25, 0.25, 0.75, 1], [0.6, 0.1, 0.6, 0.2], [0.75, 0, 1, 0.25]
    )
    np.testing.assert_allclose(
        project(rows, part), [[2, 1, 0, 0.5, 0.5, 1, 1], [4, 3, 0.5, 0, 1, 0.5, 1]]
    )
    canvas = np.array([-1, -1, 1, 1], np.float32)
    np.testing.assert_allclose(
        project(objects([0, 0.5, 1, 1]), canvas), [[1, 0, 0.5, 0.75, 1, 1, 0]]
    )
    np.testing.assert_array_equal(project(rows[:2], WHOLE), rows[:2])
    assert project(NONE, part).shape == (0, 7)


@pytest.mark.parametrize(
    ("emit", "kept"),
    [
        (EmitConstraint(), [2]),  # its centre lies in the part
        (EmitConstraint(emit_type="MIN_OVERLAP", emit_overlap=0.2), [1, 2]),
        (EmitConstraint(emit_type="MIN_OVERLAP", emit_overlap=0.25), [2]),
        (EmitConstraint(emit_type="MIN_OVERLAP", emit_overlap=0.75), []),
        (None, [1, 2]),
    ],
)
def test_what_a_box_must_fulfil(emit: EmitConstraint | None, kept: list[int]) -> None:
    part = np.array([0.5, 0, 1, 1], np.float32)
    rows = objects([0.125, 0, 0.625, 1], [0.375, 0, 0.875, 1])
    assert project(rows, part, emit)[:, 0].tolist() == kept

import numpy as np
import pytest

from netcfg.data.mean import write_mean
from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layers.detectnet_changes import resize_cubic, rotated, turned_hue
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (2, 3, 24, 40))
BOXES = [[4.0, 3, 20, 12, 0, 2], [10, 8, 25, 30, 0, 1], [30, 2, 6, 8, 0, 5], [38, 20, 9, 9, 0, 1]]


def objects(*lists):
    rows = np.zeros((len(lists), 1, 6, 16))
    for n, boxes in enumerate(lists):
        rows[n, 0, 0, :2] = len(boxes), 16
        for i, box in enumerate(boxes):
            rows[n, 0, i + 1, : len(box)] = box
    return rows


OBJECTS = objects(BOXES, BOXES[1:2])
GROUND = (
    "stride: 4 image_size_x: 40 image_size_y: 24 max_cvg_len: 11 min_cvg_len: 9 scale_cvg: 0.625 "
)
CLASSES = "object_class { src: 1 dst: 0 } object_class { src: 2 dst: 2 } "
OFF = "crop_prob: -1 scale_prob: -1 flip_prob: -1 rotation_prob: -1 hue_rotation_prob: -1 "
OFF += "desaturation_prob: -1 "


def case(name, ground=CLASSES, change=OFF, phase=Phase.TRAIN, more="", rows=OBJECTS):
    text = (
        'type: "DetectNetTransformation" top: "data" top: "grid" '
        f"detectnet_groundtruth_param {{ {GROUND}{ground} }} "
        f"detectnet_augmentation_param {{ {change} }} {more}"
    )
    return Case(name, text, (IMAGES, rows), phase, gradient=False)


CASES = [
    case("unchanged"),
    case("everything", change="max_rotate_degree: 20 shift_x: 5 shift_y: 4"),
    case("test", phase=Phase.TEST),
    case("smallest part", f"{CLASSES} gridbox_type: GRIDBOX_MIN obj_norm: true"),
    case("one class", ""),
    case("boxes beyond the image", f"{CLASSES} crop_bboxes: false"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def run(case, seed=0):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs], phase=case.phase, seed=seed)
    layer.reshape(*[x.shape for x in xs])
    return layer.forward(*xs)


def naive(case, boxes):
    """Return the grid, one cell at a time."""
    classes = {1: 0, 2: 2} if "object_class" in case.text else {1: 0}
    grid = np.zeros((9 + max(classes.values()), 6, 10))
    for x, y, w, h, _, label in boxes:
        if label not in classes:
            continue
        x1, y1, x2, y2 = x, y, x + w, y + h
        if "crop_bboxes: false" not in case.text:
            x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, 40), min(y2, 24)
        if x2 <= x1 or y2 <= y1:
            continue
        sides = []
        for length in (x2 - x1, y2 - y1):
            part = 0.625 * length
            if "GRIDBOX_MIN" in case.text:
                sides.append(min(length, max(9, part)))
            else:
                sides.append(min(11, part))
        u1, u2 = (x1 + x2 - sides[0]) / 2, (x1 + x2 + sides[0]) / 2
        v1, v2 = (y1 + y2 - sides[1]) / 2, (y1 + y2 + sides[1]) / 2
        for i, j in np.ndindex(6, 10):
            across = min(u2, 4 * j + 4) - max(u1, 4 * j)
            down = min(v2, 4 * i + 4) - max(v1, 4 * i)
            if across > 0 and down > 0:
                norm = 16 / (sides[0] * sides[1])
                norm = norm if "obj_norm: true" in case.text else max(1, norm)
                grid[:, i, j] = 0
                grid[:8, i, j] = (
                    1, x1 - 4 * j, y1 - 4 * i, x2 - 4 * j, y2 - 4 * i, 1 / (x2 - x1),
                    1 / (y2 - y1), norm,
                )  # fmt: skip
                grid[8 + classes[label], i, j] = 1
    return grid


@pytest.mark.parametrize("case", [c for c in CASES if c.name != "everything"], ids=lambda c: c.name)
def test_the_grid_against_the_definition(case):
    images, grids = run(case)
    np.testing.assert_allclose(images, IMAGES)
    for grid, boxes in zip(grids, (BOXES, BOXES[1:2]), strict=True):
        want = naive(case, boxes)
        assert want[0].sum() > 5
        np.testing.assert_allclose(grid, want, rtol=1e-6, atol=1e-6)


def test_mirrored():
    images, grids = run(case("", change=OFF.replace("flip_prob: -1", "flip_prob: 1")))
    np.testing.assert_allclose(images, IMAGES[:, :, :, ::-1])
    flipped = [[40 - x - w - 1, y, w, h, 0, c] for x, y, w, h, _, c in BOXES]
    np.testing.assert_allclose(grids[0], naive(CASES[0], flipped), rtol=1e-6, atol=1e-6)


def test_scaled_and_cut_in_the_middle():
    change = OFF.replace("scale_prob: -1", "scale_prob: 1 scale_min: 0.5 scale_max: 0.5")
    images, grids = run(case("", change=change))
    small = resize_cubic(IMAGES[0], 12, 20)
    np.testing.assert_allclose(images[0, :, 6:18, 10:30], small)
    assert images[0].sum() == pytest.approx(small.sum())
    boxes = [[x / 2 + 10, y / 2 + 6, w / 2, h / 2, 0, c] for x, y, w, h, _, c in BOXES]
    np.testing.assert_allclose(grids[0], naive(CASES[0], boxes), rtol=1e-6, atol=1e-6)


def test_a_random_crop_moves_boxes_and_pixels_alike():
    change = OFF.replace("crop_prob: -1", "crop_prob: 1 shift_x: 8 shift_y: 6")
    found = set()
    for seed in range(6):
        images, grids = run(case("", change=change), seed)
        moves = [
            (dy, dx)
            for dy in range(-3, 4)
            for dx in range(-4, 5)
            if np.allclose(
                images[0, :, 8:16, 10:30], IMAGES[0, :, 8 + dy : 16 + dy, 10 + dx : 30 + dx]
            )
        ]
        ((dy, dx),) = moves
        boxes = [[x - dx, y - dy, w, h, 0, c] for x, y, w, h, _, c in BOXES]
        np.testing.assert_allclose(grids[0], naive(CASES[0], boxes), rtol=1e-6, atol=1e-6)
        found.add((dy, dx))
    assert len(found) > 3


def test_colours_change_before_the_mean_is_taken_away():
    change = OFF.replace("desaturation_prob: -1", "desaturation_prob: 1 desaturation_max: 1")
    more = "transform_param { mean_value: 10 mean_value: 20 mean_value: 30 }"
    images, _ = run(case("", change=change, more=more))
    mean = np.array([10, 20, 30]).reshape(3, 1, 1)
    full, gray = IMAGES[0], np.broadcast_to(IMAGES[0].max(axis=0), (3, 24, 40))
    share = ((images[0] + mean - gray) / (full - gray + 1e-12))[full < gray - 1]
    assert np.ptp(share) < 1e-6
    assert 0 < share.mean() < 1
    np.testing.assert_allclose(images[0] + mean, turned_hue(full, 0, share.mean()))


def test_rotated_about_the_middle():
    change = OFF.replace(" rotation_prob: -1", " rotation_prob: 1 max_rotate_degree: 30")
    images, _ = run(case("", change=change))
    layer = make_layer(case("", change=change).text, [IMAGES.shape, OBJECTS.shape])
    angle = (2 * layer.random().random(12)[8] - 1) * 30
    turned = rotated(IMAGES[0], angle)
    top, left = (turned.shape[1] - 24) / 2, (turned.shape[2] - 40) / 2
    want = turned[:, round(top) : round(top) + 24, round(left) : round(left) + 40]
    np.testing.assert_allclose(images[0], want)


def test_a_mean_image_takes_the_size_of_the_images(tmp_path):
    mean = RNG.uniform(0, 9, (3, 12, 20)).astype(np.float32)
    write_mean(tmp_path / "mean.binaryproto", mean)
    more = f'transform_param {{ mean_file: "{tmp_path}/mean.binaryproto" }}'
    images, _ = run(case("", more=more))
    np.testing.assert_allclose(images, IMAGES - resize_cubic(mean.astype(float), 24, 40))


def test_a_pass_can_be_repeated():
    first, again = run(CASES[1]), run(CASES[1])
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != run(CASES[1], seed=1)[0]).any()


def test_counts_beyond_the_rows_are_refused():
    rows = OBJECTS.copy()
    rows[1, 0, 0, 0] = 6
    with pytest.raises(DataError, match=r"item 1 must have at most 5 objects; .* says 6"):
        run(case("", rows=rows))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ground": "stride: 0"}, r"stride must lie in \[1, image_size_x\]; given 0"),
        ({"change": "noise_param { }"}, "noise_param is not implemented"),
        (
            {"more": "transform_param { mean_value: 1 mean_value: 2 }"},
            "mean_value must be given once or for each of 3 channels; given 2",
        ),
        (
            {"more": 'transform_param { mean_value: 1 mean_file: "m" }'},
            "mean_file and mean_value exclude each other",
        ),
    ],
)
def test_what_setup_refuses(fields, message):
    found = case("", **fields)
    text = found.text.replace("stride: 4 ", "") if "ground" in fields else found.text
    with pytest.raises(NetError, match=message):
        make_layer(text, [IMAGES.shape, OBJECTS.shape])


@pytest.mark.parametrize(
    ("x", "rows", "message"),
    [
        ((2, 1, 24, 40), OBJECTS.shape, r"images must be \(N, 3, H, W\)"),
        (IMAGES.shape, (2, 1, 6, 5), "objects must be 2 lists of rows of 16"),
    ],
)
def test_what_reshape_refuses(x, rows, message):
    layer = make_layer(CASES[0].text, [x, rows])
    with pytest.raises(ShapeError, match=message):
        layer.reshape(x, rows)

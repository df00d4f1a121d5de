"""The order of SSD's changes, and that boxes follow the pixels."""

import numpy as np
import pytest

from netcfg.data.augment import Augmentation, cut
from netcfg.data.draws import Draws
from netcfg.data.objects import NONE
from netcfg.errors import DataError, NetError
from netcfg.netcfg_pb2 import BatchSampler, TransformationParameter
from netcfg.schema import parse_net

SQUARE = (0.25, 0.25, 0.5, 0.75)
OBJECTS = np.array([[3, 0, *SQUARE, 1]], np.float32)


def config(text: str) -> TransformationParameter:
    net = f'layer {{ name: "d" type: "Data" transform_param {{ {text} }} }}'
    return parse_net(net).message.layer[0].transform_param


def picture() -> np.ndarray:
    """Return a dark image with a bright square at ``SQUARE``."""
    image = np.full((3, 80, 80), 20, np.uint8)
    image[:, 20:60, 20:40] = 220
    return image


def bright(image: np.ndarray) -> tuple[float, ...]:
    """Return where an image is bright, as shares."""
    rows, columns = np.nonzero(image[0] > 128)
    _, height, width = image.shape
    return (
        columns.min() / width,
        rows.min() / height,
        (columns.max() + 1) / width,
        (rows.max() + 1) / height,
    )


def test_nothing() -> None:
    nothing = Augmentation(config(""))
    assert not nothing.active
    image, objects = nothing(picture(), np.random.default_rng(0), OBJECTS)
    np.testing.assert_array_equal(image, picture())
    assert objects is OBJECTS


@pytest.mark.parametrize(
    "text",
    [
        "resize_param { height: 50 width: 100 }",
        "resize_param { height: 50 width: 100 resize_mode: FIT_LARGE_SIZE_AND_PAD }",
        "resize_param { height: 50 width: 100 resize_mode: FIT_SMALL_SIZE interp_mode: AREA }",
        "expand_param { max_expand_ratio: 3 } mean_value: 20",
        "expand_param { max_expand_ratio: 3 } resize_param { height: 80 width: 90 }",
        "distort_param { brightness_prob: 1 brightness_delta: 9 }",
        "noise_param { erode: true }",
    ],
)
@pytest.mark.parametrize("sampled", [False, True])
def test_boxes_stay_on_their_objects(text: str, sampled: bool) -> None:
    samplers = []
    if sampled:
        samplers = [BatchSampler(max_sample=1, max_trials=50)]
        samplers[0].sampler.min_scale = 0.3
        samplers[0].sampler.max_aspect_ratio = 2
        samplers[0].sample_constraint.min_object_coverage = 0.3
    change, rng = Augmentation(config(text), samplers), np.random.default_rng(4)
    assert change.active
    for _ in range(25):
        image, objects = change(picture(), rng, OBJECTS)
        assert objects[:, [0, 1, 6]].tolist() == [[3, 0, 1]]
        # A part begins and ends between pixels, of which it has few where it is small.
        margin = 2.5 / min(image.shape[1:]) + (0.06 if sampled else 0)
        np.testing.assert_allclose(objects[0, 2:6], bright(image), atol=margin)


def test_parts_by_chance() -> None:
    sampler = BatchSampler(max_sample=1, max_trials=1)
    sampler.sampler.min_scale = sampler.sampler.max_scale = 0.5
    change, rng = (
        Augmentation(config(""), [BatchSampler(max_sample=1), sampler]),
        np.random.default_rng(4),
    )
    sizes = {change(picture(), rng)[0].shape[1] for _ in range(40)}
    assert sizes == {80, 40, 39}  # of sides between whole pixels the fraction is lost


def test_cut() -> None:
    image = np.arange(100, dtype=np.uint8).reshape(1, 10, 10)
    part = np.array([0.25, 0.5, 0.8, 0.99], np.float32)
    np.testing.assert_array_equal(cut(image, part), image[:, 5:9, 2:7])
    tiny = np.array([0.999, 0.999, 1, 1], np.float32)
    np.testing.assert_array_equal(cut(image, tiny), image[:, 9:, 9:])


def test_emit_constraint_holds_for_parts_and_canvases() -> None:
    sampler = BatchSampler(max_sample=1, max_trials=200)
    sampler.sampler.min_scale = sampler.sampler.max_scale = 0.4
    sampler.sample_constraint.max_object_coverage = 0.45
    sampler.sample_constraint.min_object_coverage = 0.1
    rng = np.random.default_rng(0)
    assert len(Augmentation(config(""), [sampler])(picture(), rng, OBJECTS)[1]) == 1
    emit = "emit_constraint { emit_type: MIN_OVERLAP emit_overlap: 0.5 }"
    change = Augmentation(config(emit), [sampler])
    assert len(change(picture(), rng, OBJECTS)[1]) == 0
    far = OBJECTS.copy()
    far[0, 2:6] = 0.9, 0.9, 1.2, 1.2
    emit = "emit_constraint { emit_type: CENTER } expand_param { max_expand_ratio: 1.02 }"
    assert len(Augmentation(config(emit))(picture(), rng, far)[1]) == 0


def test_which_resize_and_whether() -> None:
    several = "resize_param { height: 8 width: 8 } resize_param { height: 9 width: 9 }"
    change, rng = Augmentation(config(several)), np.random.default_rng(0)
    assert change(picture(), rng, NONE, 1)[0].shape == (3, 9, 9)
    some = Augmentation(config("resize_param { height: 8 width: 8 prob: 0.5 }"))
    shapes = [some(picture(), rng)[0].shape for _ in range(100)]
    assert 30 < shapes.count((3, 8, 8)) < 70


def test_of_several_sizes_each_comes_as_often_as_it_says() -> None:
    text = "resize_param { height: 8 width: 8 prob: 0.1 }"
    text += "resize_param { height: 9 width: 9 prob: 0.9 }"
    change, draws = Augmentation(config(text)), Draws(1, "data")
    taken = [change.choose(k, draws) for k in range(200)]
    assert 5 < taken.count(0) < 40
    rng = np.random.default_rng(0)
    assert {change(picture(), rng, NONE, 0)[0].shape for _ in range(20)} == {(3, 8, 8)}


def test_noise_comes_after_the_resize() -> None:
    text = "resize_param { height: 40 width: 40 } noise_param { erode: true }"
    image, _ = Augmentation(config(text))(picture(), np.random.default_rng(0))
    assert bright(image) == (11 / 40, 11 / 40, 19 / 40, 29 / 40)


def test_refused() -> None:
    with pytest.raises(NetError, match="a canvas with mean_value; mean_file cannot be used"):
        Augmentation(config('expand_param { max_expand_ratio: 2 } mean_file: "mean"'))
    change = Augmentation(config("noise_param { inverse: true }"))
    floats = picture().astype(np.float32)
    with pytest.raises(DataError, match="need values of 8 bits; the record holds floats"):
        change(floats, np.random.default_rng(0))
    wrong = BatchSampler()
    wrong.sampler.min_scale = 2
    with pytest.raises(NetError, match="min_scale <= max_scale"):
        Augmentation(config(""), [wrong])

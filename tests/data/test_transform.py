import numpy as np
import pytest

from netcfg.data.draws import Draws, Numbers
from netcfg.data.transform import Transform
from netcfg.errors import DataError, NetError
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.types import Phase
from tests.data.databases import images

NUMBERS = Draws(1, "data")


def transform(
    phase: Phase = Phase.TEST, mean: np.ndarray | None = None, **fields: object
) -> Transform:
    return Transform(TransformationParameter(**fields), phase, mean)  # type: ignore[arg-type]


def numbers(count: int) -> Numbers:
    return NUMBERS.numbers(0, count)


def test_nothing_to_do() -> None:
    x = images(4)
    y = transform()(list(x), None)
    assert y.dtype == np.float32
    assert np.array_equal(y, x)
    assert not transform().random


def test_scale_comes_after_the_mean() -> None:
    x = images(4)
    y = transform(mean_value=[10, 20, 30], scale=0.5)(list(x), None)
    want = (x - np.array([10, 20, 30], np.float32)[:, None, None]) * np.float32(0.5)
    assert np.array_equal(y, want)
    assert np.array_equal(transform(mean_value=[10], scale=2)(list(x), None), (x - 10.0) * 2)


def test_mirrored_flow_goes_the_other_way() -> None:
    x = images(8)
    y = transform(mirror=True, is_flow=True, mean_value=[128])(list(x), numbers(8))
    turned = transform(mirror=True)(list(x), numbers(8))
    plain = (turned == x).all(axis=(1, 2, 3))
    assert 0 < plain.sum() < 8
    np.testing.assert_array_equal(y[plain], x[plain] - 128.0)
    np.testing.assert_array_equal(y[~plain][:, ::2], 127.0 - turned[~plain][:, ::2])
    np.testing.assert_array_equal(y[~plain][:, 1], turned[~plain][:, 1] - 128.0)
    again = transform(mirror=True, is_flow=True, mean_value=[128])(x, numbers(8))
    np.testing.assert_array_equal(again, y)


def test_mean_image() -> None:
    x, mean = images(4), images(1, seed=9)[0].astype(np.float32)
    assert np.array_equal(transform(mean=mean)(list(x), None), x - mean)
    y = transform(mean=mean, crop_size=3)(list(x), None)
    assert np.array_equal(y, (x - mean)[:, :, 1:4, 1:4])


def test_center_crop_rounds_down() -> None:
    x = images(2, (1, 6, 5))
    assert np.array_equal(transform(crop_size=3)(list(x), None), x[:, :, 1:4, 1:4])
    assert np.array_equal(transform(crop_size=4)(list(x), None), x[:, :, 1:5, 0:4])
    assert np.array_equal(transform(crop_size=5)(list(x), None), x[:, :, 0:5, 0:5])


def test_crops_of_different_images() -> None:
    small, large = images(1, (3, 6, 5))[0], images(1, (3, 9, 8))[0]
    y = transform(crop_size=4)([small, large], None)
    assert np.array_equal(y[0], small[:, 1:5, 0:4])
    assert np.array_equal(y[1], large[:, 2:6, 2:6])


def test_random_crops_reach_every_corner_alike() -> None:
    count = 4000
    x = np.arange(30, dtype=np.uint8).reshape(1, 6, 5)
    t = transform(Phase.TRAIN, crop_size=3)
    assert t.random
    y = t([x] * count, numbers(count))
    tops, lefts = np.divmod(y[:, 0, 0, 0].astype(int), 5)
    want = x[0, tops[:, None, None] + np.arange(3)[:, None], lefts[:, None, None] + np.arange(3)]
    assert np.array_equal(y[:, 0], want)
    corners = np.bincount(3 * tops + lefts, minlength=12)
    assert len(corners) == 12
    assert np.abs(corners - count / 12).max() < 5 * (count / 12) ** 0.5


def test_random_crop_takes_the_mean_with_it() -> None:
    x = images(1)[0]
    y = transform(Phase.TRAIN, mean=x.astype(np.float32), crop_size=3)([x] * 20, numbers(20))
    assert not y.any()


def test_a_crop_of_the_whole_image_is_not_moved() -> None:
    x = images(3, (1, 4, 4))
    assert np.array_equal(transform(Phase.TRAIN, crop_size=4)(list(x), numbers(3)), x)


@pytest.mark.parametrize("phase", Phase)
def test_mirror_turns_half_of_the_images_in_every_phase(phase: Phase) -> None:
    count = 2000
    x = images(1)[0]
    mean = images(1, seed=9)[0].astype(np.float32)
    t = transform(phase, mean=mean, mirror=True)
    assert t.random
    y = t([x] * count, numbers(count))
    straight = (y == x - mean).all(axis=(1, 2, 3))
    turned = (y == (x - mean)[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (straight ^ turned).all()
    assert abs(turned.sum() - count / 2) < 4 * (count / 4) ** 0.5


def test_one_record_is_transformed_alike_in_any_batch() -> None:
    x = list(images(12, (3, 9, 9)))
    t = transform(Phase.TRAIN, crop_size=5, mirror=True)
    whole = t(x, NUMBERS.numbers(30, 12))
    part = t(x[4:6], NUMBERS.numbers(34, 2))
    assert np.array_equal(whole[4:6], part)


def test_bytes_and_floats_in_one_batch() -> None:
    x = images(2)
    half = x[1] + np.float32(0.5)
    y = transform()([x[0], half], None)
    assert np.array_equal(y[0], x[0])
    assert np.array_equal(y[1], half)


def test_inputs_are_not_written_to() -> None:
    x = images(2).astype(np.float32)
    x.flags.writeable = False
    transform(mirror=True, scale=2, mean_value=[1])(list(x), numbers(2))


def test_shapes() -> None:
    assert transform().shape((3, 6, 5)) == (3, 6, 5)
    assert transform(crop_size=5).shape((3, 6, 5)) == (3, 5, 5)


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (transform(crop_size=6), r"crop_size 6 exceeds the image, 6 x 5 \(height x width\)"),
        (transform(mean_value=[1, 2]), "for each of the 3 channels; given 2"),
        (
            transform(mean=np.zeros((3, 5, 5), np.float32)),
            r"mean_file has shape \(3, 5, 5\), the image \(3, 6, 5\)",
        ),
    ],
)
def test_what_does_not_fit(t: Transform, message: str) -> None:
    with pytest.raises(DataError, match=message):
        t.shape((3, 6, 5))


def test_fields_that_exclude_each_other() -> None:
    with pytest.raises(NetError, match="mean_file and mean_value exclude"):
        transform(mean=np.zeros((1, 1, 1), np.float32), mean_value=[1])
    with pytest.raises(NetError, match="force_color and force_gray exclude"):
        transform(force_color=True, force_gray=True)


def test_crops_of_two_sizes() -> None:
    x = images(3, (1, 6, 7))
    assert np.array_equal(transform(crop_h=2, crop_w=5)(list(x), None), x[:, :, 2:4, 1:6])
    random = transform(Phase.TRAIN, crop_h=2, crop_w=5)
    assert random.random
    assert random.shape((1, 6, 7)) == (1, 2, 5)
    corners = {cut[:4] for cut in random.cuts(list(x) * 40, numbers(120))}
    assert corners == {(t, t + 2, c, c + 5) for t in range(5) for c in range(3)}
    with pytest.raises(DataError, match="crop_size 2 x 8 exceeds the image, 6 x 7"):
        transform(crop_h=2, crop_w=8).shape((1, 6, 7))
    for fields in ({"crop_h": 2}, {"crop_size": 2, "crop_h": 2, "crop_w": 2}):
        with pytest.raises(NetError, match="a crop is crop_size, or both crop_h and crop_w"):
            transform(**fields)


ALL_FIELDS = [
    {},
    {"scale": 0.5},
    {"mean_value": [10, 20, 30]},
    {"mirror": True},
    {"crop_size": 4, "mirror": True, "mean_value": [7], "scale": 0.1},
]


@pytest.mark.parametrize(
    ("fields", "with_mean"),
    [(f, m) for f in ALL_FIELDS for m in (False, True) if not (m and "mean_value" in f)],
)
@pytest.mark.parametrize("layout", ["planes", "pixels"])
def test_one_by_one_and_together_give_the_same(
    fields: dict[str, object], with_mean: bool, layout: str
) -> None:
    x = images(8)
    if layout == "pixels":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    mean = images(1, seed=9)[0].astype(np.float32) if with_mean else None
    t = transform(Phase.TRAIN, mean, **fields)
    together, single = t(x, numbers(8)), t(list(x), numbers(8))
    for i, (top, bottom, left, right, turned) in enumerate(
        t.cuts(x, numbers(8)) or [(0, 6, 0, 5, False)] * 8
    ):
        want = x[i].astype(np.float32)
        if with_mean:
            want -= mean
        elif "mean_value" in fields:
            want -= np.array(fields["mean_value"], np.float32)[:, None, None]
        want = (want * np.float32(fields.get("scale", 1)))[:, top:bottom, left:right]
        want = want[:, :, ::-1] if turned else want
        assert np.array_equal(together[i], want)
        assert np.array_equal(single[i], want)


@pytest.mark.parametrize("given", [list, np.array])
def test_batches_are_channels_last(given: type) -> None:
    y = transform(mean_value=[1])(given(images(2)), None)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("given", [list, np.array])
def test_memory_comes_again_when_nobody_looks_at_it(given: type) -> None:
    t = transform(mirror=True)
    x = given(images(3))
    kept = t(x, numbers(3))
    copy, first = kept.copy(), t(x, numbers(3)).ctypes.data
    blocks = t.memory.allocated
    assert blocks >= 2
    assert {t(x, numbers(3)).ctypes.data for _ in range(5)} == {first}
    assert t.memory.allocated == blocks
    view = kept[0, 0]
    del kept
    assert t(x, numbers(3)).ctypes.data == first, "a view holds a batch"
    assert np.array_equal(view, copy[0, 0])

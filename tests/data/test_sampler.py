import numpy as np
import pytest

from netcfg.data.objects import coverage, jaccard
from netcfg.data.sampler import check_sampler, fulfils, jittered, random_parts, sample_parts
from netcfg.errors import NetError
from netcfg.netcfg_pb2 import BatchSampler, SampleConstraint, Sampler

NO_BOXES = np.empty((0, 4), np.float32)
BOXES = np.array([[0.2, 0.2, 0.6, 0.6], [0.7, 0.1, 0.9, 0.3]], np.float32)


def generator() -> np.random.Generator:
    return np.random.default_rng(5)


def test_parts_have_scale_and_shape_and_lie_in_the_image() -> None:
    sampler = Sampler(min_scale=0.3, max_scale=0.9, min_aspect_ratio=0.5, max_aspect_ratio=2)
    parts = random_parts(sampler, 2000, generator()).astype(float)
    assert parts.min() >= 0
    assert parts.max() <= 1 + 1e-6
    width, height = (parts[:, 2:] - parts[:, :2]).T
    scale, ratio = np.sqrt(width * height), width / height
    assert 0.3 - 1e-5 <= scale.min() < 0.31
    assert 0.89 < scale.max() <= 0.9 + 1e-5
    assert 0.5 - 1e-4 <= ratio.min() < 0.52
    assert 1.9 < ratio.max() <= 2 + 1e-4
    large = scale > 0.85  # a ratio of 2 does not fit any more
    assert (ratio[large] <= 1 / scale[large] ** 2 + 1e-4).all()
    assert 0.4 < ((parts[:, 0] + parts[:, 2]) / 2).mean() < 0.6


def test_the_default_is_the_whole_image() -> None:
    np.testing.assert_allclose(random_parts(Sampler(), 3, generator()), [[0, 0, 1, 1]] * 3)


def test_jittered_parts_lie_in_the_image() -> None:
    rng = generator()
    parts = np.concatenate([jittered(0.3, rng) for _ in range(500)]).astype(float)
    assert parts.min() >= 0
    assert parts.max() <= 1 + 1e-6
    sides = parts[:, 2:] - parts[:, :2]
    assert 0.7 - 1e-6 <= sides.min() < 0.71
    assert 0.99 < sides.max() <= 1
    assert abs(sides[:, 0] - sides[:, 1]).max() > 0.2
    np.testing.assert_array_equal(jittered(0, rng), [[0, 0, 1, 1]])


@pytest.mark.parametrize("measure", ["jaccard_overlap", "sample_coverage", "object_coverage"])
@pytest.mark.parametrize("which", ["min", "max"])
def test_constraints_by_their_definition(measure: str, which: str) -> None:
    parts = random_parts(Sampler(min_scale=0.2, max_scale=0.8), 200, generator())
    got = fulfils(parts, BOXES, SampleConstraint(**{f"{which}_{measure}": 0.3}))
    functions = {
        "jaccard_overlap": jaccard,
        "sample_coverage": coverage,
        "object_coverage": lambda part, box: coverage(box, part),
    }
    values = [[functions[measure](part, box) for box in BOXES] for part in parts]
    want = [any(v >= 0.3 if which == "min" else v <= 0.3 for v in row) for row in values]
    assert got.tolist() == want
    assert sum(want) > 0
    assert which == "max" or sum(want) < len(parts)


def test_one_object_must_meet_all_limits() -> None:
    parts = np.array([[0.2, 0.2, 0.6, 0.6], [0, 0, 1, 1]], np.float32)
    both = SampleConstraint(min_object_coverage=1, max_sample_coverage=0.5)
    assert fulfils(parts, BOXES[:1], both).tolist() == [False, True]
    assert fulfils(parts, NO_BOXES, both).tolist() == [False, False]
    assert fulfils(parts, NO_BOXES, SampleConstraint()).tolist() == [True, True]


def test_samplers_stop() -> None:
    free = BatchSampler(max_sample=1, max_trials=1)
    some = BatchSampler(max_sample=3, max_trials=50)
    some.sampler.min_scale = 0.3
    some.sample_constraint.min_object_coverage = 0.9
    every = BatchSampler(max_trials=7)
    hopeless = BatchSampler(max_trials=50)
    hopeless.sample_constraint.min_jaccard_overlap = 0.9  # of the whole image: no box is as large
    unused = BatchSampler(use_original_image=False, max_trials=5)
    parts = sample_parts([free, some, hopeless, every, unused], BOXES, generator())
    assert parts.shape == (1 + 3 + 7, 4)
    assert (coverage(BOXES[None], parts[1:4, None]).max(axis=1) >= 0.9).all()
    assert sample_parts([hopeless], BOXES, generator()).shape == (0, 4)
    assert sample_parts([BatchSampler()], NO_BOXES, generator()).shape == (100, 4)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min_scale": 0.0}, "0 < min_scale <= max_scale <= 1 must hold; given 0 and 1"),
        ({"min_scale": 0.5, "max_scale": 0.25}, "given 0.5 and 0.25"),
        ({"max_scale": 1.5}, "given 1 and 1.5"),
        ({"min_aspect_ratio": 2.0}, "max_aspect_ratio must hold; given 2 and 1"),
        ({"min_aspect_ratio": 0.0}, "given 0 and 1"),
        ({"max_aspect_ratio": float("inf")}, "given 1 and inf"),
    ],
)
def test_impossible_ranges(fields: dict[str, float], message: str) -> None:
    with pytest.raises(NetError, match=message):
        check_sampler(BatchSampler(sampler=Sampler(**fields)))

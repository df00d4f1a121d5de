"""SSD's batch samplers: random parts of an image that fulfil constraints about its objects."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from netcfg.data.objects import Boxes, coverage, jaccard
from netcfg.errors import NetError
from netcfg.netcfg_pb2 import BatchSampler, SampleConstraint, Sampler


def check_sampler(sampler: BatchSampler) -> None:
    """Refuse a sampler whose ranges are empty or go beyond the image.

    Raises:
        NetError: it says which.
    """
    s = sampler.sampler
    if not 0 < s.min_scale <= s.max_scale <= 1:
        raise NetError(
            "sampler: 0 < min_scale <= max_scale <= 1 must hold; given "
            f"{s.min_scale:g} and {s.max_scale:g}"
        )
    if not 0 < s.min_aspect_ratio <= s.max_aspect_ratio < np.inf:
        raise NetError(
            "sampler: 0 < min_aspect_ratio <= max_aspect_ratio must hold; given "
            f"{s.min_aspect_ratio:g} and {s.max_aspect_ratio:g}"
        )


def sample_parts(samplers: Iterable[BatchSampler], boxes: Boxes, rng: np.random.Generator) -> Boxes:
    """Return the parts (n, 4) that all samplers find, in their order.

    A sampler makes up to ``max_trials`` parts and keeps the first ``max_sample`` that fulfil its
    constraint. One with ``use_original_image: false`` finds none, as in SSD.

    Args:
        samplers: what ``annotated_data_param`` lists.
        boxes: of all objects of the image, (m, 4).
        rng: of the image.
    """
    found = [np.empty((0, 4), np.float32)]
    for sampler in samplers:
        if not sampler.use_original_image:
            continue
        parts = random_parts(sampler.sampler, sampler.max_trials, rng)
        good = parts[fulfils(parts, boxes, sampler.sample_constraint)]
        found.append(good[: sampler.max_sample] if sampler.HasField("max_sample") else good)
    return np.concatenate(found)


def random_parts(sampler: Sampler, count: int, rng: np.random.Generator) -> Boxes:
    """Return ``count`` parts (n, 4) within the image.

    scale s and ratio r are drawn evenly, r is cut to [s², 1/s²] so that the part fits;
    width = s √r, height = s / √r, and the corner is anywhere.
    """
    s, r, x, y = rng.random((count, 4)).T
    s = sampler.min_scale + (sampler.max_scale - sampler.min_scale) * s
    r = sampler.min_aspect_ratio + (sampler.max_aspect_ratio - sampler.min_aspect_ratio) * r
    r = np.sqrt(np.clip(r, s**2, 1 / s**2))
    width, height = np.minimum(s * r, 1), np.minimum(s / r, 1)
    left, top = x * (1 - width), y * (1 - height)
    return np.stack([left, top, left + width, top + height], axis=1).astype(np.float32)


def jittered(jitter: float, rng: np.random.Generator) -> Boxes:
    """Return a part (1, 4) anywhere in the image, each side 1 - ``jitter`` … 1 of it: as YOLO's."""
    share, place = rng.random((2, 2))
    size = 1 - jitter * share
    corner = place * (1 - size)
    return np.concatenate([corner, corner + size])[None].astype(np.float32)


def fulfils(parts: Boxes, boxes: Boxes, constraint: SampleConstraint) -> npt.NDArray[np.bool_]:
    """Return which parts fulfil a constraint (n,): some object meets every limit that is set.

    In SSD an object that meets the limits of the overlap is enough, whatever the limits of the
    coverages say; they count there only without the overlap.
    """
    limits = {field.name: value for field, value in constraint.ListFields()}
    if not limits:
        return np.ones(len(parts), bool)
    a, b = parts[:, None], boxes[None]
    measures = {
        "jaccard_overlap": jaccard(a, b),
        "sample_coverage": coverage(a, b),
        "object_coverage": coverage(b, a),
    }
    good = np.ones((len(parts), len(boxes)), bool)
    for name, limit in limits.items():
        which, _, measure = name.partition("_")
        value = measures[measure]
        good &= value >= limit if which == "min" else value <= limit
    return np.asarray(good.any(axis=1))

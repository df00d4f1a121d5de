"""Which prior box stands for which object, and which of the others count: SSD's training."""

from typing import Any

import numpy as np

from netcfg.layers.boxes import overlap, suppress
from netcfg.netcfg_pb2 import MultiBoxLossParameter as Param

NOBODY = -1
"""The match of a box without an object."""
OUTSIDE = -2
"""The match of a box that takes no part."""


def match(boxes: Any, objects: Any, param: Param) -> tuple[Any, Any]:
    """Return for each box the index of its object, and its greatest overlap with any.

    BIPARTITE: of all pairs the one that overlaps most is a match, then the best of the others, and
    so on, until each object has a box. PER_PREDICTION: then each other box takes the object that it
    overlaps most, if by ``overlap_threshold`` at least.

    Args:
        boxes: corners (P, 4).
        objects: corners (G, 4).
        param: of MultiBoxLoss.
    """
    found = np.full(len(boxes), NOBODY)
    inside = np.ones(len(boxes), bool)
    if param.ignore_cross_boundary_bbox:
        inside = ((boxes >= 0) & (boxes <= 1)).all(axis=1)
        found[~inside] = OUTSIDE
    if not len(objects) or not len(boxes):
        return found, np.zeros(len(boxes))
    shares = overlap(boxes[:, None], objects[None]) * inside[:, None]  # (P, G)
    most = shares.max(axis=1)
    free = np.where(shares > 1e-6, shares, 0)
    for _ in range(len(objects)):
        box, thing = np.unravel_index(free.argmax(), free.shape)
        if free[box, thing] <= 0:
            break
        found[box] = thing
        free[box], free[:, thing] = 0, 0
    if param.match_type == Param.PER_PREDICTION:
        take = (found == NOBODY) & (most >= param.overlap_threshold) & (most > 1e-6)
        found[take] = shares[take].argmax(axis=1)
    return found, most


def hardest(costs: Any, eligible: Any, count: int, boxes: Any, param: Param) -> Any:
    """Return which boxes of an image cost most, (P,); with ``nms_param`` overlapping ones thin out.

    Args:
        costs: (P,).
        eligible: which boxes may be chosen, (P,).
        count: how many, at most.
        boxes: corners (P, 4), to compare with ``nms_param``.
        param: of MultiBoxLoss.
    """
    (places,) = eligible.nonzero()
    places = places[np.argsort(-costs[places], kind="stable")]
    nms = param.nms_param
    if param.HasField("nms_param") and nms.nms_threshold > 0:
        if nms.HasField("top_k") and nms.top_k >= 0:
            places = places[: nms.top_k]
        places = places[suppress(boxes[places], nms.nms_threshold, None, nms.eta)]
    chosen = np.zeros(len(costs), bool)
    chosen[places[:count]] = True
    return chosen

"""Which prior box stands for which object, and which of the others count: SSD's training."""

from typing import Any

import numpy as np

from netcfg.layers.boxes import overlap
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


def mine_negatives(matches: Any, overlaps: Any, losses: Any, param: Param) -> Any:
    """Return which boxes without an object count: those with the greatest loss.

    ``neg_pos_ratio`` for each match, of those whose overlap is below ``neg_overlap``.

    Args:
        matches: of the boxes of an image, (P,).
        overlaps: greatest overlap with an object, (P,).
        losses: of the classes, (P,).
        param: of MultiBoxLoss.
    """
    places = ((matches == NOBODY) & (overlaps < param.neg_overlap)).nonzero()[0]
    count = int((matches > NOBODY).sum() * param.neg_pos_ratio)
    order = np.argsort(-losses[places], kind="stable")[:count]
    chosen = np.zeros(len(matches), bool)
    chosen[places[order]] = True
    return chosen

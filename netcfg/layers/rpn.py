"""Region proposal networks: which boxes to look at.

In py-faster-rcnn these are layers in Python; they run in place of ``rpn.proposal_layer`` and its
like where nets name those and they cannot be imported.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Context, Layer, register
from netcfg.layers.anchors import anchors, clipped, decode, grid, suppress
from netcfg.layers.param_str import read_param_str
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.types import Array, Phase, Shape

__all__ = ["RegionLayer", "Truth", "check_info", "rows_of", "truth_rows"]


class Truth(NamedTuple):
    """The objects of an image: corners in pixels, (G, 4), and classes, (G,)."""

    boxes: Any
    classes: Any


class RegionLayer(Layer):
    """Base of the layers of region proposal networks; they compute in NumPy and float64."""

    differentiable = False
    block = ""

    def __init__(self, config: LayerParameter, context: Context, ntops: int = 1) -> None:
        super().__init__(config, context, ntops)
        if config.type == "Python":
            module = config.python_param.module
            self.dialect = f"netcfg's {self.type}: '{module}' cannot be imported"  # type: ignore[misc]
        self.fields = self.options()

    def options(self) -> dict[str, Any]:
        """Return the fields of this layer; one of type Python has them in ``param_str``."""
        return read_param_str(self.config.python_param.param_str, self.own[self.block])

    def cell(self) -> Array:
        """Return the anchors of one cell of the map, checked."""
        ratios, scales = self.fields["ratios"], self.fields["scales"]
        for name in ("feat_stride", "base_size"):
            if self.fields[name] < 1:
                raise NetError(f"{name} must be at least 1; given {self.fields[name]}")
        if not ratios or not scales or min(*ratios, *scales) <= 0:
            raise NetError(f"ratios and scales must be positive; given {ratios} and {scales}")
        return anchors(self.fields["base_size"], ratios, scales)

    def numpy(self, *arrays: Array) -> list[Any]:
        """Return the arrays in NumPy and float64."""
        return [self.engine.to_numpy(a).astype(float) for a in arrays]

    def truths(self, rows: Any, info: Any, images: int) -> list[Truth]:
        """Return the objects of each image.

        Args:
            rows: (x1, y1, x2, y2, class) in pixels, for a single image; or, as AnnotatedData
                writes them, (image, class, instance, x1, y1, x2, y2, difficult) with corners as
                shares of the image's size, image -1 for none.
            info: (height, width, ...) of each image.
            images: how many there are.
        """
        if rows.shape[1] == 5:
            return [Truth(rows[:, :4], rows[:, 4])]
        found = []
        for n in range(images):
            own = rows[rows[:, 0] == n]
            height, width = info[min(n, len(info) - 1), :2]
            corners = own[:, 3:7] * [width, height, width, height] - [0, 0, 1, 1]
            found.append(Truth(corners, own[:, 1]))
        return found


def truth_rows(shape: Shape, images: int) -> Shape:
    """Return how many objects a bottom may hold, and of how many numbers each consists.

    Raises:
        ShapeError: neither 5 nor 8, or 5, which names no image, for several images.
    """
    numbers = next((n for n in reversed(shape[1:]) if n != 1), 1)
    if numbers not in (5, 8) or (numbers == 5 and images > 1):
        for_one = "" if images == 1 else f" (for a single image; there are {images})"
        raise ShapeError(
            f"objects must be rows (x1, y1, x2, y2, class){for_one}, or the 8 numbers of "
            f"AnnotatedData; given {shape}"
        )
    return math.prod(shape) // numbers, numbers


def rows_of(array: Any) -> Any:
    """Return objects as rows, (G, 5) or (G, 8)."""
    return array.reshape(truth_rows(array.shape, 1))


def check_info(info: Shape, images: int) -> None:
    """Check (height, width, scale) of each image, or one row for all.

    Raises:
        ShapeError: it has another shape.
    """
    if len(info) < 2 or info[0] not in (1, images) or info[1] < 3:
        raise ShapeError(
            f"im_info must have a row (height, width, scale) for each of {images} images, or one "
            f"for all; given {info}"
        )


@register("Proposal")
class Proposal(RegionLayer):
    """The regions that a region proposal network finds in each image, the best first.

    scores: (N, 2A, H, W), background first   deltas: (N, 4A, H, W)   im_info: (N, 3) or (1, 3),
    height, width and scale   regions: (R, 5), (image, x1, y1, x2, y2)   second top: scores (R,)

    Each anchor of each cell is moved by its deltas and cut off at the image. Boxes with a side
    below min_size × scale are out. The best ``pre_nms_topn`` go in order of their scores, those
    that overlap a better one by more than ``nms_thresh`` are dropped, and ``post_nms_topn`` remain.
    How many there are is known only in ``forward``: ``reshape`` promises the most.

    From Faster R-CNN (Ren and others, 2015). As a Python layer it takes 12000 and 2000 regions
    in TRAIN. caffe-windows keeps boxes that are too small behind all others; here they are kept
    where there are no others.
    """

    bottoms = (3, 3)
    tops = (1, 2)
    constant_bottoms = (0, 1, 2)
    reads = ("proposal_param", "python_param")

    def options(self) -> dict[str, Any]:
        config = self.config.proposal_param
        fields = {f.name: getattr(config, f.name) for f in config.DESCRIPTOR.fields}
        fields["ratios"] = list(fields.pop("ratio")) or [0.5, 1.0, 2.0]
        fields["scales"] = list(fields.pop("scale")) or [8.0, 16.0, 32.0]
        if self.config.type == "Python" and self.phase == Phase.TRAIN:
            fields.update(pre_nms_topn=12000, post_nms_topn=2000)
        return read_param_str(self.config.python_param.param_str, fields)

    def reshape(self, scores: Shape, deltas: Shape, info: Shape) -> Any:
        self.anchors = self.cell()
        count = len(self.anchors)
        if len(scores) != 4 or scores[1] != 2 * count:
            raise ShapeError(
                f"scores must be (N, 2 × {count} anchors, H, W) with scores of background and "
                f"object for each anchor; given {scores}"
            )
        want = (scores[0], 4 * count, *scores[2:])
        if deltas != want:
            raise ShapeError(f"deltas must be {want}, four for each anchor; given {deltas}")
        check_info(info, scores[0])
        cells = scores[2] * scores[3] * count
        most = scores[0] * min(cells, self.fields["pre_nms_topn"], self.fields["post_nms_topn"])
        return ((most, 5), (most,)) if self.ntops > 1 else (most, 5)

    def forward(self, scores: Array, deltas: Array, info: Array) -> Any:
        scores, deltas, info = self.numpy(scores, deltas, info)
        N, _, H, W = scores.shape
        every = grid(self.anchors, H, W, self.fields["feat_stride"])
        found = []
        for n in range(N):
            # (A, H, W) -> (H W A), (A 4, H, W) -> (H W A, 4), as the grid has them
            score = scores[n, len(self.anchors) :].transpose(1, 2, 0).reshape(-1)
            delta = deltas[n].transpose(1, 2, 0).reshape(-1, 4)
            boxes, best = self._best(decode(every, delta), score, info[min(n, len(info) - 1)])
            image = np.full((len(boxes), 1), float(n))
            found.append(np.concatenate([image, boxes, best[:, None]], axis=1))
        rows = self.engine.asarray(np.concatenate(found))  # (R, 6)
        return (rows[:, :5], rows[:, 5]) if self.ntops > 1 else rows[:, :5]

    def _best(self, boxes: Any, score: Any, info: Any) -> tuple[Any, Any]:
        """Return the regions of an image and their scores."""
        boxes = clipped(boxes, *info[:2])
        size = boxes[:, 2:] - boxes[:, :2] + 1
        large = (size >= self.fields["min_size"] * info[2]).all(axis=1)
        if large.any():
            boxes, score = boxes[large], score[large]
        order = np.argsort(-score, kind="stable")[: self.fields["pre_nms_topn"]]
        kept = suppress(boxes[order], self.fields["nms_thresh"], self.fields["post_nms_topn"])
        return boxes[order[kept]], score[order[kept]]

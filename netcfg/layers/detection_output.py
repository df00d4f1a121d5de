"""DetectionOutput, the layer of SSD: from offsets and scores of prior boxes to objects."""

from typing import Any

import numpy as np

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.boxes import decode, suppress
from netcfg.layers.detection_files import DetectionFiles
from netcfg.types import Array, Shape

__all__ = ["DetectionOutput", "check_priors", "priors_of"]


@register("DetectionOutput")
class DetectionOutput(Layer):
    """The objects of each image: boxes with a class and a score, the overlapping thinned out.

    offsets: (N, 4 P) or with ``share_location: false`` (N, 4 P K)   scores: (N, P K)
    priors: (1, 2, 4 P)   y: (1, 1, M, 7), rows (image, class, score, xmin, ymin, xmax, ymax) with
    corners as shares of the image, class by class; where nothing was found in any image, a row
    (image, -1, …, -1) for each. A fourth bottom, images to draw on in SSD, is passed over.

    Of each class but the background, boxes whose score exceeds ``confidence_threshold`` are taken,
    the ``top_k`` best; from the best on, each that overlaps a better one by more than
    ``nms_threshold`` goes. Then each image keeps the ``keep_top_k`` best. From SSD (Liu et al.,
    "SSD: single shot multibox detector", 2016).
    """

    bottoms = (3, 4)
    constant_bottoms = (0, 1, 2, 3)
    differentiable = False
    reads = ("detection_output_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.config.detection_output_param
        if param.num_classes < 1:
            raise NetError("num_classes must be at least 1; given 0")
        nms = param.nms_param
        if nms.nms_threshold < 0:
            raise NetError(f"nms_threshold must not be negative; given {nms.nms_threshold:g}")
        if not 0 < nms.eta <= 1:
            raise NetError(f"eta must be above 0 and at most 1; given {nms.eta:g}")
        if param.visualize:
            raise NetError("visualize has no window to draw in: take it out, and use netcfg detect")
        self.classes = param.num_classes
        self.sets = 1 if param.share_location else self.classes
        self.files = None
        if param.save_output_param.output_directory:
            self.files = DetectionFiles(param.save_output_param, self.find)

    def reshape(self, *bottoms: Shape) -> Shape:
        offsets, scores, priors = bottoms[:3]
        count = check_priors(priors)
        self.sizes = offsets[0], count
        for name, bottom, each in (
            ("offsets", offsets, 4 * self.sets),
            ("scores", scores, self.classes),
        ):
            if bottom[0] != offsets[0] or int(np.prod(bottom[1:])) != count * each:
                raise ShapeError(
                    f"{name} must be {each} for each of {count} prior boxes, {offsets[0]} times; "
                    f"given {bottom}"
                )
        return (1, 1, 1, 7)  # as many rows as there are objects, which the values decide

    def forward(self, *bottoms: Array) -> Array:
        offsets, scores, priors = (self.engine.to_numpy(b).astype(float) for b in bottoms[:3])
        N, P = self.sizes
        boxes = self._boxes(offsets.reshape(N, P, self.sets, 4), priors)
        found = [self._objects(b, s) for b, s in zip(boxes, scores.reshape(N, P, -1), strict=True)]
        if self.files:
            for rows in found:
                self.files.add(rows)
        rows = np.concatenate([np.insert(f, 0, n, axis=1) for n, f in enumerate(found)])
        if not len(rows):
            rows = np.full((N, 7), -1.0)
            rows[:, 0] = np.arange(N)
        return self.engine.asarray(rows[None, None])

    def _boxes(self, offsets: Any, priors: Any) -> Any:
        """Return the corners of boxes, (N, P, sets, 4)."""
        param = self.config.detection_output_param
        boxes, variances = priors_of(priors)
        if not param.variance_encoded_in_target:
            offsets = offsets * variances[:, None]
        return decode(boxes[:, None], offsets, param.code_type)

    def _objects(self, boxes: Any, scores: Any) -> Any:
        """Return rows (class, score, xmin, ymin, xmax, ymax) of an image, class by class.

        Args:
            boxes: (P, sets, 4).
            scores: (P, K).
        """
        param = self.config.detection_output_param
        least = param.confidence_threshold if param.HasField("confidence_threshold") else -np.inf
        good = np.greater(scores.T, least)  # (K, P)
        if 0 <= param.background_label_id < self.classes:
            good[param.background_label_id] = False
        classes, places = good.nonzero()
        order = np.lexsort((-scores[places, classes], classes))
        classes, places = classes[order], places[order]
        nms = param.nms_param
        if nms.HasField("top_k") and nms.top_k >= 0:
            first = np.searchsorted(classes, classes)
            best = np.arange(len(classes)) - first < nms.top_k
            classes, places = classes[best], places[best]
        corners = boxes[places, classes if self.sets > 1 else 0]
        kept = suppress(corners, nms.nms_threshold, classes, nms.eta)
        classes, places, corners = classes[kept], places[kept], corners[kept]
        values = scores[places, classes]
        if -1 < param.keep_top_k < len(values):
            best = np.sort(np.argsort(-values, kind="stable")[: param.keep_top_k])
            classes, values, corners = classes[best], values[best], corners[best]
        return np.column_stack([classes, values, corners])


def check_priors(priors: Shape) -> int:
    """Return the number of prior boxes.

    Raises:
        ShapeError: the shape is not that of PriorBox's top.
    """
    numbers = int(np.prod(priors[2:]))
    if len(priors) < 3 or priors[1] != 2 or numbers % 4:
        raise ShapeError(f"prior boxes must have shape (1, 2, 4 P); given {priors}")
    return numbers // 4


def priors_of(priors: Any) -> tuple[Any, Any]:
    """Return corners and variances, (P, 4) each, of PriorBox's top."""
    boxes, variances = priors[0].reshape(2, -1, 4)
    return boxes, variances

"""Detections from YOLO's grids, in rows as DetectionOutput writes them."""

from typing import Any

import numpy as np

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.anchors import suppress
from netcfg.layers.iou import corners
from netcfg.layers.yolo import box_anchors, read_grid, sigmoid
from netcfg.types import Array, Shape


class GridOutput(Layer):
    """Base of the layers that turn grids into detections; they compute in NumPy."""

    bottoms = (1, None)
    differentiable = False
    anchors: list[Any]
    classes: int

    @classmethod
    def takes_gradient(cls, index: int, count: int) -> bool:
        return False

    def reshape(self, *bottoms: Shape) -> Shape:
        for x, anchors in zip(bottoms, self.anchors, strict=True):
            want = len(anchors) * (5 + self.classes)
            if len(x) != 4 or x[1] != want or x[0] != bottoms[0][0]:
                raise ShapeError(
                    f"bottoms must be (N, {want}, H, W) for {len(anchors)} anchors with "
                    f"5 + {self.classes} numbers each; given {x}"
                )
        return (1, 1, bottoms[0][0], 7)

    def found(self, scores: Array, classes: Array) -> tuple[Array, ...]:
        """Return scores and classes of the boxes of an image, and where among the boxes they are.

        Args:
            scores: sigmoids (B,).
            classes: logits (B, K).
        """
        raise NotImplementedError

    def detect(self, xs: tuple[Array, ...], threshold: float) -> Array:
        """Return the top: rows (image, label, score, x1, y1, x2, y2), the best of an image first.

        Of boxes that overlap by more than ``threshold`` the best stays, whatever the classes.
        """
        grids = [
            read_grid(self.engine.to_numpy(x).astype(float), anchors)
            for x, anchors in zip(xs, self.anchors, strict=True)
        ]
        rows = []
        for n in range(len(xs[0])):
            boxes = np.concatenate([grid.boxes[n].reshape(-1, 4) for grid in grids])
            shown = [np.moveaxis(g.shown[n], 1, -1).reshape(-1, 5 + self.classes) for g in grids]
            values = np.concatenate(shown)
            score, label, place = self.found(values[:, 4], values[:, 5:])
            order = np.argsort(-score, kind="stable")
            box = corners(boxes[place[order]])
            kept = suppress(box, threshold, edge=0)
            order = order[kept]
            image = np.full(len(kept), n)
            rows.append(np.stack([image, label[order] + 1, score[order], *box[kept].T], axis=1))
        table = np.concatenate(rows)
        if not len(table):
            table = np.full((len(rows), 7), -1.0)
            table[:, 0] = np.arange(len(rows))
        return self.engine.asarray(table[None, None])


@register("YoloDetectionOutput")
class YoloDetectionOutput(GridOutput):
    """Detections of YOLO version 2.

    x: (N, num_box (5 + num_classes), H, W), one or more grids with the same anchors
    y: (1, 1, R, 7), rows (image, label, score, x1, y1, x2, y2), corners as shares of the image

    The score is σ(score) times the largest softmax of the classes, whose class + 1 is the label; it
    must reach ``confidence_threshold``. Where nothing is found, y has a row (image, -1, ...) for
    each image. ``reshape`` promises as many; how many there are is known only in ``forward``.
    """

    reads = ("yolo_detection_output_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.config.yolo_detection_output_param
        if param.coords != 4:
            raise NetError(f"coords must be 4; given {param.coords}")
        anchors = box_anchors(param.biases)
        if len(anchors) != param.num_box:
            raise NetError(
                f"biases must be 2 × num_box {param.num_box} numbers; given {len(param.biases)}"
            )
        self.anchors, self.classes = [anchors] * len(bottoms), param.num_classes

    def forward(self, *xs: Array) -> Array:
        return self.detect(xs, self.config.yolo_detection_output_param.nms_threshold)

    def found(self, scores: Array, classes: Array) -> tuple[Array, ...]:
        p = np.exp(classes - classes.max(axis=1, keepdims=True))
        best = scores * p.max(axis=1) / p.sum(axis=1)
        threshold = self.config.yolo_detection_output_param.confidence_threshold
        (place,) = np.nonzero(best >= threshold)
        return best[place], classes.argmax(axis=1)[place], place


@register("Yolov3DetectionOutput")
class Yolov3DetectionOutput(GridOutput):
    """Detections of YOLO version 3.

    x: (N, num_box (5 + num_classes), H, W), a grid of each size
    y: (1, 1, R, 7), rows (image, label, score, x1, y1, x2, y2), corners as shares of the image

    Grid b has anchors ``mask[b num_box]`` and following of ``biases``, in pixels of which
    ``anchors_scale[b]`` make a cell. Each class is one candidate: its score is σ(score) σ(class),
    its label class + 1; it must exceed ``confidence_threshold``. Where nothing is found, y has a
    row (image, -1, ...) for each image, which is what ``reshape`` promises.
    """

    reads = ("yolov3_detection_output_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.config.yolov3_detection_output_param
        if param.gaussian_box:
            raise NetError("gaussian_box is not implemented; only boxes without variances are")
        every, count = box_anchors(param.biases), len(bottoms)
        mask = list(param.mask)
        if len(mask) != count * param.num_box or max(mask) >= len(every):
            raise NetError(
                f"mask must name num_box {param.num_box} of the {len(every)} anchors in biases for "
                f"each of {count} bottoms; given {mask}"
            )
        scales = list(param.anchors_scale)
        if len(scales) != count or min(scales) < 1:
            raise NetError(
                f"anchors_scale must be the pixels of a cell for each of {count} bottoms; given "
                f"{scales}"
            )
        groups = np.array(mask).reshape(count, param.num_box)
        self.anchors = [every[m] / scale for m, scale in zip(groups, scales, strict=True)]
        self.classes = param.num_classes

    def forward(self, *xs: Array) -> Array:
        return self.detect(xs, self.config.yolov3_detection_output_param.nms_threshold)

    def found(self, scores: Array, classes: Array) -> tuple[Array, ...]:
        each = scores[:, None] * sigmoid(classes)
        threshold = self.config.yolov3_detection_output_param.confidence_threshold
        place, label = np.nonzero(each > threshold)
        return each[place, label], label, place

"""DetectionEvaluate, the layer of SSD: which detections find an object."""

from typing import Any

import numpy as np

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.boxes import in_pixels, overlap
from netcfg.layers.detection_files import read_sizes
from netcfg.types import Array, Shape


@register("DetectionEvaluate")
class DetectionEvaluate(Layer):
    """Compare detections with the objects of their images.

    detections: (1, 1, D, 7), DetectionOutput's rows   objects: (1, 1, G, 8), AnnotatedData's rows
    y: (1, 1, M, 5), rows (-1, class, objects, -1, -1), one for each class but the background, then
    (image, class, score, right, wrong), the best first of each image and class

    A detection takes the object of its class that it overlaps most. It is right if their
    intersection over union is at least ``overlap_threshold`` and no better detection had the
    object; it is neither right nor wrong where the object is difficult and
    ``evaluate_difficult_gt`` is false. With ``name_size_file`` boxes are compared in pixels, whose
    edges count. From SSD (Liu et al., 2016).
    """

    bottoms = (2, 2)
    constant_bottoms = (0, 1)
    differentiable = False
    reads = ("detection_evaluate_param",)

    def setup(self, *bottoms: Shape) -> None:
        self.fields = param = self.config.detection_evaluate_param
        if param.num_classes < 1:
            raise NetError("num_classes must be at least 1; given 0")
        if param.overlap_threshold <= 0:
            raise NetError(f"overlap_threshold must be positive; given {param.overlap_threshold:g}")
        self.sizes = read_sizes(self.find(param.name_size_file)) if param.name_size_file else []
        self.first = 0

    def reshape(self, detections: Shape, objects: Shape) -> Shape:
        for name, shape, length in (("detections", detections, 7), ("objects", objects, 8)):
            if len(shape) != 4 or shape[3] != length:
                raise ShapeError(f"{name} must be rows of {length} numbers; given {shape}")
        return (1, 1, len(self._classes()) + detections[2], 5)

    def forward(self, detections: Array, objects: Array) -> Array:
        found, truth = (
            self.engine.to_numpy(a).astype(float).reshape(-1, a.shape[-1])
            for a in (detections, objects)
        )
        images = 1 + int(max(found[:, 0].max(initial=-1), truth[:, 0].max(initial=-1)))
        found, truth = found[found[:, 1] != -1], truth[truth[:, 0] != -1]
        background = self.fields.background_label_id
        for rows, what in ((found, "a detection"), (truth, "an object")):
            if (rows[:, 1] == background).any():
                raise DataError(f"{what} has class {background}, the background's")
        counted = truth if self.fields.evaluate_difficult_gt else truth[truth[:, 7] == 0]
        result: list[Any] = [(-1, k, (counted[:, 1] == k).sum(), -1, -1) for k in self._classes()]
        for image, label in sorted({(image, label) for image, label in found[:, :2].tolist()}):
            own = found[(found[:, :2] == (image, label)).all(axis=1)]
            same = truth[(truth[:, :2] == (image, label)).all(axis=1)]
            result += self._judge(int(image), own[np.argsort(-own[:, 2], kind="stable")], same)
        if self.sizes:
            self.first = (self.first + images) % len(self.sizes)
        return self.engine.asarray(np.array(result, float).reshape(1, 1, -1, 5))

    def _classes(self) -> list[int]:
        background = self.fields.background_label_id
        return [k for k in range(self.fields.num_classes) if k != background]

    def _judge(self, image: int, found: Any, truth: Any) -> list[Any]:
        """Return the rows of the detections of a class in an image, the best first."""
        boxes, objects, edge = found[:, 3:7], truth[:, 3:7], 0.0
        if self.sizes:
            size = self.sizes[(self.first + image) % len(self.sizes)][1]
            boxes, objects = (
                in_pixels(b, size, self.fields.resize_param) for b in (boxes, objects)
            )
            edge = 1
        shares = overlap(boxes[:, None], objects[None], edge)
        taken = np.zeros(len(truth), bool)
        rows: list[Any] = []
        for row, share in zip(found, shares, strict=True):
            best = int(share.argmax()) if len(share) else -1
            right = wrong = 0
            if best < 0 or share[best] < self.fields.overlap_threshold:
                wrong = 1
            elif self.fields.evaluate_difficult_gt or not truth[best, 7]:
                right, wrong = int(not taken[best]), int(taken[best])
                taken[best] = True
            rows.append((*row[:3], right, wrong))
        return rows

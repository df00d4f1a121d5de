"""What region proposal networks and the classifiers behind them learn of each box.

They run in place of py-faster-rcnn's layers in Python as well, see ``netcfg.layers.rpn``. What they
draw depends on seed, name and pass alone, so that a run can be repeated.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.anchors import encode, grid, overlaps
from netcfg.layers.rpn import RegionLayer, Truth, check_info, rows_of, truth_rows
from netcfg.types import Array, Shape


@register("AnchorTarget")
class AnchorTarget(RegionLayer):
    """What a region proposal network should say of each anchor.

    scores: (N, 2A, H, W), of which the shape counts   objects: rows as ``ProposalTarget`` has them
    im_info: (N, 3) or (1, 3)   a fourth bottom, the image, is not read
    labels: (N, 1, A H, W)   targets, inside and outside weights: (N, 4A, H, W)

    An anchor within the image is positive (1) if it overlaps an object by ``positive_overlap`` or
    more than any other anchor does, else negative (0) below ``negative_overlap``; others are -1, as
    is all but a random ``batch_size`` of them, positives to ``fg_fraction``. Targets are the deltas
    to the object overlapped most; inside weights are 1 for positives, outside weights 1 over the
    number of anchors that count. From Faster R-CNN.
    """

    bottoms = (3, 4)
    tops = (1, 4)
    constant_bottoms = (0, 1, 2, 3)
    block = "anchor_target_param"
    reads = ("python_param",)
    own_fields = {  # noqa: RUF012 - Layer says it is a ClassVar
        "anchor_target_param": {
            "feat_stride": 16,
            "base_size": 16,
            "ratios": [0.5, 1.0, 2.0],
            "scales": [8.0, 16.0, 32.0],
            "allowed_border": 0,
            "batch_size": 256,
            "fg_fraction": 0.5,
            "positive_overlap": 0.7,
            "negative_overlap": 0.3,
            "clobber_positives": False,
        }
    }

    def reshape(self, scores: Shape, objects: Shape, info: Shape, image: Shape = ()) -> Any:
        self.anchors = self.cell()
        count = len(self.anchors)
        if len(scores) != 4 or scores[1] != 2 * count:
            raise ShapeError(
                f"scores must be (N, 2 × {count} anchors, H, W), two for each anchor; given "
                f"{scores}"
            )
        truth_rows(objects, scores[0])
        check_info(info, scores[0])
        N, _, H, W = scores
        each = (N, 4 * count, H, W)
        tops = ((N, 1, count * H, W), each, each, each)[: self.ntops]
        return tops if self.ntops > 1 else tops[0]

    def forward(self, scores: Array, objects: Array, info: Array, image: Array = None) -> Any:
        objects, info = self.numpy(objects, info)
        N, _, H, W = scores.shape
        every, count = grid(self.anchors, H, W, self.fields["feat_stride"]), len(self.anchors)
        rng = self.random()
        labels = np.full((N, len(every)), -1.0)
        targets = np.zeros((N, len(every), 4))
        for n, truth in enumerate(self.truths(rows_of(objects), info, N)):
            height, width = info[min(n, len(info) - 1), :2]
            border = self.fields["allowed_border"]
            least = (every[:, :2] >= -border).all(axis=1)
            inside = np.flatnonzero(
                least & (every[:, 2:] < [width + border, height + border]).all(1)
            )
            share = overlaps(every[inside], truth.boxes)  # (I, G)
            labels[n, inside] = self._sample(self._label(share), rng)
            if len(truth.boxes):
                targets[n, inside] = encode(every[inside], truth.boxes[share.argmax(axis=1)])
        counts = np.maximum((labels >= 0).sum(axis=1), 1)[:, None]
        weights = [labels == 1, (labels >= 0) / counts]
        wide = [np.broadcast_to(w[..., None], targets.shape) for w in weights]
        tops = [labels.reshape(N, H, W, count).transpose(0, 3, 1, 2).reshape(N, 1, count * H, W)]
        tops += [x.reshape(N, H, W, 4 * count).transpose(0, 3, 1, 2) for x in (targets, *wide)]
        found = tuple(self.engine.asarray(np.ascontiguousarray(x)) for x in tops[: self.ntops])
        return found if self.ntops > 1 else found[0]

    def _label(self, share: Any) -> Any:
        """Return 1, 0 or -1 for each anchor of which ``share`` says how much it overlaps what."""
        most = share.max(axis=1, initial=0)
        label = np.full(len(share), -1.0)
        negative = most < self.fields["negative_overlap"]
        if not self.fields["clobber_positives"]:
            label[negative] = 0
        best = share.max(axis=0, initial=0)
        label[((share == best) & (best > 0)).any(axis=1)] = 1
        label[most >= self.fields["positive_overlap"]] = 1
        if self.fields["clobber_positives"]:
            label[negative] = 0
        return label

    def _sample(self, label: Any, rng: np.random.Generator) -> Any:
        """Turn all but ``batch_size`` of the labels that count into -1."""
        size = self.fields["batch_size"]
        for value, room in ((1, int(self.fields["fg_fraction"] * size)), (0, size)):
            places = np.flatnonzero(label == value)
            room -= int((label == 1).sum()) if value == 0 else 0
            if len(places) > room:
                label[rng.choice(places, len(places) - room, replace=False)] = -1
        return label


@register("ProposalTarget")
class ProposalTarget(RegionLayer):
    """A sample of the regions of each image, and what the classifier should say of them.

    regions: (R, 5)   objects: rows (x1, y1, x2, y2, class) in pixels for a single image, or of
    AnnotatedData's 8 numbers, which need im_info as a third bottom
    tops: regions (S, 5), labels (S,), targets, inside and outside weights (S, 4 num_classes)

    The objects themselves join the regions. A region that overlaps an object by ``fg_thresh`` has
    its class, one from ``bg_thresh_lo`` to below ``bg_thresh_hi`` is background, class 0. At random
    ``batch_size`` regions of each image are taken, up to ``fg_fraction`` of them objects; -1 takes
    all. Targets are the deltas to the object, minus ``means`` and over ``stds``, at the four places
    of the class: its own, or 1 for all if ``agnostic``. Both weights are 1 there.
    ``reshape`` promises the most regions. From Faster R-CNN and, with -1 and ``agnostic``, R-FCN.
    """

    bottoms = (2, 3)
    tops = (2, 5)
    constant_bottoms = (0, 1, 2)
    block = "proposal_target_param"
    reads = ("python_param",)
    own_fields = {  # noqa: RUF012 - Layer says it is a ClassVar
        "proposal_target_param": {
            "num_classes": 21,
            "batch_size": 128,
            "fg_fraction": 0.25,
            "fg_thresh": 0.5,
            "bg_thresh_hi": 0.5,
            "bg_thresh_lo": 0.0,
            "means": [0.0, 0.0, 0.0, 0.0],
            "stds": [0.1, 0.1, 0.2, 0.2],
            "agnostic": False,
        }
    }

    def setup(self, *bottoms: Shape) -> None:
        self.slots = 2 if self.fields["agnostic"] else self.fields["num_classes"]
        for name in ("means", "stds"):
            if len(self.fields[name]) != 4:
                raise NetError(f"{name} must be four numbers; given {self.fields[name]}")

    def reshape(self, rois: Shape, objects: Shape, info: Shape = ()) -> Any:
        if len(rois) < 2 or rois[1] != 5:
            raise ShapeError(f"regions must be rows (image, x1, y1, x2, y2); given {rois}")
        self.images = info[0] if info else 1
        count, numbers = truth_rows(objects, self.images)
        if info:
            check_info(info, self.images)
        elif numbers == 8:
            raise ShapeError("objects of AnnotatedData need im_info as a third bottom")
        most = rois[0] + count
        if self.fields["batch_size"] > 0:
            most = min(most, self.images * self.fields["batch_size"])
        each = (most, 4 * self.slots)
        return ((most, 5), (most,), each, each, each)[: self.ntops]

    def forward(self, rois: Array, objects: Array, info: Array = None) -> Any:
        rois, objects = self.numpy(rois, objects)
        rois = rois.reshape(-1, 5)
        sizes = self.numpy(info)[0] if info is not None else np.zeros((1, 3))
        if rois[:, 0].max(initial=0) >= self.images:
            raise DataError(
                f"regions of image {int(rois[:, 0].max())} need im_info with a row for each image"
            )
        rng, parts = self.random(), []
        for n, truth in enumerate(self.truths(rows_of(objects), sizes, self.images)):
            boxes = np.concatenate([rois[rois[:, 0] == n, 1:], truth.boxes])
            label, delta, share = self._match(boxes, truth)
            kept = np.concatenate(list(self._sample(label, share, rng)))
            image = np.full((len(boxes), 1), n)
            parts.append([x[kept] for x in (image, boxes, label, delta)])
        image, boxes, label, delta = (np.concatenate(x) for x in zip(*parts, strict=True))
        slot = np.where(label > 0, 1, 0) if self.fields["agnostic"] else label.astype(int)
        own = (np.arange(self.slots) == slot[:, None]) & (label > 0)[:, None]  # (S, K)
        weight = np.repeat(own, 4, axis=1)
        target = weight * np.tile(delta, self.slots)
        tops = np.concatenate([image, boxes], axis=1), label, target, weight, weight
        return tuple(self.engine.asarray(x) for x in tops[: self.ntops])

    def _match(self, boxes: Any, truth: Truth) -> tuple[Any, Any, Any]:
        """Return class and deltas of each box, and how much it overlaps an object."""
        if not len(truth.boxes):
            return np.zeros(len(boxes)), np.zeros((len(boxes), 4)), np.zeros(len(boxes))
        most = np.inf if self.fields["agnostic"] else self.slots
        wrong = ~((truth.classes > 0) & (truth.classes < most))
        if wrong.any():
            raise DataError(
                f"classes of objects must lie in [1, {most}), 0 is the background; given "
                f"{truth.classes[wrong][0]:g}"
            )
        share = overlaps(boxes, truth.boxes)
        nearest = share.argmax(axis=1)
        delta = (encode(boxes, truth.boxes[nearest]) - self.fields["means"]) / self.fields["stds"]
        label = np.where(share.max(axis=1) >= self.fields["fg_thresh"], truth.classes[nearest], 0)
        return label, delta, share.max(axis=1)

    def _sample(self, label: Any, share: Any, rng: np.random.Generator) -> Iterator[Any]:
        """Yield the places of objects, then of background."""
        size, fields = self.fields["batch_size"], self.fields
        objects = np.flatnonzero(label > 0)
        low, high = fields["bg_thresh_lo"], fields["bg_thresh_hi"]
        background = np.flatnonzero((label == 0) & (share >= low) & (share < high))
        if size > 0:
            room = round(fields["fg_fraction"] * size)
            if len(objects) > room:
                objects = rng.choice(objects, room, replace=False)
            room = size - len(objects)
            if len(background) > room:
                background = rng.choice(background, room, replace=False)
        yield objects
        yield background

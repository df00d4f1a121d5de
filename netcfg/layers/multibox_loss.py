"""MultiBoxLoss, the layer of SSD: what offsets and scores of prior boxes cost."""

from typing import Any, NamedTuple

import numpy as np

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.boxes import decode, encode, suppress
from netcfg.layers.detection_output import check_priors, priors_of
from netcfg.layers.loss import Loss
from netcfg.layers.matching import NOBODY, match, mine_negatives
from netcfg.netcfg_pb2 import LossParameter
from netcfg.netcfg_pb2 import MultiBoxLossParameter as Param
from netcfg.types import Array, Arrays, Shape


class _Image(NamedTuple):
    """What the boxes of an image are to learn.

    matches: index of each box's object, negative without one (P,)
    classes: that each box is to have (P,)
    targets: offsets of the boxes that have an object (M, 4)
    chosen: boxes without an object that count (P,)
    """

    matches: Any
    classes: Any
    targets: Any
    chosen: Any


@register("MultiBoxLoss")
class MultiBoxLoss(Loss):
    """The loss of offsets of boxes that have an object, and of the classes of those and of others.

    loss = (w Σ_m Σ_i l(p[m, i] - t[m, i]) + Σ_b c(scores[b], class[b])) / n

    offsets p: (N, 4 P)   scores: (N, P K)   priors: (1, 2, 4 P)   objects: (1, 1, G, 8), rows
    (image, class, instance, xmin, ymin, xmax, ymax, difficult), as AnnotatedData writes them
    l: SMOOTH_L1 or L2   c: SOFTMAX or LOGISTIC   w: ``loc_weight``   t: the object's offsets

    A box is matched by its overlap with objects (``netcfg.layers.matching``). Of the others those
    with the greatest loss count, as of the background: MAX_NEGATIVE takes ``neg_pos_ratio`` for
    each match, HARD_EXAMPLE the ``sample_size`` greatest of all, matched or not; with NONE all
    count. n counts the matches, with ``normalization`` FULL the boxes, with BATCH_SIZE the images;
    at least 1. From SSD (Liu et al., "SSD: single shot multibox detector", 2016).
    """

    bottoms = (4, 4)
    constant_bottoms = (2, 3)
    reads = ("multibox_loss_param", "loss_param")

    def setup(self, *bottoms: Shape) -> None:
        self.fields = param = self.config.multibox_loss_param
        if param.num_classes < 1:
            raise NetError("num_classes must be at least 1; given 0")
        if param.background_label_id >= param.num_classes:
            raise NetError(
                f"background_label_id must be below num_classes {param.num_classes}; given "
                f"{param.background_label_id}"
            )
        if not param.share_location or param.map_object_to_agnostic:
            name = (
                "map_object_to_agnostic: true" if param.share_location else "share_location: false"
            )
            raise NetError(f"{name} is not implemented: all classes share their offsets")
        self.mining = param.mining_type
        if param.HasField("do_neg_mining") and not param.HasField("mining_type"):
            self.mining = Param.MAX_NEGATIVE if param.do_neg_mining else Param.NONE

    def reshape(self, *bottoms: Shape) -> Shape:
        offsets, scores, priors, objects = bottoms
        self.count, N = check_priors(priors), offsets[0]
        wanted = {"offsets": (offsets, 4), "scores": (scores, self.fields.num_classes)}
        for name, (shape, each) in wanted.items():
            if shape[0] != N or int(np.prod(shape[1:])) != self.count * each:
                raise ShapeError(
                    f"{name} must be {each} for each of {self.count} prior boxes, {N} times; "
                    f"given {shape}"
                )
        if not objects or objects[-1] != 8:
            raise ShapeError(f"objects must be rows of 8 numbers; given {objects}")
        return ()

    def forward(self, *bottoms: Array) -> Array:
        offsets, scores, priors, objects = (
            self.engine.to_numpy(b).astype(np.float64, copy=False) for b in bottoms
        )
        N, P, K = len(offsets), self.count, self.fields.num_classes
        offsets, scores = offsets.reshape(N, P, 4), scores.reshape(N, P, K)
        boxes, variances = priors_of(priors)
        rows = objects.reshape(-1, 8)
        images = [
            self._image(rows[rows[:, 0] == n], offsets[n], scores[n], boxes, variances)
            for n in range(N)
        ]
        found = sum(int((image.matches > NOBODY).sum()) for image in images)
        n = self._divisor(found, N)
        losses = [
            self._terms(image, offsets[i], scores[i], boxes, variances)
            for i, image in enumerate(images)
        ]
        d_offsets = np.stack([grad for _, grad, _ in losses]) * (self.fields.loc_weight / n)
        d_scores = np.stack([grad for _, _, grad in losses]) / n
        self.saved = bottoms[0].shape, bottoms[1].shape, d_offsets, d_scores
        return self.scalar(sum(value for value, _, _ in losses) / n, bottoms[0])

    def backward(self, dy: Array) -> Arrays:
        offsets, scores, d_offsets, d_scores = self.saved
        grads = zip((d_offsets, d_scores), (offsets, scores), self.need[:2], strict=True)
        dxs = [self.engine.asarray(g.reshape(s)) * dy if need else None for g, s, need in grads]
        return (*dxs, None, None)

    def _divisor(self, matches: int, images: int) -> int:
        mode = self.normalization(LossParameter.VALID)
        counts: dict[int, int] = {
            LossParameter.VALID: matches,
            LossParameter.FULL: images * self.count,
            LossParameter.BATCH_SIZE: images,
        }
        return max(counts.get(mode, 1), 1)

    def _image(self, rows: Any, offsets: Any, scores: Any, boxes: Any, variances: Any) -> _Image:
        """Decide what the boxes of an image are to learn; ``rows`` are its objects."""
        param = self.fields
        if (rows[:, 1] == param.background_label_id).any():
            raise DataError(f"an object has class {param.background_label_id}, the background's")
        if not param.use_difficult_gt:
            rows = rows[rows[:, 7] == 0]
        objects = rows[:, 3:7]
        where = boxes
        if not param.use_prior_for_matching:
            where = self._decoded(offsets, boxes, variances)
        matches, overlaps = match(where, objects, param)
        classes = np.full(self.count, param.background_label_id)
        mine = matches > NOBODY
        classes[mine] = rows[matches[mine], 1]
        chosen = matches == NOBODY
        if self.mining == Param.NONE:
            chosen = ~mine
        elif mine.any() or self.mining == Param.HARD_EXAMPLE:
            costs = self._class_losses(scores, classes)[0]
            if self.mining == Param.MAX_NEGATIVE:
                chosen = mine_negatives(matches, overlaps, costs, param)
            else:
                targets = self._targets(matches, objects, boxes, variances)
                offset_costs = np.zeros(self.count)
                offset_costs[mine] = self._offset_losses(offsets[mine] - targets)[0].sum(axis=1)
                hard = self._hard(costs + offset_costs, boxes, offsets, variances)
                matches = np.where(mine & ~hard, NOBODY, matches)
                chosen &= hard
        else:
            chosen[:] = False
        return _Image(matches, classes, self._targets(matches, objects, boxes, variances), chosen)

    def _hard(self, costs: Any, boxes: Any, offsets: Any, variances: Any) -> Any:
        """Return which boxes of an image cost most, overlapping ones thinned out if asked for."""
        param = self.fields
        order = np.argsort(-costs, kind="stable")
        if param.HasField("nms_param"):
            where = boxes if param.use_prior_for_nms else self._decoded(offsets, boxes, variances)
            order = order[: param.nms_param.top_k] if param.nms_param.HasField("top_k") else order
            nms = param.nms_param
            order = order[suppress(where[order], nms.nms_threshold, None, nms.eta)]
        hard = np.zeros(self.count, bool)
        hard[order[: param.sample_size]] = True
        return hard

    def _decoded(self, offsets: Any, boxes: Any, variances: Any) -> Any:
        scale = 1 if self.fields.encode_variance_in_target else variances
        return decode(boxes, offsets * scale, self.fields.code_type)

    def _targets(self, matches: Any, objects: Any, boxes: Any, variances: Any) -> Any:
        """Return the offsets (M, 4) that boxes with an object are to learn."""
        mine = matches > NOBODY
        targets = encode(boxes[mine], objects[matches[mine]], self.fields.code_type)
        return targets if self.fields.encode_variance_in_target else targets / variances[mine]

    def _terms(
        self, image: _Image, offsets: Any, scores: Any, boxes: Any, variances: Any
    ) -> tuple[Any, Any, Any]:
        """Return the loss of an image and its gradients, before they are divided."""
        mine = image.matches > NOBODY
        difference = offsets[mine] - image.targets
        if self.fields.encode_variance_in_target:
            difference = difference / variances[mine]
        if self.fields.bp_inside:
            where = boxes
            if not self.fields.use_prior_for_matching:
                where = self._decoded(offsets, boxes, variances)
            difference = difference * ((where[mine] >= 0) & (where[mine] <= 1))
        values, slopes = self._offset_losses(difference)
        # SSD hands the gradient of (p - t) / v to p as it is, without the division by v.
        d_offsets = np.zeros_like(offsets)
        d_offsets[mine] = slopes
        costs, grads = self._class_losses(scores, image.classes)
        counted = mine | image.chosen
        value = self.fields.loc_weight * values.sum() + costs[counted].sum()
        return value, d_offsets, grads * counted[:, None]

    def _offset_losses(self, difference: Any) -> tuple[Any, Any]:
        """Return the losses of differences and their slopes."""
        size = abs(difference)
        if self.fields.loc_loss_type == Param.L2:
            return difference**2 / 2, difference
        small = size < 1
        return np.where(small, difference**2 / 2, size - 0.5), difference.clip(-1, 1)

    def _class_losses(self, scores: Any, classes: Any) -> tuple[Any, Any]:
        """Return what the scores (P, K) of each box cost, and their gradients."""
        target = np.eye(scores.shape[1])[classes]
        if self.fields.conf_loss_type == Param.LOGISTIC:
            costs = np.maximum(scores, 0) - scores * target + np.log1p(np.exp(-abs(scores)))
            return costs.sum(axis=1), np.tanh(scores / 2) / 2 + 0.5 - target
        shifted = scores - scores.max(axis=1, keepdims=True)
        shares = np.exp(shifted)
        total = shares.sum(axis=1, keepdims=True)
        own = np.take_along_axis(shifted, classes[:, None], axis=1)
        return (np.log(total) - own)[:, 0], shares / total - target

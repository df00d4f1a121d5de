"""MultiBoxLoss, the layer of SSD: what offsets and scores of prior boxes cost."""

from typing import Any, NamedTuple

import numpy as np

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.boxes import decode, encode
from netcfg.layers.detection_output import check_priors, priors_of
from netcfg.layers.loss import Loss
from netcfg.layers.matching import NOBODY, hardest, match
from netcfg.netcfg_pb2 import LossParameter
from netcfg.netcfg_pb2 import MultiBoxLossParameter as Param
from netcfg.types import Array, Arrays, Shape


class _Image(NamedTuple):
    """What the boxes of an image are to learn.

    mine: which boxes have an object (P,)
    targets: offsets of those (M, 4)
    classes: that each box is to have (P,)
    counted: whose classes count (P,)
    """

    mine: Any
    targets: Any
    classes: Any
    counted: Any


@register("MultiBoxLoss")
class MultiBoxLoss(Loss):
    """The loss of offsets of boxes that have an object, and of the classes of those and of others.

    loss = (w Σ_m Σ_i l(p[m, i] - t[m, i]) + Σ_b c(scores[b], class[b])) / n

    offsets p: (N, 4 P), with ``share_location: false`` (N, 4 P K), of which a box learns those of
    its object's class   scores: (N, P K)   priors: (1, 2, 4 P)   objects: (1, 1, G, 8), rows
    (image, class, instance, xmin, ymin, xmax, ymax, difficult), as AnnotatedData writes them
    l: SMOOTH_L1 or L2   c: SOFTMAX or LOGISTIC   w: ``loc_weight``   t: the object's offsets

    A box is matched by its overlap with objects (``netcfg.layers.matching``). Of the others those
    with the greatest loss count, as of the background: MAX_NEGATIVE takes ``neg_pos_ratio`` for
    each match, of those whose overlap is below ``neg_overlap``; HARD_EXAMPLE the ``sample_size``
    greatest of all, matched or not; with NONE all count. n counts the matches, with
    ``normalization`` FULL the boxes, with BATCH_SIZE the images; at least 1.

    dp = w l'(p - t) dL / n, also with ``encode_variance_in_target``, where (p - t) is divided by
    the variances and SSD leaves out that divisor in dp; 0 at corners outside the image with
    ``bp_inside``. From SSD (Liu et al., "SSD: single shot multibox detector", 2016).
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
        self.sets = 1 if param.share_location else param.num_classes
        by_prior = param.use_prior_for_matching, param.use_prior_for_nms
        if self.sets > 1 and not all(by_prior[: 1 + param.HasField("nms_param")]):
            raise NetError(
                "share_location: false places a box for each class, so boxes are compared as "
                "priors: use_prior_for_matching and, with nms_param, use_prior_for_nms must be true"
            )
        if param.map_object_to_agnostic and (param.num_classes, param.background_label_id) != (
            2,
            0,
        ):
            raise NetError(
                "map_object_to_agnostic needs num_classes 2 and background_label_id 0; given "
                f"{param.num_classes} and {param.background_label_id}"
            )
        self.mining = param.mining_type
        if param.HasField("do_neg_mining"):
            if not param.HasField("mining_type"):
                self.mining = Param.MAX_NEGATIVE if param.do_neg_mining else Param.NONE
            elif param.do_neg_mining != (self.mining != Param.NONE):
                raise NetError(
                    "do_neg_mining and mining_type must agree; given "
                    f"{str(param.do_neg_mining).lower()} and "
                    f"{Param.MiningType.Name(self.mining)}: leave do_neg_mining out"
                )
        if self.mining == Param.HARD_EXAMPLE and param.sample_size < 1:
            raise NetError(f"sample_size must be at least 1; given {param.sample_size}")

    def reshape(self, *bottoms: Shape) -> Shape:
        offsets, scores, priors, objects = bottoms
        self.count, N = check_priors(priors), offsets[0]
        wanted = {
            "offsets": (offsets, 4 * self.sets),
            "scores": (scores, self.fields.num_classes),
        }
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
        offsets, scores = offsets.reshape(N, P, self.sets, 4), scores.reshape(N, P, K)
        boxes, variances = priors_of(priors)
        rows = objects.reshape(-1, 8)
        images = [
            self._image(rows[rows[:, 0] == n], offsets[n], scores[n], boxes, variances)
            for n in range(N)
        ]
        found = sum(int(image.mine.sum()) for image in images)
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
        self._check_classes(rows[:, 1])
        if not param.use_difficult_gt:
            rows = rows[rows[:, 7] == 0]
        where = self._placed(boxes, offsets[:, 0], variances, param.use_prior_for_matching)
        matches, overlaps = match(where, rows[:, 3:7], param)
        mine, free = matches > NOBODY, matches == NOBODY
        background = param.background_label_id
        classes = np.full(self.count, background)
        own = rows[matches[mine], 1]
        classes[mine] = 1 if param.map_object_to_agnostic else own
        targets = encode(boxes[mine], rows[matches[mine], 3:7], param.code_type)
        if not param.encode_variance_in_target:
            targets = targets / variances[mine]
        if self.mining == Param.NONE:
            return _Image(mine, targets, classes, np.ones(self.count, bool))
        costs = self._class_losses(scores, classes)[0]
        shown = not param.HasField("nms_param") or param.use_prior_for_nms
        where = self._placed(boxes, offsets[:, 0], variances, shown)
        if self.mining == Param.MAX_NEGATIVE:
            most = int(mine.sum() * param.neg_pos_ratio)
            free &= overlaps < param.neg_overlap
            chosen = hardest(costs, free, most, where, param)
            return _Image(mine, targets, classes, mine | chosen)
        offsets = self._own(offsets, classes)
        difference = self._difference(mine, targets, offsets, boxes, variances)
        costs[mine] += self._offset_losses(difference)[0].sum(axis=1)
        every = np.full(self.count, len(rows) > 0)  # an image without objects teaches nothing
        hard = hardest(costs, every, param.sample_size, where, param)
        return _Image(mine & hard, targets[hard[mine]], classes, (mine | free) & hard)

    def _check_classes(self, classes: Any) -> None:
        """Check the classes of objects.

        Raises:
            DataError: one is no class, or the background's.
        """
        background, most = self.fields.background_label_id, self.fields.num_classes
        known = (classes >= 0) & (self.fields.map_object_to_agnostic | (classes < most))
        for label in classes[~known | (classes == background)]:
            raise DataError(
                f"an object has class {label:g}; classes are 0 to {most - 1}, and {background} is "
                "the background's"
            )

    def _placed(self, boxes: Any, offsets: Any, variances: Any, prior: bool) -> Any:
        """Return the prior boxes, or where the offsets put them."""
        if prior:
            return boxes
        scale = 1 if self.fields.encode_variance_in_target else variances
        return decode(boxes, offsets * scale, self.fields.code_type)

    @staticmethod
    def _own(offsets: Any, classes: Any) -> Any:
        """Return the offsets (P, 4) of each box for its class, out of (P, sets, 4)."""
        return offsets[np.arange(len(offsets)), classes if offsets.shape[1] > 1 else 0]

    def _difference(self, mine: Any, targets: Any, offsets: Any, boxes: Any, variances: Any) -> Any:
        """Return how far offsets of boxes that have an object are from their targets, (M, 4)."""
        difference = offsets[mine] - targets
        if self.fields.encode_variance_in_target:
            difference = difference / variances[mine]
        if self.fields.bp_inside:
            where = self._placed(boxes, offsets, variances, self.fields.use_prior_for_matching)
            difference = difference * ((where[mine] >= 0) & (where[mine] <= 1))
        return difference

    def _terms(
        self, image: _Image, offsets: Any, scores: Any, boxes: Any, variances: Any
    ) -> tuple[Any, Any, Any]:
        """Return the loss of an image and its gradients, before they are divided."""
        own, mine = self._own(offsets, image.classes), image.mine
        difference = self._difference(mine, image.targets, own, boxes, variances)
        values, slopes = self._offset_losses(difference)
        d_offsets = np.zeros_like(offsets)
        d_offsets[mine, image.classes[mine] if self.sets > 1 else 0] = slopes
        costs, grads = self._class_losses(scores, image.classes)
        value = self.fields.loc_weight * values.sum() + costs[image.counted].sum()
        return value, d_offsets, grads * image.counted[:, None]

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

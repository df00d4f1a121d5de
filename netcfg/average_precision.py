"""How well detections fit the truth: average precision for each class, and its mean."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from netcfg.errors import DataError, NetError, nearest
from netcfg.layers.boxes import overlap

Values = npt.NDArray[np.floating]

VERSIONS = ("11point", "MaxIntegral", "Integral")
"""Ways to average precision over recall: VOC 2007's, VOC 2012's, and the plain sum."""

ROW = 5
"""Length of a row of DetectionEvaluate's top."""


def average_precision(
    scores: Sequence[float] | Values,
    right: Sequence[bool] | Values,
    positives: int,
    version: str = "Integral",
) -> float:
    """Average the precision of detections over recall.

    With detections in the order of their scores, p_k = right_k / k and r_k = right_k / positives
    of the first k:

    11point:      mean over t = 0, 0.1, …, 1 of the greatest p_k with r_k ≥ t
    MaxIntegral:  Σ (r_k - r_{k-1}) max_{j ≥ k} p_j
    Integral:     Σ (r_k - r_{k-1}) p_k

    Args:
        scores: of the detections; equal ones keep their order.
        right: whether each finds an object that no better one has found.
        positives: number of objects.
        version: one of ``VERSIONS``.

    Raises:
        NetError: the version is unknown.
    """
    if version not in VERSIONS:
        raise NetError(
            f"ap_version must be one of {', '.join(VERSIONS)}; given '{version}'"
            f"{nearest(version, VERSIONS)}"
        )
    if not len(scores) or not positives:
        return 0.0
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    found = np.cumsum(np.asarray(right, np.float64)[order])
    precision, recall = found / np.arange(1, len(found) + 1), found / positives
    if version == "Integral":
        return float(np.diff(recall, prepend=0) @ precision)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if version == "MaxIntegral":
        return float(np.diff(recall, prepend=0) @ best)
    # Tenths of the objects are compared as whole numbers: 0.3 · 10 is not 3 in floating point.
    first = np.searchsorted(10 * found, np.arange(11) * positives)
    return float(np.append(best, 0)[first].mean())


@dataclass
class Detections:
    """What is known of the detections of a data set, class by class.

    Attributes:
        positives: number of objects by class.
        scores: of the detections by class.
        right: whether each of them finds an object.
    """

    positives: dict[int, int] = field(default_factory=dict)
    scores: dict[int, list[float]] = field(default_factory=dict)
    right: dict[int, list[bool]] = field(default_factory=dict)

    def add_rows(self, rows: Values) -> None:
        """Add the rows of a DetectionEvaluate layer's top, of any shape (..., 5).

        (-1, class, objects, -1, -1) tells how many objects of a class there are, (image, class,
        score, right, wrong) what became of a detection; one that is neither right nor wrong does
        not count, because it finds a difficult object.

        Raises:
            DataError: rows have another length, or a detection is both right and wrong.
        """
        if rows.shape[-1:] != (ROW,):
            raise DataError(
                f"rows must be image, class, score, right, wrong; given blob of shape {rows.shape}"
            )
        for image, label, value, right, wrong in rows.reshape(-1, ROW).tolist():
            if image == -1:
                self.add_objects(int(label), int(value))
            elif right and wrong:
                raise DataError(f"a detection of class {label:g} is both right and wrong")
            elif right or wrong:
                self.add(int(label), value, bool(right))

    def add_objects(self, label: int, count: int) -> None:
        """Count objects of a class."""
        self.positives[label] = self.positives.get(label, 0) + count

    def add(self, label: int, score: float, right: bool) -> None:
        """Add a detection."""
        self.scores.setdefault(label, []).append(score)
        self.right.setdefault(label, []).append(right)

    def average_precisions(self, version: str = "Integral") -> dict[int, float]:
        """Return the average precision of each class that was counted, 0 without objects.

        Raises:
            NetError: the version is unknown.
        """
        return {
            label: average_precision(
                self.scores.get(label, []), self.right.get(label, []), count, version
            )
            for label, count in sorted(self.positives.items())
        }


def mean(precisions: Mapping[int, float]) -> float:
    """Return the mean average precision, 0 of no class."""
    return sum(precisions.values()) / max(1, len(precisions))


def evaluate_boxes(
    detections: Iterable[Values],
    truth: Iterable[Values],
    *,
    threshold: float = 0.5,
    edge: float = 0,
    strict: bool = True,
) -> Detections:
    """Compare boxes with the truth, image by image, as the Pascal VOC benchmark does.

    The best detections of a class choose first: each takes the object of its class that it
    overlaps most. It is right if their intersection over union is beyond the threshold and the
    object was not taken before; on a difficult object it does not count.

    Args:
        detections: of each image, rows (class, score, xmin, ymin, xmax, ymax).
        truth: of each image, rows (class, xmin, ymin, xmax, ymax) or with a sixth column that
            is 1 for difficult objects; in the same unit as the detections.
        threshold: of the intersection over union.
        edge: 1 for boxes in pixels that include both corners, as VOC and Faster R-CNN have them.
        strict: whether the overlap must exceed the threshold, or may be equal.

    Raises:
        DataError: rows have another length, or the numbers of images differ.
    """
    result, found, true = Detections(), list(detections), list(truth)
    if len(found) != len(true):
        raise DataError(f"detections of {len(found)} images need the truth of as many; {len(true)}")
    for given, objects in zip(found, true, strict=True):
        given, objects = _rows(given, 6, 6), _rows(objects, 5, 6)
        hard = objects[:, 5] > 0 if objects.shape[1] == 6 else np.zeros(len(objects), bool)
        for label in np.unique(objects[~hard, 0]):
            result.add_objects(int(label), int((objects[~hard, 0] == label).sum()))
        for label in np.unique(given[:, 0]):
            mine, rows = objects[:, 0] == label, given[given[:, 0] == label]
            rows = rows[np.argsort(-rows[:, 1], kind="stable")]
            shares = overlap(rows[:, None, 2:], objects[None, mine, 1:5], edge)
            good = shares > threshold if strict else shares >= threshold
            for score, right in _match(rows[:, 1], shares, good, hard[mine]):
                result.add(int(label), score, right)
    return result


def _match(
    scores: Values, shares: Values, good: npt.NDArray[np.bool_], hard: npt.NDArray[np.bool_]
) -> Iterator[tuple[float, bool]]:
    """Yield score and rightness of the detections of a class that count, the best first."""
    taken = np.zeros(shares.shape[1], bool)
    for i, score in enumerate(scores.tolist()):
        best = int(shares[i].argmax()) if len(taken) else -1
        if best < 0 or not good[i, best]:
            yield score, False
        elif not hard[best]:
            yield score, not taken[best]
            taken[best] = True


def _rows(rows: npt.ArrayLike, least: int, most: int) -> Values:
    """Return rows as (n, columns); nothing has the least columns.

    Raises:
        DataError: there are fewer or more columns.
    """
    table: Values = np.asarray(rows, np.float64)
    if not table.size:
        return np.empty((0, least))
    if table.ndim != 2 or not least <= table.shape[1] <= most:
        wanted = f"{least}" if least == most else f"{least} or {most}"
        raise DataError(f"boxes must be rows of {wanted} numbers; given shape {table.shape}")
    return table

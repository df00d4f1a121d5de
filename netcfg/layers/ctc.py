"""Connectionist temporal classification: sequences of labels from more steps than labels."""

from typing import Any

import numpy as np

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.loss import Loss
from netcfg.netcfg_pb2 import LossParameter
from netcfg.types import Array, Shape, Shapes

__all__ = ["ends_of_sequences", "label_sequences"]


def ends_of_sequences(indicators: Array) -> Array:
    """Return how many steps each sequence has, (N,); a 0 in (T, N) begins another one."""
    starts = np.round(indicators) == 0
    starts[0] = False
    return np.where(starts.any(axis=0), starts.argmax(axis=0), len(starts))


def label_sequences(rows: Array, blank: int) -> list[Any]:
    """Return the labels in each row of (N, L): up to the first negative one, without blanks."""
    found = []
    for row in rows:
        whole = np.floor(row + 0.5).astype(int)
        negative = np.flatnonzero(row < 0)
        whole = whole[: negative[0]] if len(negative) else whole
        found.append(whole[whole != blank])
    return found


def blank_of(index: int, classes: int) -> int:
    """Return the class of the blank; a negative index means the last class.

    Raises:
        ShapeError: there is no such class.
    """
    if index >= classes:
        raise ShapeError(f"the blank must be one of {classes} classes; given {index}")
    return index if index >= 0 else classes - 1


def steps_shape(x: Shape) -> Shape:
    """Return T, N and C of a bottom.

    Raises:
        ShapeError: it has other axes.
    """
    if len(x) < 3 or any(n != 1 for n in x[3:]):
        raise ShapeError(f"the first bottom must have axes T, N, C; given {x}")
    return x[:3]


class _CTC(Loss):
    """-log of the probability of all ways to spell the labels, by the mean over sequences.

    x: (T, N, C), scores   p = softmax of x over C
    further bottoms: labels (N, L); or indicators (T, N), 0 where a sequence begins, and labels
    (L, N); or lengths of sequences (N,), lengths of labels (N,), and labels (L, N)
    L = -Σ log Σ Π p[t, π(t)] / N over the paths π that spell the labels,  dx = (p - q) dL / N
        with q[t, k] the probability that such a path is at k at step t

    A path spells labels when equal neighbours are joined and then blanks removed. Labels end where
    they are negative; blanks among them are padding. ``output_delay`` steps at the start are not
    read. ``preprocess_collapse_repeated`` joins equal neighbours in the labels first;
    ``ctc_merge_repeated: false`` does not join those of paths. A sequence of at most one step
    without labels costs nothing. ``loss_param { normalization: NONE }`` does not divide by N: the
    forks divide what they print, but not the gradients.

    Graves, Fernández, Gomez and Schmidhuber, 2006. All is computed with logarithms, in float64.
    """

    bottoms = (2, 4)
    constant_bottoms = (1, 2, 3)
    reads = ("ctc_loss_param", "warpctc_loss_param", "loss_param")

    def setup(self, *bottoms: Shape) -> None:
        given = self.config.HasField("warpctc_loss_param")
        self.fields = self.config.warpctc_loss_param if given else self.config.ctc_loss_param

    def reshape(self, *bottoms: Shape) -> Shape:
        T, N, C = steps_shape(bottoms[0])
        fields = self.fields
        index = fields.blank_label if fields.HasField("blank_label") else fields.blank_index
        self.blank = blank_of(index, C)
        if fields.alphabet_size not in (0, C):
            raise ShapeError(f"alphabet_size must be the {C} classes; given {fields.alphabet_size}")
        self.steps = fields.time_step or T
        if not fields.output_delay < self.steps <= T:
            raise ShapeError(
                f"time_step must be at most the {T} steps and more than output_delay "
                f"{fields.output_delay}; given {self.steps}"
            )
        labels = bottoms[-1]
        if len(labels) < 2 or labels[0 if len(bottoms) == 2 else 1] != N:
            order = "(N, L)" if len(bottoms) == 2 else "(L, N)"
            raise ShapeError(f"labels must be {order} for {N} sequences; given {labels}")
        if len(bottoms) == 3 and bottoms[1][:2] != (T, N):
            raise ShapeError(f"indicators must be {(T, N)} for x {bottoms[0]}; given {bottoms[1]}")
        if len(bottoms) == 4 and any(int(np.prod(b)) != N for b in bottoms[1:3]):
            raise ShapeError(f"lengths must be {N} numbers; given {bottoms[1]} and {bottoms[2]}")
        return ()

    def forward(self, x: Array, *others: Array) -> Array:
        xp, delay = self.xp, self.fields.output_delay
        T, N, C = x.shape[:3]
        labels, lengths = self._labels(T, N, C, [self.engine.to_numpy(a) for a in others])
        # Not a loss of the engine's dtype: logarithms of small probabilities need the digits.
        scores = x.reshape(T, N, C)[delay : self.steps].astype(float)
        log_p = scores - scores.max(axis=2, keepdims=True)
        log_p -= xp.log(xp.exp(log_p).sum(axis=2, keepdims=True))
        states = _States(xp, labels, lengths, self.blank, merge=self.fields.ctc_merge_repeated)
        log_prob, at_state = states.run(log_p)
        mode = self.normalization(LossParameter.BATCH_SIZE)
        n = 1 if mode == LossParameter.NONE else max(N, 1)
        if self.need[0]:
            seen = states.seen(len(log_p))[..., None]
            dx = xp.zeros((T, N, C))
            dx[delay : self.steps] = seen * (xp.exp(log_p) - states.at_class(at_state, C)) / n
            self.saved = dx.reshape(x.shape).astype(x.dtype)
        return self.scalar(-log_prob.sum() / n, x)

    def backward(self, dy: Array) -> Any:
        dx = self.saved * dy if self.need[0] else None
        return (dx, *(None,) * (len(self.need) - 1))

    def _labels(self, T: int, N: int, C: int, others: list[Any]) -> tuple[list[Any], Any]:
        """Return the labels of each sequence, and how many steps are read, (N,)."""
        lengths = np.full(N, self.steps)
        rows = others[-1].reshape(others[-1].shape[:2])
        rows = rows if len(others) == 1 else rows.T
        if len(others) == 2:
            lengths = ends_of_sequences(others[0].reshape(T, N))
        elif len(others) == 3:
            lengths, most = (a.reshape(-1).astype(int) for a in others[:2])
            past = np.arange(rows.shape[1]) >= most[:, None]
            rows = np.where(past, -1, rows)
        lengths = np.minimum(lengths, self.steps)
        labels = label_sequences(rows, self.blank)
        for n, label in enumerate(labels):
            if self.fields.preprocess_collapse_repeated:
                labels[n] = label = label[np.diff(label, prepend=-1) != 0]
            if len(label) and label.max() >= C:
                raise DataError(
                    f"label {label.max()} of sequence {n} must be less than {C} classes"
                )
            if not len(label) and lengths[n] <= 1:
                lengths[n] = 0
        lengths = np.maximum(lengths - self.fields.output_delay, 0)
        self._check_room(labels, lengths)
        return labels, lengths

    def _check_room(self, labels: list[Any], lengths: Any) -> None:
        for n, label in enumerate(labels):
            # Between equal neighbours a blank must stand.
            twins = int((np.diff(label) == 0).sum()) if self.fields.ctc_merge_repeated else 0
            if len(label) + twins > lengths[n]:
                blanks = f" and {twins} blanks between equal ones" if twins else ""
                raise DataError(
                    f"the {len(label)} labels{blanks} of sequence {n} must fit into its steps; "
                    f"given {lengths[n]}"
                )


class _States:
    """The states of all sequences at once: blank, first label, blank, second label, ... blank.

    S is the number of states of the longest label; what stands behind the end of a shorter one is
    never reached from its end.
    """

    def __init__(self, xp: Any, labels: list[Any], lengths: Any, blank: int, *, merge: bool):
        N, most = len(labels), max((len(label) for label in labels), default=0)
        classes = np.full((N, 2 * most + 1), blank)
        for n, label in enumerate(labels):
            classes[n, 1 : 2 * len(label) : 2] = label
        self.xp = xp
        self.classes = xp.asarray(classes)
        odd = np.arange(2 * most + 1) % 2 == 1
        skip = np.zeros(classes.shape, bool)
        skip[:, 2:] = odd[2:] & ~(merge & (classes[:, 2:] == classes[:, :-2]))
        self.skip = self._gate(skip)  # may come from the label before, past a blank
        self.stay = self._gate((~odd | merge) & np.ones_like(skip))
        self.lengths = xp.asarray(lengths)
        size = np.array([len(label) for label in labels], int)
        ends = np.arange(2 * most + 1) - 2 * size[:, None]
        self.last = self._gate((ends == 0) | ((ends == -1) & (size[:, None] > 0)))
        self.first = self._gate(np.broadcast_to(np.arange(2 * most + 1) < 2, skip.shape))

    def _gate(self, open_: Any) -> Any:
        """Return 0 where states may be entered, else -inf, (N, S)."""
        return self.xp.asarray(np.where(open_, 0, -np.inf))

    def _shifted(self, a: Array, by: int) -> Array:
        """Return a (N, S) moved by states, -inf where nothing comes from."""
        out = self.xp.full_like(a, -np.inf)
        if by > 0:
            out[:, by:] = a[:, :-by]
        else:
            out[:, :by] = a[:, -by:]
        return out

    def seen(self, steps: int) -> Array:
        """Return which steps each sequence has, (T, N)."""
        return self.xp.arange(steps)[:, None] < self.lengths

    def run(self, log_p: Array) -> tuple[Array, Array]:
        """Return the logarithm of the labels' probability, (N,), and of each state's, (T, N, S).

        α[t, s] = log p[t, s] + log(α[t-1, s] + α[t-1, s-1] + α[t-1, s-2]),  β backwards alike; the
        state s is passed at t with α[t, s] β[t, s] over the probability.
        """
        xp, T = self.xp, len(log_p)
        index = xp.broadcast_to(self.classes, (T, *self.classes.shape))
        emit = xp.take_along_axis(log_p, index, axis=2)  # (T, N, S)
        alpha, beta = xp.empty_like(emit), xp.empty_like(emit)
        add = xp.logaddexp
        for t in range(T):
            alpha[t] = self.first if t == 0 else self._before(alpha[t - 1])
            alpha[t] += emit[t]
        at_end = (self.lengths - 1)[:, None]
        after = xp.full_like(emit[0], -np.inf)
        for t in reversed(range(T)):
            if t + 1 < T:
                later = beta[t + 1] + emit[t + 1]
                after = add(later + self.stay, self._shifted(later, -1))
                if later.shape[1] > 2:
                    after = add(after, self._shifted(later + self.skip, -2))
            beta[t] = xp.where(at_end == t, self.last, xp.where(at_end > t, after, -np.inf))
        both = alpha + beta
        log_prob = both[0, :, 0]
        for s in range(1, both.shape[2]):
            log_prob = add(log_prob, both[0, :, s])
        log_prob = xp.where(self.lengths > 0, log_prob, 0)
        return log_prob, both - log_prob[:, None]

    def _before(self, a: Array) -> Array:
        """Return the logarithm of what enters each state from a (N, S)."""
        entered = self.xp.logaddexp(a + self.stay, self._shifted(a, 1))
        if a.shape[1] > 2:
            entered = self.xp.logaddexp(entered, self._shifted(a, 2) + self.skip)
        return entered

    def at_class(self, at_state: Array, classes: int) -> Array:
        """Return the sum of the states' probabilities for each class, (T, N, C)."""
        xp = self.xp
        one_hot = (self.classes[..., None] == xp.arange(classes)).astype(float)  # (N, S, C)
        # (N, T, C) = (N, T, S) @ (N, S, C)
        found = xp.exp(at_state).transpose(1, 0, 2) @ one_hot
        return found.transpose(1, 0, 2)


@register("CTCLoss")
class CTCLoss(_CTC):
    __doc__ = _CTC.__doc__


@register("CtcLoss")
class CtcLoss(_CTC):
    __doc__ = _CTC.__doc__


@register("WarpCTCLoss")
class WarpCTCLoss(_CTC):
    __doc__ = _CTC.__doc__


@register("CTCGreedyDecoder")
class CTCGreedyDecoder(Layer):
    """The labels that the likeliest class of each step spells.

    x: (T, N, C)   indicators, optional: (T, N), 0 where a sequence begins
    labels, optional: (L, N)   those found: (N, T, 1, 1), -1 behind their end

    Equal neighbours are joined unless ``ctc_merge_repeated: false``, then blanks removed. A top
    more is the score of each sequence, (N, 1, 1, 1), -Σ x of the classes taken; with labels the
    last top is the accuracy, (1, 1, 1, 1): 1 minus the mean of their edit distance to those found
    over the length of the longer.
    """

    bottoms = (1, 3)
    tops = (1, 3)
    constant_bottoms = (0, 1, 2)
    differentiable = False
    reads = ("ctc_decoder_param",)

    def setup(self, *bottoms: Shape) -> None:
        most = len(bottoms) if len(bottoms) > 1 else 2
        if self.ntops > most:
            raise NetError(f"{len(bottoms)} bottoms have at most {most} tops; given {self.ntops}")
        self.judged = len(bottoms) == 3 and self.ntops > 1

    def reshape(self, *bottoms: Shape) -> Any:
        T, N, C = steps_shape(bottoms[0])
        self.blank = blank_of(self.config.ctc_decoder_param.blank_index, C)
        if len(bottoms) > 1 and bottoms[1][:2] != (T, N):
            raise ShapeError(f"indicators must be {(T, N)} for x {bottoms[0]}; given {bottoms[1]}")
        if len(bottoms) > 2 and (len(bottoms[2]) < 2 or bottoms[2][1] != N):
            raise ShapeError(f"labels must be (L, N) for {N} sequences; given {bottoms[2]}")
        each: Shapes = ((N, T, 1, 1), (N, 1, 1, 1))
        tops = each[: self.ntops - self.judged] + ((1, 1, 1, 1),) * self.judged
        return tops if len(tops) > 1 else tops[0]

    def forward(self, x: Array, *others: Array) -> Any:
        T, N, C = x.shape[:3]
        x = self.engine.to_numpy(x).reshape(T, N, C)
        best = x.argmax(axis=2)
        lengths = np.full(N, T)
        if others:
            lengths = ends_of_sequences(self.engine.to_numpy(others[0]).reshape(T, N))
        seen = np.arange(T)[:, None] < lengths
        kept = seen & (best != self.blank)
        if self.config.ctc_decoder_param.ctc_merge_repeated:
            kept[1:] &= best[1:] != best[:-1]
        y = np.full((N, T), -1)
        for n in range(N):
            labels = best[kept[:, n], n]
            y[n, : len(labels)] = labels
        tops = [y[..., None, None]]
        if self.ntops - self.judged > 1:
            tops.append(-(x.max(axis=2) * seen).sum(axis=0).reshape(N, 1, 1, 1))
        if self.judged:
            rows = self.engine.to_numpy(others[1])
            wanted = label_sequences(rows.reshape(rows.shape[:2]).T, self.blank)
            errors = [_distance(row[row >= 0], want) for row, want in zip(y, wanted, strict=True)]
            tops.append(np.full((1, 1, 1, 1), 1 - np.mean(errors)))
        found = tuple(self.engine.asarray(top) for top in tops)
        return found if len(found) > 1 else found[0]


def _distance(a: Any, b: Any) -> float:
    """Return the edit distance of two sequences over the length of the longer, 0 if both are empty.

    >>> _distance([1, 2, 3], [1, 3])
    0.3333333333333333
    """
    costs = list(range(len(b) + 1))
    for i, left in enumerate(a):
        diagonal, costs[0] = costs[0], i + 1
        for j, right in enumerate(b):
            step = min(costs[j + 1] + 1, costs[j] + 1, diagonal + int(left != right))
            diagonal, costs[j + 1] = costs[j + 1], step
    return costs[-1] / max(len(a), len(b), 1)


@register("ContinuationIndicator")
class ContinuationIndicator(Layer):
    """Indicators of sequences that begin with the pass: 0 at the first step, 1 at all others.

    y: (T, N), the first two axes of the bottom, or ``time_step`` and ``batch_size``; with
    ``axis: 1`` the bottom is (N, T, ...)
    """

    bottoms = (0, 1)
    constant_bottoms = (0,)
    differentiable = False
    own_fields = {  # noqa: RUF012 - Layer says it is a ClassVar
        "continuation_indicator_param": {"axis": 0, "time_step": 0, "batch_size": 0}
    }

    def reshape(self, *bottoms: Shape) -> Shape:
        fields = self.own["continuation_indicator_param"]
        if fields["axis"] not in (0, 1):
            raise NetError(f"axis must be 0 or 1, that of time; given {fields['axis']}")
        found = [0, 0]
        if bottoms and len(bottoms[0]) > 1:
            found = list(bottoms[0][:2] if fields["axis"] == 0 else bottoms[0][1::-1])
        size = (fields["time_step"] or found[0], fields["batch_size"] or found[1])
        if min(size) < 1:
            raise ShapeError(
                "time_step and batch_size, or a bottom with both axes, must be given; given "
                f"{fields['time_step']} and {fields['batch_size']}"
            )
        self.size = size
        return size

    def forward(self, *xs: Array) -> Array:
        y = self.xp.ones(self.size, self.engine.dtype)
        y[0] = 0
        return y

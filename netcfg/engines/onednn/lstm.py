"""LSTM over whole sequences in oneDNN."""

from collections.abc import Callable
from ctypes import c_int, c_uint, c_void_p
from typing import Any

import numpy as np

from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Arg, Kind, Library, Query
from netcfg.engines.onednn.memory import dense, free
from netcfg.engines.onednn.operation import Operation, Slot
from netcfg.engines.onednn.runner import Runner
from netcfg.types import Array, Arrays, Shape

GATES = [0, 1, 3, 2]
"""Caffe's gates are i, f, o, g, oneDNN's i, f, g, o: the same exchange there and back."""

STEPS = 8
"""Least mean length of the parts between beginnings of sequences; step by step is faster below."""

_LEFT_TO_RIGHT = c_int(1)
_OVERWRITE = c_uint(1)
"""Gradients of weights are written, not added to what is there."""
_NONE = c_void_p(None)

Sizes = tuple[int, int, int, int]
"""T steps, N sequences, K inputs, D outputs."""


class Whole:
    """An LSTM over T steps of N sequences, and its gradients.

    Within a call of oneDNN no sequence begins anew. Where one does, at a step whose ``cont`` is not
    1 throughout, the next call begins, with states multiplied by ``cont``.

    Args:
        runner: runs oneDNN.
        x: (T, N, K).
        cont: (T, N).
        first: h and c before the first step, (N, D) each.
        weights: W_x (4D, K), b (4D) and W_h (4D, D), rows in the order i, f, o, g.

    Attributes:
        y: (T, N, D).
        last: h and c after the last step, (N, D) each.
    """

    def __init__(
        self, runner: Runner, x: Array, cont: Array, first: Arrays, weights: Arrays
    ) -> None:
        self._runner, self._cont = runner, cont
        self._shapes = [w.shape for w in weights]
        w_x, b, w_h = (_exchanged(w) for w in weights)
        self._weights = w_x.transpose(2, 0, 1), w_h.transpose(2, 0, 1), b  # (K, 4, D), (D, 4, D)
        self._parts: list[tuple[slice, Arrays]] = []
        states = first
        for part in _parts(cont):
            carried = tuple(h * cont[part.start, :, None] for h in states)
            operation = self._find(forward, x[part])
            y, *states, kept = runner.run(operation, x[part], *carried, *self._weights)
            self._parts.append((part, (x[part], *carried, *self._weights, y, *states, kept)))
        ys = [given[6] for _, given in self._parts]
        self.y = ys[0] if len(ys) == 1 else np.concatenate(ys)
        self.last: Arrays = tuple(h.reshape(first[0].shape) for h in states)

    def _find(self, make: Callable[..., Operation], x: Array) -> Operation:
        sizes = (*x.shape, self._shapes[2][1])
        library = self._runner.library
        operation = self._runner.find(
            (f"lstm {make.__name__}", sizes), lambda: make(library, sizes), x.size
        )
        if operation is None:
            raise RuntimeError(f"oneDNN has no LSTM for {sizes}")
        return operation

    def back(self, dy: Array) -> Arrays:
        """Return dx, dW_x, db and dW_h."""
        dxs: list[Array] = []
        total: list[Array] | None = None
        carried: Any = [np.zeros_like(self.last[0])] * 2
        for part, given in reversed(self._parts):
            operation = self._find(backward, given[0])
            dx, dh, dc, *grads = self._runner.run(operation, *given, dy[part], *carried)
            cont = self._cont[part.start, :, None]
            carried = [dh.reshape(cont.shape[0], -1) * cont, dc.reshape(cont.shape[0], -1) * cont]
            dxs.insert(0, dx)
            total = grads if total is None else [a + b for a, b in zip(total, grads, strict=True)]
        w_x, w_h, b = total or []
        dx = dxs[0] if len(dxs) == 1 else np.concatenate(dxs)
        pieces = [w[0, 0].transpose(1, 2, 0) for w in (w_x, w_h)]  # (4, D, K)
        found = pieces[0], b, pieces[1]
        shapes = zip(found, self._shapes, strict=True)
        return (dx, *(_exchanged(w.reshape(shape)).reshape(shape) for w, shape in shapes))


def suits(cont: Array) -> bool:
    """Return whether sequences begin so seldom that whole parts are faster than single steps."""
    return len(cont) >= STEPS * len(_parts(cont))


def _parts(cont: Array) -> list[slice]:
    """Return the parts in which no sequence begins but at their first steps."""
    begins = (cont[1:] != 1).any(axis=1).nonzero()[0] + 1
    starts = [0, *begins.tolist()]
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(cont)], strict=True)]


def _exchanged(w: Array) -> Array:
    """Return rows (4D, ...) as (4, D, ...), the gates in the other's order."""
    return w.reshape(4, len(w) // 4, *w.shape[1:])[GATES]


def forward(library: Library, sizes: Sizes) -> Operation:
    """Return y, h, c and what ``backward`` needs; takes x, h, c, W_x, W_h and b."""
    desc = _forward_desc(library, sizes)
    outputs = [*_outputs(sizes), _workspace(library, desc)]
    return Operation(library, desc, _inputs(library, desc, sizes), outputs)


def backward(library: Library, sizes: Sizes) -> Operation:
    """Return dx, dh, dc, dW_x, dW_h and db.

    Takes what ``forward`` takes and returns, then dy, dh and dc.
    """
    *_, K, D = sizes
    hint = _forward_desc(library, sizes)
    x, state, bias = (dense(shape, last=False) for shape in _shapes(sizes))
    y = dense((*sizes[:2], D), last=False)
    w_x, w_h = free((1, 1, K, 4, D)), free((1, 1, D, 4, D))
    given = x, state, state, w_x, w_h, _NONE, _NONE, bias, y, state, state
    desc = library.primitive_desc(
        "lstm_backward",
        c_int(Kind.BACKWARD),
        _LEFT_TO_RIGHT,
        *given,
        *given,  # their gradients lie as they do
        _OVERWRITE,
        hint,
        Attributes(library).handle,
    )
    workspace = _workspace(library, hint)
    library.destroy("primitive_desc", hint)
    outputs = _outputs(sizes)
    inputs = [*_inputs(library, desc, sizes), *outputs, workspace, *_gradients(outputs)]
    results = _gradients(_inputs(library, desc, sizes))
    for slot, index in ((3, 0), (4, 1)):
        own = library.query(desc, Query.DIFF_WEIGHTS, index)
        results[slot] = Slot(results[slot].arg, results[slot].shape, last=False, own=own)
    return Operation(library, desc, inputs, results)


def _shapes(sizes: Sizes) -> tuple[Shape, Shape, Shape]:
    """Return the shapes of x, of a state and of the bias, as oneDNN has them."""
    T, N, K, D = sizes
    return (T, N, K), (1, 1, N, D), (1, 1, 4, D)


def _forward_desc(library: Library, sizes: Sizes) -> c_void_p:
    T, N, K, D = sizes
    x, state, bias = (dense(shape, last=False) for shape in _shapes(sizes))
    return library.primitive_desc(
        "lstm_forward",
        c_int(Kind.TRAINING),
        _LEFT_TO_RIGHT,
        *(x, state, state),
        *(free((1, 1, K, 4, D)), free((1, 1, D, 4, D)), _NONE, _NONE, bias),
        *(dense((T, N, D), last=False), state, state),
        _OVERWRITE,
        Attributes(library).handle,
    )


def _inputs(library: Library, desc: c_void_p, sizes: Sizes) -> list[Slot]:
    _, _, K, D = sizes
    x, state, bias = _shapes(sizes)
    w_x, w_h = (library.query(desc, Query.WEIGHTS, i) for i in range(2))
    return [
        Slot(Arg.SRC, x, last=False),
        Slot(Arg.SRC_1, state, last=False),
        Slot(Arg.SRC_2, state, last=False),
        Slot(Arg.WEIGHTS, (1, 1, K, 4, D), last=False, own=w_x),
        Slot(Arg.WEIGHTS_1, (1, 1, D, 4, D), last=False, own=w_h),
        Slot(Arg.BIAS, bias, last=False),
    ]


def _outputs(sizes: Sizes) -> list[Slot]:
    T, N, _, D = sizes
    state = _shapes(sizes)[1]
    return [
        Slot(Arg.DST, (T, N, D), last=False),
        Slot(Arg.DST_1, state, last=False),
        Slot(Arg.DST_2, state, last=False),
    ]


def _gradients(slots: list[Slot]) -> list[Slot]:
    """Return the slots of the gradients of what lies in ``slots``."""
    difference = Arg.DIFF_SRC - Arg.SRC
    return [Slot(slot.arg + difference, slot.shape, last=False) for slot in slots]


def _workspace(library: Library, desc: c_void_p) -> Slot:
    """Return the slot of what the forward pass leaves for the backward pass, bytes."""
    size = library.size(library.query(desc, Query.WORKSPACE))
    return Slot(Arg.WORKSPACE, (size,), dtype=np.uint8)

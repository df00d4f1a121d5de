"""Updates on a card: all parameters in one piece of memory, one launch, nothing that waits."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netcfg.engines.base import Engine
from netcfg.engines.cuda import launch
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.param import Param
from netcfg.solver.rules import Updater, make_rule
from netcfg.types import Array, Shape

ALIGN = 64
"""Elements to which the start of each parameter is rounded up, for loads of 16 bytes and more."""

LOSS_SCALE = 2.0**15
"""What losses are multiplied by at first where blobs are float16, as the field has it."""

INTERVAL = 2000
"""After how many updates without overflow the loss scale is doubled."""

SETTINGS = {
    "SGD": ("momentum",),
    "Nesterov": ("momentum",),
    "AdaGrad": ("delta",),
    "RMSProp": ("rms_decay", "delta"),
    "AdaDelta": ("momentum", "delta"),
    "Adam": ("momentum", "momentum2", "delta"),
}
"""Fields of a solver that its kernel is given."""


class FlatUpdater:
    """What ``Updater`` does, for parameters on a card; those kept on the CPU are left to it.

    Learning rate and iteration are in the card's memory, so that a recorded step reads new ones.

    Args:
        param: the solver.
        params: of the net; their arrays become views of one piece of memory.
        engine: of the net.

    Attributes:
        history: as ``Updater`` has it.
        loss_scale: a number on the card that losses are multiplied by, None but for float16.
    """

    def __init__(self, param: SolverParameter, params: Sequence[Param], engine: Any) -> None:
        self.rule = make_rule(param)
        self.params = params
        self.xp = engine.xp
        self._param = param
        self._engine = engine
        self._kernels = engine.device.kernels(engine.dtype)
        self._mine = [p for p in params if not _elsewhere(p, engine)]
        sizes = [-(-p.value.size // ALIGN) * ALIGN for p in self._mine]
        self._sizes = sizes
        self._w, self._g = self._zeros(sum(sizes)), self._zeros(sum(sizes))
        self._h = [self._zeros(sum(sizes)) for _ in range(self.rule.histories)]
        self._move()
        others = [p for p in params if _elsewhere(p, engine)]
        self._rest = Updater(param, others, Engine(engine.dtype)) if others else None
        self.history = self._histories()
        self._tables: Any = None
        self._mults: Any = None
        self._rate, self._factor = self._zeros(1), self._zeros(1)
        self._t, self._skip = self._numbers(np.int64), self._numbers(np.int32)
        self.loss_scale: Array | None = None
        self._good: Array | None = None
        if engine.floats.scaled:
            self.loss_scale, self._good = self._zeros(1), self._numbers(np.int32)
            self.loss_scale.fill(LOSS_SCALE)
        self._fixed = 1 / param.iter_size
        self._factor.fill(self._fixed)

    def prepare(self, rate: float, t: int) -> None:
        """Put learning rate and number of the update, from 1, where the card reads them."""
        self._rate.fill(rate)
        self._t.fill(t)

    def run(self) -> None:
        """Queue the update of what is on the card; nothing of it depends on the iteration."""
        for p in self._mine:
            if p.lr_mult:
                _ = p.diff  # zeros where no layer has added anything
        start = self._table()[0]
        if not len(start):
            return
        scaled = self.loss_scale is not None or self._param.clip_gradients >= 0
        if scaled:
            self._measure(len(start))
        names = dict(zip(("start", "length", "lr_mult", "decay_mult"), self._table(), strict=True))
        names |= dict(zip(("h0", "h1"), self._h, strict=False))
        one = scaled or self._fixed != 1
        made = launch.update(
            self._param.weight_decay,
            self._param.regularization_type == "L1",
            1,
            w=self._w,
            g=self._g,
            rate=self._rate,
            t=self._t,
            factor=self._factor if one else None,
            skip=self._skip if self.loss_scale is not None else None,
            **names,
        )
        settings = [float(getattr(self._param, f)) for f in SETTINGS[self._param.type]]
        name = self._param.type.lower()
        self._kernels.run(name, (len(start),), (launch.BLOCK,), made, *settings)
        for p in self._mine:
            if p.lr_mult:
                p.changed()

    def apply(self, rate: float, t: int) -> None:
        """Make update number ``t``, counted from 1, with learning rate ``rate``."""
        self.prepare(rate, t)
        self.run()
        self.apply_rest(rate, t)

    def apply_rest(self, rate: float, t: int) -> None:
        """Update the parameters that are kept on the CPU."""
        if self._rest is not None:
            self._rest.apply(rate, t)

    def _measure(self, chunks: int) -> None:
        """Queue what makes ``factor``: clipping, iter_size and the loss scale."""
        start, length, lr_mult, _ = self._table()
        partial = self.xp.empty(chunks, np.float64)
        self._kernels.run(
            "square_sums", (chunks,), (launch.BLOCK,), self._g, start, length, lr_mult, partial
        )
        skip = self._skip if self.loss_scale is not None else None
        self._kernels.run(
            "gradient_factor", (1,), (launch.BLOCK,),
            partial, chunks, float(self._param.clip_gradients), float(self._param.iter_size),
            self.loss_scale, self._good, INTERVAL, self._factor, skip,
        )  # fmt: skip

    def _table(self) -> Any:
        """Return the tables of chunks, made again when a multiplier has changed."""
        mults = [(p.lr_mult, p.decay_mult) for p in self._mine]
        if mults != self._mults:
            self._mults = mults
            rates, decays = zip(*mults, strict=True) if mults else ((), ())
            made = launch.chunks(self._sizes, rates, decays, self._kernels.acc)
            self._tables = [self.xp.asarray(t) for t in made]
        return self._tables

    def _move(self) -> None:
        """Let weights and gradients of the parameters be views of the two pieces of memory."""
        at = 0
        for p, size in zip(self._mine, self._sizes, strict=True):
            place = slice(at, at + p.value.size)
            p.move(_view(self._w[place], p.shape), _view(self._g[place], p.shape))
            at += size

    def _histories(self) -> list[Array]:
        """Return views of the histories, and of those on the CPU, in the order of parameters."""
        found: list[Array] = []
        for kind, flat in enumerate(self._h):
            at, rest, mine = 0, 0, 0
            for p in self.params:
                if _elsewhere(p, self._engine):
                    assert self._rest is not None  # noqa: S101 - made for these
                    found.append(self._rest.history[kind * len(self._rest.params) + rest])
                    rest += 1
                    continue
                found.append(_view(flat[at : at + p.value.size], p.shape))
                at += self._sizes[mine]
                mine += 1
        return found

    def _zeros(self, size: int) -> Array:
        return self.xp.zeros(size, self._kernels.acc)

    def _numbers(self, dtype: Any) -> Array:
        return self.xp.zeros(1, dtype)


def make_updater(param: SolverParameter, params: Sequence[Param], engine: Engine) -> Any:
    """Return what updates the parameters of a net on its engine."""
    kind = FlatUpdater if engine.name == "cuda" else Updater
    return kind(param, params, engine)


def _elsewhere(p: Param, engine: Engine) -> bool:
    """Return whether a parameter is kept on the CPU, because its layer runs there."""
    return engine.xp is not np and isinstance(p.value, np.ndarray)


def _view(flat: Array, shape: Shape) -> Array:
    """View memory as an array, channels-last where it holds kernels of images."""
    if len(shape) < 4:
        return flat.reshape(shape)
    last = flat.reshape(shape[0], *shape[2:], shape[1])
    return last.transpose(0, len(shape) - 1, *range(1, len(shape) - 1))

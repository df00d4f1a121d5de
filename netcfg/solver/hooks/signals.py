"""Ctrl-C and SIGHUP during training."""

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Literal

from netcfg.solver.hooks.base import Hook

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

Effect = Literal["stop", "snapshot", "none"]
NOTE = b"\nstopping after this iteration and a snapshot; press Ctrl-C again to stop at once\n"
STDERR = 2


class Signals(Hook):
    """Lets SIGINT stop training after a snapshot, a second one at once, and SIGHUP take a snapshot.

    Signals can be caught in the main thread only; elsewhere nothing is done. The handlers that were
    there come back when training ends.

    Args:
        sigint: effect of Ctrl-C.
        sighup: effect of SIGHUP.
    """

    def __init__(self, sigint: Effect = "stop", sighup: Effect = "snapshot") -> None:
        self._effects: dict[int, Effect] = {int(signal.SIGINT): sigint}
        if hasattr(signal, "SIGHUP"):  # not on Windows
            self._effects[int(signal.SIGHUP)] = sighup
        self._old: dict[int, Any] = {}
        self._solver: Solver | None = None
        self._stopping = False

    def on_start(self, solver: "Solver") -> None:
        """Put the handlers in."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._solver = solver
        self._stopping = False
        for number, effect in self._effects.items():
            if effect != "none":
                self._old[number] = signal.signal(number, self._handle)

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Put the old handlers back."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old = {}
        self._solver = None

    def _handle(self, number: int, frame: object) -> None:
        effect = self._effects[number]
        if self._solver is None or effect == "none":
            return
        if effect == "stop":
            if self._stopping:
                raise KeyboardInterrupt
            self._stopping = True
            # a handler must not use buffered streams, which it may have interrupted
            os.write(STDERR, NOTE)
        self._solver.request(effect)

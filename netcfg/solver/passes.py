"""Forward and backward passes of an iteration: one by one, or recorded where the engine can."""

import os
from typing import TYPE_CHECKING, Any

from netcfg.engines.cuda.graphs import Stream
from netcfg.engines.cuda.upload import Upload
from netcfg.memory import is_out_of_memory, memory_of, too_much
from netcfg.net import Net
from netcfg.recorded import RecordedPasses

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

VARIABLE = "NETCFG_GRAPHS"
"""The environment variable that turns recorded steps off."""


class Passes:
    """Makes the gradients of an iteration.

    Args:
        net: to train.
        count: passes whose gradients add up (``iter_size``).
        updater: tells what losses are multiplied by.
    """

    def __init__(self, net: Net, count: int, updater: Any) -> None:
        self.net, self.count = net, count
        self._scale = getattr(updater, "loss_scale", None)
        self._recorded: RecordedPasses | None = None
        self._state: Any = None

    def run(self, solver: "Solver") -> Any:
        """Return the mean loss of the passes, on a device as an array of it.

        Args:
            solver: whose ``feed`` is asked for inputs, and whose ``fed`` and outputs are set.

        Raises:
            NetError: the card has too little memory; the message names a batch that fits.
        """
        try:
            if solver.feed is None and self._may_record():
                return self._replay(solver)
            return self._plain(solver)
        except MemoryError as error:
            if not is_out_of_memory(error):
                raise
            engine: Any = self.net.engine
            raise too_much(self.net, memory_of(engine), engine.store.itemsize) from error

    def _plain(self, solver: "Solver") -> Any:
        net, solver.fed, loss = self.net, [], 0.0
        net.clear_grads()
        for _ in range(self.count):
            inputs = solver.feed() if solver.feed else None
            solver.fed.append(inputs)
            solver.outputs = net.forward(inputs)
            net.backward(self._seeds())
            loss += net.loss
        return loss / self.count

    def _seeds(self) -> dict[str, Any]:
        """Return the gradients of the losses where they are scaled."""
        if self._scale is None:
            return {}
        blobs, xp = self.net.blobs, self.net.engine.xp
        scale = self._scale.reshape(())
        return {
            name: xp.full_like(blobs[name], weight) * scale
            for name, weight in self.net.loss_weight.items()
            if name in blobs
        }

    def _may_record(self) -> bool:
        """Return whether nobody looks into the passes and the engine can record."""
        net = self.net
        hooks = (net.before_forward, net.after_forward, net.before_backward, net.after_backward)
        on = os.environ.get(VARIABLE, "on") != "off"
        return on and net.engine.name == "cuda" and type(net) is Net and not any(hooks)

    def _replay(self, solver: "Solver") -> Any:
        net, device = self.net, getattr(self.net.engine, "device", None)
        if self._recorded is None:
            self._recorded = RecordedPasses(
                net, Stream(device), lambda target: Upload(device, target), self.count, self._scale
            )
        state = [layer.step for layer in net.layers], [p.lr_mult for p in net.params]
        if state != self._state:
            self._recorded.forget()
        loss = self._recorded.step()
        self._state = [layer.step for layer in net.layers], state[1]
        solver.fed = [None] * self.count
        solver.outputs = {name: net.blobs[name] for name in net.outputs if name in net.blobs}
        return loss

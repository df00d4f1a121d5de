"""Forward and backward passes of an iteration: one by one, or recorded where the engine can."""

from typing import TYPE_CHECKING, Any

from netcfg.captured import kept
from netcfg.memory import explained
from netcfg.net import Net
from netcfg.recorded import RecordedPasses

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver


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
        self._refused = False
        self._state: Any = None

    def run(self, solver: "Solver") -> Any:
        """Return the mean loss of the passes, on a device as an array of it.

        Args:
            solver: whose ``feed`` is asked for inputs, and whose ``fed`` and outputs are set.

        Raises:
            NetError: the card has too little memory; the message names a batch that fits.
        """
        with explained(self.net):
            if solver.feed is None and self._may_record():
                return self._replay(solver)
            return self._plain(solver)

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
        if type(net) is not Net or any(hooks) or self._refused:
            return False
        if self._recorded is None and (stream := net.engine.stream()):
            self._recorded = RecordedPasses(net, stream, self.count, self._scale)
        return self._recorded is not None

    def _replay(self, solver: "Solver") -> Any:
        net, recorded = self.net, self._recorded
        assert recorded  # noqa: S101 - _may_record has made it
        if self._now() != self._state:
            recorded.forget()
        loss = recorded.step()
        self._state = self._now()
        if recorded.refused:
            self._recorded, self._refused = None, True
        solver.fed = [None] * self.count
        solver.outputs = {name: net.blobs[name] for name in net.outputs if name in net.blobs}
        return loss

    def _now(self) -> Any:
        """Return what stays as it is, but for the counted passes, unless a run is resumed."""
        net = self.net
        return (
            [layer.step for layer in net.layers],
            [p.lr_mult for p in net.params],
            kept(net.layers),
        )

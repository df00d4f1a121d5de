"""At the end, which records of the data could not be used."""

from typing import TYPE_CHECKING

from netcfg.solver.hooks.base import Hook

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

MOST = 20
"""Records that are listed for each layer; of the others the number is said."""


class BadData(Hook):
    """Lists the records that data layers passed over, each once."""

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Say what the layers of all nets noted in ``bad_records``."""
        for net in (solver.train_net, *solver.test_nets):
            for layer in net.layers:
                records = list(dict.fromkeys(getattr(layer, "bad_records", ())))
                if not records:
                    continue
                solver.say(f"layer '{layer.name}': {len(records)} records could not be used")
                for where, message in records[:MOST]:
                    solver.say(f"  {where}: {message}")
                if len(records) > MOST:
                    solver.say(f"  and {len(records) - MOST} more")

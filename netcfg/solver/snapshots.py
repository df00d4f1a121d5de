"""From a solver to a snapshot and back."""

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netcfg import __version__
from netcfg.errors import NetError, WeightsError
from netcfg.io.snapshot import State, write_snapshot
from netcfg.layers.data import preparation_of
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.solver.rules import RULES
from netcfg.solver.schedule import current_step
from netcfg.types import Shape
from netcfg.weights import missing, stored_layers

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver


def prefix_of(param: SolverParameter, file: str, out: Path | None) -> Path:
    """Return what the names of a solver's snapshots begin with.

    It is ``snapshot_prefix``, with the solver's name in it where that is a folder, and the solver's
    file without its suffix where it is empty. With ``out`` only its last part counts.
    """
    given, solver = param.snapshot_prefix, Path(file or "solver")
    if not given:
        prefix = solver.with_suffix("")
    elif given.endswith("/") or Path(given).is_dir():
        prefix = Path(given) / solver.stem
    else:
        prefix = Path(given)
    return prefix if out is None else out / prefix.name


def check_writable(prefix: Path) -> None:
    """Make the folder of snapshots, and see that files can be written there.

    Raises:
        NetError: they cannot, which is better said before training than after it.
    """
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=prefix.parent):
            pass
    except OSError as error:
        raise NetError(
            f"cannot write snapshots '{prefix}_iter_*': {error.strerror or error}; see "
            "snapshot_prefix, or set snapshot: 0 and snapshot_after_train: false"
        ) from error


def take(solver: "Solver") -> tuple[Path, Path]:
    """Write a snapshot of a solver; return its weights and its state."""
    net, param = solver.train_net, solver.param
    to_numpy = net.engine.to_numpy
    state = State(
        iter=solver.iter,
        history=[to_numpy(h) for h in solver.updater.history],
        current_step=current_step(param, solver.iter),
        solver_type=param.type,
        random_seed=solver.seed,
        losses=[float(loss) for loss in solver.losses],
        layers=solver.layer_states(),
        netcfg_version=__version__,
    )
    layers = stored_layers(net.layers, net.engine, diffs=param.snapshot_diff)
    hdf5 = param.snapshot_format == SolverParameter.HDF5
    asked = (solver.test_nets or [net])[0].layers
    return write_snapshot(
        solver.prefix, state, net.name, layers, hdf5=hdf5, preparation=preparation_of(asked)
    )


def resume(solver: "Solver", state: State) -> None:
    """Put a solver where it was when ``state`` was written.

    Raises:
        WeightsError: the state belongs to another net or kind of solver; nothing is changed.
    """
    _check_type(solver, state)
    _check_history(solver, state)
    engine, net = solver.train_net.engine, solver.train_net
    lacking = missing(net.layers, state.weights)
    if lacking:
        raise WeightsError(
            f"'{state.weights.path}' lacks the parameters of layer '{lacking[0]}', so this is not "
            f"the net that '{state.path}' was written for"
        )
    net.load(state.weights)
    for mine, stored in zip(solver.updater.history, state.history, strict=True):
        values = np.asarray(stored).reshape(mine.shape)
        mine[...] = values if isinstance(mine, np.ndarray) else engine.asarray(values)
    solver.iter = state.iter
    solver.losses.clear()
    solver.losses.extend(state.losses)
    nets = {"train": net} | {f"test{i}": test for i, test in enumerate(solver.test_nets)}
    for name, layers in state.layers.items():
        if name in nets:
            nets[name].restore(layers)


def _check_type(solver: "Solver", state: State) -> None:
    if state.solver_type and state.solver_type != solver.param.type:
        raise WeightsError(
            f"'{state.path}' was written by a solver of type {state.solver_type}, this one is "
            f"{solver.param.type}; change type, or start from the weights alone with --weights "
            f"'{state.weights.path}'"
        )


def _check_history(solver: "Solver", state: State) -> None:
    params, mine = solver.train_net.params, solver.updater.history
    if len(state.history) != len(mine):
        per_param = len(state.history) / max(1, len(params))
        others = [name for name, rule in RULES.items() if rule.histories == per_param]
        hint = f"as many as {' or '.join(others)} keeps" if others else "the net has changed"
        raise WeightsError(
            f"'{state.path}' holds {len(state.history)} history arrays, {solver.param.type} keeps "
            f"{len(mine)} for the {len(params)} parameters of net '{solver.train_net.name}'; {hint}"
        )
    for i, (stored, own) in enumerate(zip(state.history, mine, strict=True)):
        if not _fits(stored.shape, own.shape):
            param = params[i % len(params)]
            raise WeightsError(
                f"'{state.path}': history {i} has shape {stored.shape}, parameter "
                f"{i % len(params)} of net '{solver.train_net.name}' {param.shape}; the net has "
                "changed"
            )


def _fits(stored: Shape, own: Shape) -> bool:
    """Compare shapes; old files write every array with four axes, the first ones 1."""
    extra = len(stored) - len(own)
    return stored[max(0, extra) :] == own and math.prod(stored) == math.prod(own)

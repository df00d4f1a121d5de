"""The training loop: test, forward and backward, display, update, snapshot, in Caffe's order.

What a run prints, records and guards against lies in hooks, see ``netcfg.solver.hooks``.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from netcfg.engines.base import Engine
from netcfg.errors import WeightsError, nearest
from netcfg.io.caffemodel import read_weights
from netcfg.io.snapshot import find_latest, read_state
from netcfg.net import Net
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.places import field_error
from netcfg.solver.evaluation import make_means
from netcfg.solver.flat_rules import make_updater
from netcfg.solver.forks import check_forks
from netcfg.solver.hooks.base import Hook, Hooks, Outputs, Progress, Scores
from netcfg.solver.hooks.debug_info import DebugInfo, Steps
from netcfg.solver.mode import carried_layers, gpu_missing, gpu_reason
from netcfg.solver.nets import (
    NetPlanner,
    batch_size,
    build,
    load_lines,
    read_source,
    weight_files,
)
from netcfg.solver.passes import Passes
from netcfg.solver.schedule import make_schedule
from netcfg.solver.snapshots import check_writable, prefix_of, resume, take
from netcfg.types import Array
from netcfg.weights import LayerState

Action = Literal["stop", "snapshot"]
Names = Mapping[str, str]


def _quiet() -> np.errstate:
    """Keep NumPy from a line at every overflow: a loss that is not finite is for hooks to judge."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


class Solver:
    """Trains a net as a solver file says.

    Args:
        source: a solver file or message.
        engine: where nets run; the best one at hand where None.
        weights: files to start from, in this order; in place of the solver's ``weights``.
        ignore_mismatch: layers that may have other shapes in those files.
        rename: names of layers in those files → names in the net.
        seed: in place of the solver's ``random_seed``.
        out: folder for what a run writes; snapshots go where ``snapshot_prefix`` says if None.
        hooks: listeners, told in this order.
        skip_bad_data: unreadable records that each data layer may pass over.
        level, stages: for ``include`` rules, added to those of the solver and its nets.
        strict: whether what would be a warning is an error.

    Attributes:
        param: the solver's message.
        iter: updates made so far.
        train_net, test_nets: the nets; test nets use the parameters of the train net.
        seed: of all random numbers.
        feed: called before each training pass for the blobs of Input layers.
        fed: what it returned in each pass of this iteration.
        outputs: of the train net in the last pass.
        train_seconds: spent in iterations, without tests and snapshots.

    Raises:
        NetError: a file cannot be read or used.
    """

    build_net = staticmethod(build)

    def __init__(  # noqa: PLR0913 - all but the first are options
        self,
        source: str | Path | SolverParameter,
        *,
        engine: Engine | None = None,
        weights: Sequence[str | Path] = (),
        ignore_mismatch: Collection[str] = (),
        rename: Names | None = None,
        seed: int | None = None,
        out: str | Path | None = None,
        hooks: Sequence[Hook] = (),
        skip_bad_data: int = 0,
        level: int | None = None,
        stages: Sequence[str] = (),
        strict: bool = False,
    ) -> None:
        self.param, self.path, notes = read_source(source)
        self.out = None if out is None else Path(out)
        self.hooks = Hooks([*hooks, Steps(), DebugInfo()])
        self.strict = strict
        self.iter = 0
        self.feed: Callable[[], Mapping[str, Array]] | None = None
        self.fed: list[Mapping[str, Array] | None] = []
        self.train_seconds = 0.0
        self._skip_bad_data = skip_bad_data
        self._requests: set[str] = set()
        self._stopping = False
        self._snapshot_iter = -1
        self._shown_at = (0, 0.0)
        self._held: list[list[LayerState]] = []
        self.outputs: dict[str, Array] = {}
        if level is not None:
            self.param.train_state.level = level
        self.param.train_state.stage.extend(stages)
        check_forks(self.param)
        self.schedule = make_schedule(self.param)
        self.prefix = prefix_of(self.param, self.path, self.out)
        self.losses: deque[float] = deque(maxlen=max(1, self.param.average_loss))
        self._planner = NetPlanner(self.param, self.path)
        self._build(engine, self._choose_seed(seed))
        try:
            for note in notes + self._planner.notes:
                self.say(note)
            self._check_mode()
            for path in weight_files(self.param, weights, self.path):
                self.load(path, ignore_mismatch, rename)
        except BaseException:
            self.close()
            raise

    # Building ----------------------------------------------------------------------------------

    def _build(self, engine: Engine | None, seed: int) -> None:
        """Build all nets and the update rule for a seed."""
        self.seed = seed
        skip = self._skip_bad_data
        self.train_net = self.build_net(self._planner.train(), engine, seed, skip)
        self.test_nets: list[Net] = []
        try:
            for plan in self._planner.tests():
                net = self.build_net(plan, self.train_net.engine, seed, skip, self.train_net)
                self.test_nets.append(net)
            net = self.train_net
            self.updater = make_updater(self.param, net.params, net.engine)
            self._passes = Passes(net, self.param.iter_size, self.updater)
        except BaseException:
            self.close()
            raise
        self.batch_size = batch_size(self.train_net)

    def _choose_seed(self, seed: int | None) -> int:
        chosen = self.param.random_seed if seed is None else seed
        if chosen >= 0:
            return chosen
        drawn = int.from_bytes(os.urandom(4), "little")
        self.say(f"random_seed: {drawn} (drawn; give it to the solver to repeat this run)")
        return drawn

    def _check_mode(self) -> None:
        """Say where the solver asks for a GPU and does not get one, and what a GPU leaves to us."""
        text = gpu_missing(self.param, self.train_net.engine)
        if text and self.strict:
            raise field_error(self.param, text, "solver_mode")
        if text:
            self.say(f"{text}{gpu_reason(self.param)}; training on the CPU")
        for line in carried_layers(self.train_net):
            self.say(line)

    # What a user calls -------------------------------------------------------------------------

    @property
    def lr(self) -> float:
        """Learning rate of the next update."""
        return self.schedule(self.iter)

    @property
    def loss(self) -> float:
        """Mean loss of the last ``average_loss`` iterations."""
        return sum(map(float, self.losses)) / max(1, len(self.losses))

    def say(self, text: str) -> None:
        """Tell the user a line, through the hooks."""
        self.hooks.emit("on_message", self, text)

    def request(self, action: Action) -> None:
        """Ask for a snapshot or the end of training after this iteration; safe in a signal."""
        self._requests.add(action)

    def load(
        self, path: str | Path, ignore_mismatch: Collection[str] = (), rename: Names | None = None
    ) -> None:
        """Start from the weights of a file, by layer name.

        Raises:
            WeightsError: no layer of the file is in the net, or one does not fit.
        """
        weights = read_weights(path).rename(rename or {})
        known = [layer.name for layer in self.train_net.layers if layer.params]
        if not any(name in weights for name in known):
            first = next(iter(weights), "")
            raise WeightsError(
                f"'{path}' holds none of the layers of net '{self.train_net.name}' that have "
                f"parameters; it holds '{first}'{nearest(first, known)}"
            )
        report = self.train_net.load(weights, ignore_mismatch=ignore_mismatch)
        for line in load_lines(report, weights):
            self.say(line)

    @_quiet()
    def solve(self) -> None:
        """Train until ``max_iter``, or until a stop is requested; then save and test.

        Raises:
            NetError: training cannot go on; the last good snapshot is untouched.
        """
        if not self.param.HasField("max_iter"):
            raise field_error(self.param, "max_iter is missing: after how many iterations to stop")
        if self.param.snapshot or self.param.snapshot_after_train:
            check_writable(self.prefix)
        self._stopping = False
        reason = "failed"
        try:
            self.hooks.emit("on_start", self)
            self._run(self.param.max_iter)
            if self._snapshot_iter != self.iter and (
                self._stopping or self.param.snapshot_after_train
            ):
                self.snapshot()
            if not self._stopping:
                self._finish()
            reason = "stopped" if self._stopping else "done"
        except KeyboardInterrupt:
            reason = "interrupted"
            raise
        finally:
            self.hooks.emit("on_stop", self, reason)

    @_quiet()
    def step(self, count: int = 1) -> None:
        """Make ``count`` iterations, fewer where a stop is requested."""
        self._stopping = False
        self._run(self.iter + count)

    def test_all(self) -> list[Scores]:
        """Run every test net; after an interruption they stand where they stood before."""
        self._held = [net.state() for net in self.test_nets]
        scores: list[Scores] = []
        try:
            for index in range(len(self.test_nets)):
                result = self.test(index)
                if result is None:
                    for net, state in zip(self.test_nets, self._held, strict=True):
                        net.restore(state)
                    break
                scores.append(result)
        finally:
            self._held = []
        return scores

    @_quiet()
    def test(self, index: int = 0) -> Scores | None:
        """Run one test net for its ``test_iter`` batches; None where a stop was requested."""
        net, count = self.test_nets[index], self.param.test_iter[index]
        self.hooks.emit("on_test_start", self, index)
        started = time.perf_counter()
        means = make_means(self.param, net)
        for _ in range(count):
            if self._handle_requests():
                self.say("Test interrupted.")
                return None
            means.forward()
        score = means.score()
        loss = score.loss if self.param.test_compute_loss else None
        spent = time.perf_counter() - started
        scores = Scores(self.iter, index, score.outputs, loss, spent, score.per_class)
        self.hooks.emit("on_test", self, scores)
        return scores

    def snapshot(self) -> tuple[Path, Path]:
        """Write weights and state; return their paths."""
        self.hooks.emit("on_snapshot_start", self)
        weights, state = take(self)
        self._snapshot_iter = self.iter
        self.hooks.emit("on_snapshot", self, weights, state)
        return weights, state

    def restore(self, path: str | Path) -> None:
        """Go on from a snapshot's state; ``auto`` takes the newest good one, if there is one.

        Raises:
            WeightsError: the state or its weights are damaged, or of another net or solver.
        """
        if str(path) == "auto":
            found = find_latest(self.prefix, self.say)
            if found is None:
                self.say(f"no snapshot '{self.prefix}_iter_*' to go on from; starting afresh")
                return
            path = found
        state = read_state(path)
        if state.random_seed is not None and state.random_seed != self.seed:
            self.say(f"random_seed: {state.random_seed}, from '{path}'")
            engine = self.train_net.engine
            self.close()
            self._build(engine, state.random_seed)
        resume(self, state)
        self._snapshot_iter = self.iter
        self._shown_at = (self.iter, self.train_seconds)
        self.hooks.emit("on_restore", self, Path(path))

    def layer_states(self) -> dict[str, list[LayerState]]:
        """Return what the layers of all nets keep between passes, by the name of the net.

        During a test it is what the test nets kept before, because a resumed run tests anew.
        """
        states = {"train": self.train_net.state()}
        tests = self._held or [net.state() for net in self.test_nets]
        return states | {f"test{i}": state for i, state in enumerate(tests)}

    def close(self) -> None:
        """Stop the workers and close the files of all nets."""
        for net in (self.train_net, *self.test_nets):
            net.close()

    def __enter__(self) -> "Solver":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # The loop ----------------------------------------------------------------------------------

    def _run(self, end: int) -> None:
        p = self.param
        while self.iter < end and not self._stopping:
            due = p.test_interval and self.iter % p.test_interval == 0
            if due and (self.iter > 0 or p.test_initialization):
                self.test_all()
                if self._stopping:
                    return
            self._iterate()
            if p.snapshot and self.iter % p.snapshot == 0:
                self._requests.add("snapshot")
            self._handle_requests()

    def _iterate(self) -> None:
        """Make one update."""
        started = time.perf_counter()
        self.hooks.emit("on_forward", self)
        self.losses.append(self._passes.run(self))
        self.hooks.emit("on_gradients", self)
        if self.param.display and self.iter % self.param.display == 0:
            self._display(started)
        self.updater.apply(self.lr, self.iter + 1)
        self.iter += 1
        self.train_seconds += time.perf_counter() - started
        self.hooks.emit("on_iteration", self)

    def _display(self, started: float, final: bool = False) -> None:
        seconds = self.train_seconds + time.perf_counter() - started
        then, since = self._shown_at
        self._shown_at = self.iter, seconds
        count, spent = self.iter - then, seconds - since
        to_numpy = self.train_net.engine.to_numpy
        outputs: Outputs = {} if final else {k: to_numpy(v) for k, v in self.outputs.items()}
        images = count * self.batch_size * self.param.iter_size
        speed = images / spent if spent > 0 else 0.0
        progress = Progress(self.iter, self.loss, self.lr, outputs, count, spent, speed, final)
        self.hooks.emit("on_display", self, progress)

    def _finish(self) -> None:
        """Show loss and scores of the result."""
        p = self.param
        if p.display and self.iter % p.display == 0:
            started = time.perf_counter()
            self.fed = [self.feed() if self.feed else None]
            self.outputs = self.train_net.forward(self.fed[0])
            self.losses.append(self.train_net.loss)
            self._display(started, final=True)
        if p.test_interval and self.iter % p.test_interval == 0:
            self.test_all()

    def _handle_requests(self) -> bool:
        """Do what was requested; return whether training is to stop."""
        if self._requests:
            if "snapshot" in self._requests:
                self._requests.discard("snapshot")
                self.snapshot()
            if "stop" in self._requests:
                self._requests.discard("stop")
                self._stopping = True
        return self._stopping

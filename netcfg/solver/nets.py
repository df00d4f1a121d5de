"""Which nets a solver trains and tests, and how they are built."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netcfg.engines.base import Engine
from netcfg.forks import beside_layers
from netcfg.io.caffemodel import Weights
from netcfg.io.files import find_file, of_zoo
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter, NetState, SolverParameter
from netcfg.phases import merge_states
from netcfg.places import field_error, find_named
from netcfg.schema import read_net, read_solver, refuse
from netcfg.types import Phase
from netcfg.weights import LoadReport

TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


def read_source(source: str | Path | SolverParameter) -> tuple[SolverParameter, str, list[str]]:
    """Return a solver as a message of its own, its file, and what is worth saying about it.

    Raises:
        NetError: the file cannot be read or holds errors.
    """
    if isinstance(source, SolverParameter):
        copy = SolverParameter()
        copy.CopyFrom(source)
        return copy, source.source.file, []
    source = of_zoo(source, "solver.prototxt")
    parsed = read_solver(source)
    refuse(parsed.findings)
    return parsed.message, str(source), [str(finding) for finding in parsed.findings]


@dataclass(frozen=True)
class Plan:
    """A net to build and the state that chooses its layers."""

    net: NetParameter
    state: NetState


class NetPlanner:
    """The nets that a solver names, read once each.

    Args:
        param: the solver.
        file: of the solver, beside which nets are looked for.

    Attributes:
        notes: what is worth saying about the nets, one line each.
    """

    def __init__(self, param: SolverParameter, file: str = "") -> None:
        self.param = param
        self.file = file
        self.notes: list[str] = []
        self._read: dict[str, NetParameter] = {}

    def train(self) -> Plan:
        """Return the one net to train.

        Raises:
            NetError: none is given, or more than one.
        """
        given = [name for name in TRAIN_FIELDS if self.param.HasField(name)]
        if len(given) != 1:
            said = " and ".join(given) if given else "none"
            message = f"one of {', '.join(TRAIN_FIELDS)} must be given; given {said}"
            raise field_error(self.param, message, *given[-1:])
        return self._plan(self._source(given[0]), Phase.TRAIN, self.param.train_state)

    def tests(self) -> list[Plan]:
        """Return the nets to test, in Caffe's order: messages, files, then the common net.

        Raises:
            NetError: the numbers of test nets, test_iter and test_state do not agree.
        """
        p = self.param
        own = [*p.test_net_param, *(self._file("test_net", path) for path in p.test_net)]
        common = [name for name in ("net_param", "net") if p.HasField(name)]
        if len(p.test_iter) < len(own) or (not common and len(p.test_iter) != len(own)):
            least = "at least " if common else ""
            message = (
                f"test_iter must be given {least}once for each of the {len(own)} test nets; "
                f"given {len(p.test_iter)}"
            )
            raise field_error(p, message, "test_iter", "test_net", "test_net_param")
        count = len(p.test_iter)
        if p.test_state and len(p.test_state) != count:
            message = (
                f"test_state must be given once for each of the {count} test nets that test_iter "
                f"makes, or not at all; given {len(p.test_state)}"
            )
            raise field_error(p, message, "test_state")
        if count and p.test_interval <= 0:
            message = f"test_interval must be at least 1 with test nets; given {p.test_interval}"
            raise field_error(p, message, "test_interval", "test_iter")
        nets = own + [self._source(common[0]) for _ in range(count - len(own))]
        states = list(p.test_state) or [NetState()] * count
        return [self._plan(n, Phase.TEST, s) for n, s in zip(nets, states, strict=True)]

    def _plan(self, net: NetParameter, phase: Phase, state: NetState) -> Plan:
        return Plan(net, merge_states(phase, [net.state, state]))  # type: ignore[arg-type]

    def _source(self, name: str) -> NetParameter:
        value = getattr(self.param, name)
        return value if isinstance(value, NetParameter) else self._file(name, value)

    def _file(self, field: str, path: str) -> NetParameter:
        if path not in self._read:
            parsed = read_net(find_named(self.param, field, path, self.file))
            refuse(parsed.findings)
            findings = beside_layers(parsed.findings, parsed.message.layer)
            self.notes += [str(finding) for finding in findings]
            self._read[path] = parsed.message
        return self._read[path]


def build(
    plan: Plan,
    engine: Engine | None,
    seed: int,
    skip_bad_data: int,
    share: Net | None = None,
    net_class: type[Net] = Net,
) -> Net:
    """Build the net of a plan."""
    return net_class(
        plan.net,
        Phase(plan.state.phase),
        engine=engine,
        level=plan.state.level,
        stages=list(plan.state.stage),
        seed=seed,
        skip_bad_data=skip_bad_data,
        share=share,
    )


def batch_size(net: Net) -> int:
    """Return the length of the first axis of the first blob that a net is fed or reads."""
    for node, shapes in zip(net.graph.nodes, net.top_shapes, strict=True):
        if not node.bottoms and shapes and shapes[0]:
            return shapes[0][0]
    return 0


def load_lines(report: LoadReport, weights: Weights) -> list[str]:
    """Describe what became of loaded weights, layer by layer, a summary first."""
    lines = [
        f"weights '{weights.path}': {len(report.taken)} layers taken, "
        f"{len(report.missing) + len(report.ignored)} keep their initial values"
    ]
    for name in report.taken:
        shapes = ", ".join("shared" if b is None else str(b.shape) for b in weights[name])
        lines.append(f"  {name}: taken, {shapes}")
    lines += [f"  {name}: not in the file, keeps its initial values" for name in report.missing]
    lines += [f"  {name}: does not fit and is passed over as asked" for name in report.ignored]
    lines += [f"  {name}: only in the file, not used" for name in report.unused]
    lines += [f"  {name}: stored more than once, the last counts" for name in weights.repeated]
    return lines


def weight_files(param: SolverParameter, given: Sequence[str | Path], near: str) -> list[Path]:
    """Return the files to start from: those given, in place of those that the solver names.

    Raises:
        NetError: one of them is missing.
    """
    if given:
        return [find_file(str(of_zoo(path, "weights")), near) for path in split_paths(given)]
    own = split_paths(param.weights)
    return [find_named(param, "weights", path, near) for path in own]


def split_paths(paths: Sequence[str | Path]) -> list[str]:
    """Return paths of which some may be several with commas between them.

    >>> split_paths(["a,b", "c"])
    ['a', 'b', 'c']
    """
    return [part.strip() for path in paths for part in str(path).split(",") if part.strip()]

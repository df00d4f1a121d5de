"""Everything that is wrong with a file, found without training and without its data."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from netcfg.engines.base import Engine
from netcfg.errors import DataError, NetError
from netcfg.graph import Blob, Graph, build_graph
from netcfg.io.files import of_zoo
from netcfg.layer import Context, Layer, as_shapes, located
from netcfg.netcfg_pb2 import TEST, TRAIN, LayerParameter, NetParameter, NetState, SolverParameter
from netcfg.phases import filter_net, left_out, merge_states
from netcfg.places import find_named, place, where
from netcfg.plan import make_plan
from netcfg.schema import Finding, kind_of, read_net, read_solver
from netcfg.solver.forks import check_forks
from netcfg.solver.nets import TRAIN_FIELDS, NetPlanner
from netcfg.solver.rules import make_rule
from netcfg.solver.schedule import make_schedule
from netcfg.solver.snapshots import prefix_of
from netcfg.types import Phase, Shape
from netcfg.weights import refuse_namesake

_PLACE = re.compile(r"(.+?:\d+:\d+): (.*)", re.DOTALL)


def check_file(path: str | Path) -> list[Finding]:
    """Return what is wrong with a net, or with a solver and the nets it names, in their order.

    A net is checked as it is at TRAIN and at TEST, those of a solver as the solver runs them.
    Shapes are checked as far as they follow without data that is missing.
    """
    try:
        path = of_zoo(path)
        kind = kind_of(path)
        findings = _check_solver(path) if kind == "solver" else _check_net_file(path)
    except NetError as error:
        findings = _findings(error, path)
    return _sorted(findings)


def _check_net_file(path: str | Path) -> list[Finding]:
    net, findings = read_net(path)
    return check_net(net, findings, [NetState(phase=phase) for phase in (TRAIN, TEST)])


def _check_solver(path: str | Path) -> list[Finding]:
    """Check the fields of a solver, then each of its nets in the states it runs them in."""
    solver, parsed = read_solver(path)
    findings = list(parsed)
    planner = NetPlanner(solver, str(path))
    attempts: tuple[Callable[[], object], ...] = (
        lambda: check_forks(solver),
        lambda: make_schedule(solver),
        lambda: make_rule(solver),
        lambda: prefix_of(solver, str(path), None),
        planner.train,
        planner.tests,
    )
    for attempt in attempts:
        try:
            attempt()
        except NetError as error:
            findings += _findings(error, path)
    states: dict[str, list[NetState]] = {}
    fields: dict[str, str] = {}
    for field, net, state in _nets(solver):
        if isinstance(net, NetParameter):
            findings += check_net(net, (), [_within(net, state)])
        else:
            states.setdefault(net, []).append(state)
            fields.setdefault(net, field)
    for name, its_states in states.items():
        try:
            net, parsed = read_net(find_named(solver, fields[name], name, str(path)))
            findings += check_net(net, parsed, [_within(net, state) for state in its_states])
        except NetError as error:
            findings += _findings(error, path)
    return findings


def _within(net: NetParameter, state: NetState) -> NetState:
    """Return what a solver's state comes to in a net that sets one of its own."""
    return merge_states(state.phase, [net.state, state])


def _nets(solver: SolverParameter) -> Iterator[tuple[str, str | NetParameter, NetState]]:
    """Yield fields of a solver and the nets they give, with the states it runs them in."""
    p = solver
    for name in TRAIN_FIELDS:
        if p.HasField(name):
            yield name, getattr(p, name), merge_states(TRAIN, [p.train_state])
    common = "net_param" if p.HasField("net_param") else "net"
    tests: list[tuple[str, str | NetParameter]] = [
        *(("test_net_param", net) for net in p.test_net_param),
        *(("test_net", net) for net in p.test_net),
    ]
    tests += [(common, getattr(p, common))] * (len(p.test_iter) - len(tests))
    for i, (name, net) in enumerate(tests):
        state = p.test_state[i] if i < len(p.test_state) else NetState()
        if net:
            yield name, net, merge_states(TEST, [state])


def check_net(
    net: NetParameter, findings: Iterable[Finding], states: Iterable[NetState]
) -> list[Finding]:
    """Return what is wrong with a net in any of the given states.

    Args:
        net: upgraded.
        findings: of its file.
        states: phase, level and stages to build it in.
    """
    found = list(findings)
    accepted: set[str] = set()
    for state in states:
        try:
            layers = list(filter_net(net, state).layer)
        except NetError as error:
            found += _findings(error, net.source.file)
            continue
        checker = _Checker(Phase(state.phase), net.source.file)
        checker.run(layers, left_out(net, state))
        found += checker.findings
        accepted |= checker.accepted
    errors = {finding.where for finding in found if finding.severity == "error"}
    return [
        finding
        for finding in dict.fromkeys(found)
        if finding.severity == "error" or finding.where not in errors | accepted
    ]


class _Checker:
    """Builds the layers of a net one by one and goes on after each error."""

    def __init__(self, phase: Phase, file: str) -> None:
        self.context = Context(Engine(), phase)
        self.file = file
        self.findings: list[Finding] = []
        self.accepted: set[str] = set()
        """Places of fields that the schema lacks and the layer's class knows."""

    def run(self, configs: list[LayerParameter], left_out: list[LayerParameter]) -> None:
        graph, broken = self._connect(configs, left_out)
        try:
            make_plan(graph, [bool(node.config.param) for node in graph.nodes])
        except NetError as error:
            self.findings += _findings(error, self.file)
        shapes: dict[Blob, Shape] = {}
        layers: list[Layer] = []
        try:
            for i in range(len(graph.nodes)):
                if i not in broken:
                    self._build(graph, i, layers, shapes)
        finally:
            for layer in layers:
                layer.close()

    def _connect(
        self, configs: list[LayerParameter], left_out: list[LayerParameter]
    ) -> tuple[Graph, set[int]]:
        """Return the graph, with stand-ins for layers that have no place in it, and their indices.

        A stand-in only writes the tops that are new, so that no error hides those behind it.
        """
        broken: set[int] = set()
        while True:
            try:
                return build_graph(configs, left_out), broken
            except NetError as error:
                self.findings += _findings(error, self.file)
                i = next(
                    i
                    for i, config in enumerate(configs)
                    if i not in broken and str(error).startswith(f"{where(config)}: ")
                )
            before = {top for config in configs[:i] for top in config.top}
            tops = [top for top in dict.fromkeys(configs[i].top) if top not in before]
            configs[i] = LayerParameter(type="Input", top=tops or [f"(stand-in {i})"])
            broken.add(i)

    def _build(self, graph: Graph, i: int, layers: list[Layer], shapes: dict[Blob, Shape]) -> None:
        """Set one layer up as far as the shapes of its bottoms are known."""
        node = graph.nodes[i]
        config = node.config
        try:
            layer = node.cls(config, self.context, len(node.tops))
            layers.append(layer)
            self.accepted |= {place(unknown.source) for unknown in config.unknown}
            if layer.dialect:
                taken = NetError(f"{where(config)}: taken as {layer.dialect}")
                self.findings += _findings(taken, self.file, "note")
            if all(blob in shapes for blob in node.bottoms):
                bottoms = tuple(shapes[blob] for blob in node.bottoms)
                layer.setup(*bottoms)
                refuse_namesake(layer, layers[:-1])
                tops = as_shapes(layer.reshape(*bottoms), len(node.tops))
                shapes.update(zip(node.tops, tops, strict=True))
        except DataError as error:
            front = where(config)
            message = str(error).removeprefix(f"{front}: ")
            note = f"{front}: {message}; shapes that follow from it are not checked"
            self.findings += _findings(NetError(note), self.file, "warning")
        except NetError as error:
            self.findings += _findings(located(error, config), self.file)


def _findings(error: NetError, file: str | Path, severity: str = "error") -> list[Finding]:
    """Return the lines of an error, each with its place, as findings."""
    found = []
    for line in str(error).splitlines():
        match = _PLACE.match(line)
        start, message = match.groups() if match else (str(file), line.removeprefix(f"{file}: "))
        found.append(Finding(severity, start, message))  # type: ignore[arg-type]
    return found


def _sorted(findings: list[Finding]) -> list[Finding]:
    """Order findings by file, as they come, and by line within it."""
    files: dict[str, int] = {}

    def key(finding: Finding) -> tuple[int, int, int]:
        file, *numbers = re.split(r":(\d+):(\d+)$", finding.where)
        line, column = (int(numbers[0]), int(numbers[1])) if numbers else (0, 0)
        return files.setdefault(file, len(files)), line, column

    return sorted(dict.fromkeys(findings), key=key)

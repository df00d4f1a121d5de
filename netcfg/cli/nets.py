"""Nets as the commands read them: fields ignored, findings told, data replaced by shapes."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from netcfg.errors import DataError, NetError, WeightsError, nearest

if TYPE_CHECKING:
    from netcfg.net import Net
    from netcfg.netcfg_pb2 import LayerParameter, NetParameter, SolverParameter
    from netcfg.schema import Finding
    from netcfg.types import Shape


def read(args: argparse.Namespace, path: str) -> "NetParameter":
    """Read a net, tell what its reader should know, and put shapes in place of data.

    Raises:
        NetError: the file is wrong, ``--shape`` names a top that no layer writes, or
            ``--ignore-field`` a field that is not there.
    """
    from netcfg.schema import read_net, refuse

    parsed = read_net(path, ignored(args))
    check_ignored(args, parsed.findings, parsed.message)
    refuse(parsed.findings)
    for finding in unexplained(parsed.findings, parsed.message):
        print(f"netcfg: warning: {finding}", file=sys.stderr)
    replace_data(parsed.message, getattr(args, "shapes", []))
    return parsed.message


def build(args: argparse.Namespace, config: "NetParameter", keep: Sequence[str] = ()) -> "Net":
    """Build a net for the phase, level, stages and engine of the command line.

    Args:
        args: the command line.
        config: the net.
        keep: names of blobs to have at hand after a forward pass.

    Raises:
        NetError: the net is wrong; where data is missing the message names ``--shape``.
    """
    from netcfg.cli.options import engine_of, phase_of
    from netcfg.net import Net

    try:
        return Net(
            config,
            phase_of(args),
            engine=engine_of(args),
            level=args.level,
            stages=args.stages,
            keep=keep,
            skip_bad_data=getattr(args, "skip_bad_data", 0),
        )
    except DataError as error:
        if not hasattr(args, "shapes"):
            raise
        raise NetError(f"{error}; --shape TOP=N,C,H,W does without the data") from error


def load(args: argparse.Namespace, net: "Net", files: list[str]) -> None:
    """Load weights one file after the other.

    Raises:
        WeightsError: a layer gets no weights and the user did not say that this is right.
    """
    from netcfg.cli.options import renames, words
    from netcfg.io.caffemodel import read_weights

    paths, ignore, names = words(files), words(args.ignore_mismatch), renames(args.rename)
    missing = {layer.name: layer.where for layer in net.layers if layer.params}
    for path in paths:
        report = net.load(read_weights(path).rename(names), ignore_mismatch=ignore)
        for name in [*report.taken, *ignore]:
            missing.pop(name, None)
    for name, where in missing.items():
        held = " and ".join(f"'{path}'" for path in paths)
        raise WeightsError(
            f"{where}: {held} hold no weights for it; to run it with its initial values pass "
            f"--ignore-mismatch {name}"
        )


def ignored(args: argparse.Namespace) -> list[str]:
    """Return the names in ``--ignore-field``, given one by one or with commas."""
    from netcfg.cli.options import words

    return words(args.ignore_fields)


def check_ignored(
    args: argparse.Namespace,
    findings: Iterable["Finding"],
    message: "NetParameter | SolverParameter",
) -> None:
    """Refuse a name in ``--ignore-field`` that meant nothing in any of the files that were read.

    Raises:
        NetError: it names the nearest field that could be ignored.
    """
    from netcfg.fork_use import set_by_forks
    from netcfg.prototxt import plain

    found = {name for finding in findings for name in finding.ignored}
    for name in ignored(args):
        if name not in found:
            nets = _nets(message)
            holders = [message, *nets, *(layer for net in nets for layer in net.layer)]
            paths = [plain(unknown.path) for holder in holders for unknown in holder.unknown]
            paths += [field.path for field in set_by_forks(message)]
            known = [*found, *paths, *(path.rpartition(".")[2] for path in paths)]
            raise NetError(
                f"--ignore-field {name}: no file sets a field of this name that is unknown or "
                f"only known from forks{nearest(name, known)}"
            )


def unexplained(
    findings: Iterable["Finding"], message: "NetParameter | SolverParameter"
) -> list["Finding"]:
    """Return the warnings among findings but for unknown fields of layers, which judge them."""
    from netcfg.forks import beside_layers

    layers = [layer for net in _nets(message) for layer in net.layer]
    return [f for f in beside_layers(findings, layers) if f.severity == "warning"]


def _nets(message: "NetParameter | SolverParameter") -> "list[NetParameter]":
    """Return a net, or the nets within a solver."""
    from netcfg.netcfg_pb2 import NetParameter

    if isinstance(message, NetParameter):
        return [message]
    return [message.net_param, message.train_net_param, *message.test_net_param]


def replace_data(net: "NetParameter", shapes: Sequence[tuple[str, "Shape"]]) -> None:
    """Put an Input of the given shape in place of each layer that writes one of the tops.

    Other tops of such a layer, labels, get the length of the first axis.

    Raises:
        NetError: no layer without bottoms writes the top.
    """
    given = dict(shapes)
    sources = [layer for layer in net.layer if not layer.bottom]
    tops = [top for layer in sources for top in layer.top]
    for name in given:
        if name not in tops:
            known = ", ".join(dict.fromkeys(tops)) or "none"
            raise NetError(
                f"--shape {name}: no layer without bottoms writes it{nearest(name, tops)} "
                f"(such tops: {known})"
            )
    for layer in sources:
        first = next((given[top] for top in layer.top if top in given), None)
        if first is not None:
            _become_input(layer, [given.get(top, first[:1]) for top in layer.top])


def _become_input(layer: "LayerParameter", shapes: Sequence["Shape"]) -> None:
    from netcfg.netcfg_pb2 import BlobShape, InputParameter, LayerParameter

    layer.CopyFrom(
        LayerParameter(
            name=layer.name,
            type="Input",
            top=layer.top,
            include=layer.include,
            exclude=layer.exclude,
            source=layer.source,
            input_param=InputParameter(shape=[BlobShape(dim=shape) for shape in shapes]),
        )
    )

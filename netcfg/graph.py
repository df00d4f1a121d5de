"""From names to edges: which layer writes a blob and which ones read it. No arrays here.

A blob is (name, version). A top that repeats the name of a bottom, Caffe's "in place", makes the
next version: later layers read that one, earlier readers keep theirs. So no layer can overwrite
what another still needs, and no Split layers are inserted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netcfg.errors import NetError, nearest
from netcfg.layer import Layer, layer_type
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.places import where


@dataclass(frozen=True)
class Blob:
    """One version of a named blob."""

    name: str
    version: int = 0


@dataclass(frozen=True)
class Node:
    """A layer with the blobs it reads and writes."""

    config: LayerParameter
    cls: type[Layer]
    bottoms: tuple[Blob, ...]
    tops: tuple[Blob, ...]


@dataclass(frozen=True)
class Graph:
    """The layers in the order of the file, which is the order in which they run."""

    nodes: tuple[Node, ...]

    def outputs(self) -> list[Blob]:
        """Return the blobs that no layer reads, by name."""
        read = {b for node in self.nodes for b in node.bottoms}
        unread = [t for node in self.nodes for t in node.tops if t not in read]
        return sorted(unread, key=lambda b: b.name)

    def blobs(self) -> Iterator[Blob]:
        """Yield every blob in the order in which it is written."""
        for node in self.nodes:
            yield from node.tops


def build_graph(layers: Iterable[LayerParameter], left_out: Iterable[LayerParameter] = ()) -> Graph:
    """Connect layers by the names of their bottoms and tops.

    Args:
        layers: in the order in which they run.
        left_out: those that include and exclude rules keep from running, for the messages.

    Raises:
        NetError: unknown type, wrong number of bottoms or tops, a bottom that no earlier layer
            writes, or two layers that write one top.
    """
    configs = list(layers)
    current: dict[str, Blob] = {}
    writer: dict[str, LayerParameter] = {}
    nodes = []
    for config in configs:
        try:
            cls = layer_type(config.type).resolve(config)
            bottoms = tuple(
                _bottom(name, config, current, configs, left_out) for name in config.bottom
            )
            _check_count("bottom", len(config.bottom), cls.bottoms)
            names = _top_names(config, cls)
            _check_count("top", len(names), cls.tops)
            tops = tuple(_top(name, config, current, writer) for name in names)
        except NetError as error:
            raise error.at(where(config)) from error.__cause__
        for top in tops:
            current[top.name] = top
            writer[top.name] = config
        nodes.append(Node(config, cls, bottoms, tops))
    return Graph(tuple(nodes))


def _bottom(
    name: str,
    config: LayerParameter,
    current: dict[str, Blob],
    configs: list[LayerParameter],
    left_out: Iterable[LayerParameter],
) -> Blob:
    if name in current:
        return current[name]
    for later in configs:
        if name in later.top:
            if later is config:
                raise NetError(f"bottom '{name}' is its own top: no earlier layer writes it")
            raise NetError(
                f"bottom '{name}' is written only later, by {where(later)}; layers run in the "
                "order of the file and must not form a cycle"
            )
    for other in left_out:
        if name in other.top:
            raise NetError(
                f"unknown bottom '{name}': {where(other)}, which writes it, is left out here by "
                "its include or exclude rules"
            )
    raise NetError(f"unknown bottom '{name}'{nearest(name, current)}")


def _top(
    name: str,
    config: LayerParameter,
    current: dict[str, Blob],
    writer: dict[str, LayerParameter],
) -> Blob:
    if list(config.top).count(name) > 1:
        raise NetError(f"top '{name}' is named twice")
    if name not in current:
        return Blob(name)
    if name in config.bottom:
        return Blob(name, current[name].version + 1)
    raise NetError(
        f"top '{name}' is already written by {where(writer[name])}; only a layer that also reads "
        "it may write it again"
    )


def _top_names(config: LayerParameter, cls: type[Layer]) -> list[str]:
    """Return the tops, with names made up for those a loss may leave out."""
    names = list(config.top)
    if cls.auto_tops:
        missing = range(len(names), cls.tops[0])
        names += [f"({config.name} top {i})" if i else f"({config.name})" for i in missing]
    return names


def _check_count(what: str, given: int, bounds: tuple[int, int | None]) -> None:
    least, most = bounds
    if given >= least and (most is None or given <= most):
        return
    if least == most:
        allowed = f"{least}"
    else:
        allowed = f"at least {least}" if most is None else f"{least} to {most}"
    plural = "" if least == most == 1 else "s"
    raise NetError(f"takes {allowed} {what}{plural}; given {given}")

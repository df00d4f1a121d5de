"""What the static graph decides before the first step: gradients wanted and loss weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from netcfg.errors import NetError
from netcfg.graph import Blob, Graph, Node
from netcfg.places import where


@dataclass(frozen=True)
class Plan:
    """For each layer of a graph what its passes need.

    Attributes:
        need: for each bottom, whether its gradient is wanted.
        backward: indices of the layers whose backward pass runs, last layer first.
        loss_weight: blobs that count in the loss, with their weights.
    """

    need: tuple[tuple[bool, ...], ...]
    backward: tuple[int, ...]
    loss_weight: dict[Blob, float]


def make_plan(
    graph: Graph,
    learns: Sequence[bool],
    *,
    force_backward: bool = False,
) -> Plan:
    """Plan the passes of a graph.

    Args:
        graph: layers and blobs.
        learns: for each layer, whether a parameter of it has lr_mult other than 0.
        force_backward: gradients of every blob are wanted, whatever the loss and parameters.
    """
    weights = loss_weights(graph)
    moves = _moving_bottoms(graph, learns, force_backward)
    counts = _counting(graph, moves, weights, force_backward)
    need = tuple(
        tuple(m and counts[i] for m in moves[i]) if node.cls.differentiable else _none(node)
        for i, node in enumerate(graph.nodes)
    )
    backward = tuple(
        i
        for i, node in reversed(list(enumerate(graph.nodes)))
        if node.cls.differentiable and counts[i] and (any(need[i]) or learns[i])
    )
    return Plan(need, backward, weights)


def loss_weights(graph: Graph) -> dict[Blob, float]:
    """Return the blobs with a weight in the loss: as given, else 1 for the top of a loss layer.

    Raises:
        NetError: the number of weights differs from that of tops.
    """
    weights = {}
    for node in graph.nodes:
        given = list(node.config.loss_weight)
        if given and len(given) != len(node.tops):
            raise NetError(
                f"{where(node.config)}: loss_weight must be given for none or for each of the "
                f"{len(node.tops)} tops; given {len(given)}"
            )
        default = [node.cls.default_loss_weight] + [0.0] * len(node.tops)
        for top, weight in zip(node.tops, given or default, strict=False):
            if weight:
                weights[top] = weight
    return weights


def _moving_bottoms(graph: Graph, learns: Sequence[bool], force: bool) -> list[tuple[bool, ...]]:
    """Say for each bottom whether something that is learned can change it, or a gradient is asked.

    ``propagate_down`` overrules that for layers that run backward at all, as in Caffe; labels and
    the like never get a gradient of their own accord.
    """
    moving: set[Blob] = set()
    result = []
    for node, learned in zip(graph.nodes, learns, strict=True):
        asked = list(node.config.propagate_down)
        if asked and len(asked) != len(node.bottoms):
            raise NetError(
                f"{where(node.config)}: propagate_down must be given for none or for each of the "
                f"{len(node.bottoms)} bottoms; given {len(asked)}"
            )
        moved = [
            node.cls.takes_gradient(i, len(node.bottoms)) and (force or b in moving)
            for i, b in enumerate(node.bottoms)
        ]
        runs = learned or any(moved)
        result.append(tuple(m and runs for m in asked or moved))
        if node.cls.differentiable and runs:
            moving.update(node.tops)
    return result


def _counting(
    graph: Graph, moves: list[tuple[bool, ...]], weights: dict[Blob, float], force: bool
) -> list[bool]:
    """Say for each layer whether a gradient of the loss reaches its tops."""
    counting = set(weights)
    result = [force] * len(graph.nodes)
    for i, node in reversed(list(enumerate(graph.nodes))):
        if counting.intersection(node.tops):
            result[i] = True
            if node.cls.differentiable:
                counting.update(b for b, m in zip(node.bottoms, moves[i], strict=True) if m)
    return result


def _none(node: Node) -> tuple[bool, ...]:
    return (False,) * len(node.bottoms)

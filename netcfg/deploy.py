"""A net that answers, made from one that is trained: without data, losses and what only they need.

Data layers become Input layers, a loss with a softmax or a sigmoid inside becomes that layer, and
only what leads to an answer stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netcfg.deploy_inputs import declared, given_by
from netcfg.engines import get_engine
from netcfg.errors import NetError, nearest
from netcfg.graph import Blob, Graph, Node, build_graph
from netcfg.io.preparation import Preparation
from netcfg.net import Net
from netcfg.netcfg_pb2 import (
    TEST,
    TRAIN,
    BlobShape,
    FillerParameter,
    InputParameter,
    LayerParameter,
    NetParameter,
    NetState,
    ParamSpec,
)
from netcfg.phases import filter_net, left_out
from netcfg.places import where
from netcfg.plan import loss_weights
from netcfg.region_nets import without_targets
from netcfg.types import Phase, Shape

ANSWERS = {
    "SoftmaxWithLoss": "Softmax",
    "SoftmaxWithLossOHEM": "Softmax",
    "InfogainLoss": "Softmax",
    "FocalLoss": "Softmax",
    "SigmoidCrossEntropyLoss": "Sigmoid",
}
"""What turns scores into an answer, for losses that have it inside."""

METRICS = frozenset({"Accuracy", "SegAccuracy", "DetectionEvaluate"})
"""Layers that compare an answer, their first bottom, with what is right."""

TELLING = frozenset({"batch_norm_param", "bn_param"})
"""Messages whose fillers say which of several layers of a name is meant."""


@dataclass
class Deployed:
    """A net without data and losses.

    Attributes:
        net: it, upgraded, for the TEST phase.
        sources: the layer that fed each of its inputs.
        prepared: how images were prepared for inputs; nothing for those that took none.
        notes: what was taken for granted.
    """

    net: NetParameter
    sources: dict[str, LayerParameter] = field(default_factory=dict)
    prepared: dict[str, Preparation] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Head:
    """An answer of the net.

    Attributes:
        blob: what is read for it.
        loss: the layer that learns it; None for one that no loss reads.
        label: what the loss compares it with.
        weight: of the loss.
    """

    blob: Blob
    loss: LayerParameter | None = None
    label: str = ""
    weight: float = 0.0


def deploy_net(
    net: NetParameter,
    *,
    batch: int = 1,
    shapes: Mapping[str, Shape] | None = None,
    level: int = 0,
    stages: Sequence[str] = (),
) -> Deployed:
    """Derive a net that answers from one that is trained.

    Of losses with the same labels only those of the greatest weight count: the others are there to
    help with training, as those within GoogLeNet. Fields that matter for training only go too.

    Args:
        net: upgraded, with the layers of both phases.
        batch: first axis of the inputs.
        shapes: of inputs, by name, where the data is not there to tell them.
        level, stages: of the net that is tested, for its include and exclude rules.

    Raises:
        NetError: the net is wrong, has nothing to answer, or the shape of an input is not known.
    """
    net = without_targets(net)
    state = NetState(phase=TEST, level=level, stage=stages)
    graph = build_graph(filter_net(net, state).layer, left_out(net, state))
    state.phase = TRAIN
    heads = _heads(graph, filter_net(net, state))
    if not heads:
        raise NetError("no layer of the net gives an answer that does not need labels").at(
            net.source.file
        )
    result = Deployed(NetParameter(name=net.name))
    _fill(result, graph, heads, batch, shapes or {})
    with Net(result.net, Phase.TEST, engine=get_engine("numpy")):
        return result  # what can be built is whole


def _fill(
    result: Deployed, graph: Graph, heads: list[Head], batch: int, shapes: Mapping[str, Shape]
) -> None:
    """Add the layers that lead to the answers, and those that silence what is not read of them."""
    layers = result.net.layer
    kept = _leading_to(graph, {head.blob for head in heads})
    for node, tops in kept:
        if node.bottoms or node.config.type == "Parameter":
            layers.append(_cleaned(node.config))
        else:
            layers.append(_input(node.config, tops, batch, shapes, result))
    for name in shapes:
        if name not in result.sources:
            known = ", ".join(result.sources) or "none"
            raise NetError(
                f"--shape {name}: no input of the deployed net has this name"
                f"{nearest(name, result.sources)} (inputs: {known})"
            )
    layers.extend(_answers(heads, result.net))
    written = {top for node, _ in kept if node.bottoms for top in node.tops}
    for node in graph.nodes:
        if node.config.type == "Silence" and written.issuperset(node.bottoms):
            layers.append(_cleaned(node.config))


# Answers ---------------------------------------------------------------------------------------


def _heads(graph: Graph, trained: NetParameter) -> list[Head]:
    """Return the answers of a net: those of losses and metrics, and what else it gives.

    Args:
        graph: of the net at TEST.
        trained: the net at TRAIN, whose losses count where TEST has none.
    """
    compared = [Head(node.bottoms[0]) for node in graph.nodes if node.config.type in METRICS]
    learned = _losses(graph)
    if learned:
        read = {blob for node in _loss_nodes(graph) for blob in node.bottoms}
        heads = learned + [head for head in compared if head.blob not in read]
    else:
        latest = {blob.name: blob for blob in graph.blobs()}
        others = {
            latest[head.blob.name]: Head(latest[head.blob.name], head.loss)
            for head in _losses(build_graph(trained.layer))
            if head.blob.name in latest
        }
        heads = [others.get(h.blob, h) for h in compared] or list(others.values())
    found: dict[Blob, Head] = {}
    for head in [_answered(head, graph) for head in heads] + _outputs(graph, heads):
        found.setdefault(head.blob, head)
    return list(found.values())


def _answered(head: Head, graph: Graph) -> Head:
    """Return the blob of a Softmax or Sigmoid that turns the scores of a head into an answer."""
    kind = ANSWERS.get(head.loss.type) if head.loss is not None else None
    for node in graph.nodes:
        if node.config.type == kind and head.blob in node.bottoms:
            return Head(node.tops[0])
    return head


def _losses(graph: Graph) -> list[Head]:
    """Return the answers that losses are about, those of the greatest weight for each label."""
    weights = loss_weights(graph)
    found = []
    for node in _loss_nodes(graph):
        label = node.config.bottom[1] if len(node.bottoms) > 1 else ""
        weight = max(weights.get(top, 0.0) for top in node.tops)
        found.append(Head(node.bottoms[0], node.config, label, weight))
    most: dict[str, float] = {}
    for head in found:
        most[head.label] = max(most.get(head.label, 0.0), head.weight)
    return [head for head in found if head.weight == most[head.label] or not head.label]


def _loss_nodes(graph: Graph) -> list[Node]:
    """Return the layers that are losses, if only of weight 0, or whose tops count in the loss."""
    weights = loss_weights(graph)
    counting = [n for n in graph.nodes if n.cls.default_loss_weight or weights.keys() & n.tops]
    return [node for node in counting if node.bottoms]


def _outputs(graph: Graph, heads: list[Head]) -> list[Head]:
    """Return the outputs besides losses and metrics that need no other data than the heads."""
    data = _sources(graph, {head.blob for head in heads})
    no_answers = {top for node in _loss_nodes(graph) for top in node.tops}
    for node in graph.nodes:
        if not node.bottoms or node.config.type in METRICS:
            no_answers.update(node.tops)
    found = (blob for blob in graph.outputs() if blob not in no_answers)
    return [Head(blob) for blob in found if not heads or _sources(graph, {blob}) <= data]


def _sources(graph: Graph, blobs: set[Blob]) -> set[Blob]:
    """Return the tops of layers without bottoms that blobs are computed from."""
    kept = _leading_to(graph, blobs)
    return {top for node, tops in kept if not node.bottoms for top in tops}


def _leading_to(graph: Graph, wanted: set[Blob]) -> list[tuple[Node, list[Blob]]]:
    """Return the layers that blobs are computed from, in order, with their tops that count."""
    live = set(wanted)
    kept = []
    for node in reversed(graph.nodes):
        tops = [top for top in node.tops if top in live]
        if tops:
            kept.append((node, tops))
            live.update(node.bottoms)
    return kept[::-1]


def _answers(heads: list[Head], net: NetParameter) -> list[LayerParameter]:
    """Return the layers that stand in place of losses."""
    used = {word for layer in net.layer for word in (layer.name, *layer.top)}
    losses = [
        (head.loss, head.blob.name, ANSWERS[head.loss.type])
        for head in heads
        if head.loss is not None and head.loss.type in ANSWERS
    ]
    layers = []
    for loss, blob, kind in losses:
        own = loss.name.replace("loss", "prob")
        name = "prob" if len(losses) == 1 else own
        while name in used or name == loss.name:
            name += "_prob"
        used.add(name)
        layer = LayerParameter(name=name, type=kind, bottom=[blob], top=[name])
        _keep_axis(layer, loss)
        layers.append(layer)
    return layers


def _keep_axis(layer: LayerParameter, loss: LayerParameter) -> None:
    """Let a softmax run along the axis of its loss."""
    axis = loss.infogain_loss_param.axis if loss.type == "InfogainLoss" else loss.softmax_param.axis
    if layer.type == "Softmax" and axis != 1:
        layer.softmax_param.axis = axis


# Inputs ----------------------------------------------------------------------------------------


def _input(
    config: LayerParameter,
    tops: list[Blob],
    batch: int,
    shapes: Mapping[str, Shape],
    result: Deployed,
) -> LayerParameter:
    """Return the Input in place of a layer that reads or makes data."""
    names = [top.name for top in tops]
    if all(name in shapes for name in names):
        given = declared(config)
    else:
        given = given_by(config)
        result.notes.extend([given.note] if given.note else [])
    found = {name: (batch, *shape[1:]) for name, shape in given.shapes.items()} | dict(shapes)
    missing = [name for name in names if name not in found]
    if missing:
        raise NetError(
            f"{where(config)}: the shape of '{missing[0]}' is not known without the data; say it "
            f"with --shape {missing[0]}=N,C,H,W"
        )
    result.sources.update(dict.fromkeys(names, config))
    if given.preparation is not None:
        result.prepared.update(dict.fromkeys(names, given.preparation))
    dims = [BlobShape(dim=found[name]) for name in names]
    return LayerParameter(
        name=config.name, type="Input", top=names, input_param=InputParameter(shape=dims)
    )


# Fields ----------------------------------------------------------------------------------------


def _cleaned(config: LayerParameter) -> LayerParameter:
    """Return a layer without what matters for training only; names of shared parameters stay."""
    layer = LayerParameter()
    layer.CopyFrom(config)
    for name in ("phase", "include", "exclude", "loss_weight", "propagate_down", "blobs"):
        layer.ClearField(name)
    named = [ParamSpec(name=param.name) for param in layer.param]
    layer.ClearField("param")
    if any(param.name for param in named):
        layer.param.extend(named)
    _drop_fillers(layer)
    return layer


def _drop_fillers(message: Any) -> None:
    """Clear fillers within a message, which weights make needless, unless they say more."""
    for descriptor, value in message.ListFields():
        inner = descriptor.message_type
        if inner is None or descriptor.name in TELLING:
            continue
        if inner is FillerParameter.DESCRIPTOR:
            message.ClearField(descriptor.name)
        elif hasattr(value, "DESCRIPTOR"):
            _drop_fillers(value)

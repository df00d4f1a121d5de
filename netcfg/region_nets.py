"""Nets of regions, such as Faster R-CNN, without the layers that choose what is learned."""

from collections.abc import Iterable

from netcfg.netcfg_pb2 import BlobShape, InputParameter, LayerParameter, NetParameter

ANCHORS = frozenset({"AnchorTarget", "AnchorTargetLayer"})
"""What the proposed regions should be: types, and classes of py-faster-rcnn's Python layers."""

SAMPLES = frozenset({"ProposalTarget", "ProposalTargetLayer"})
"""A sample of the proposed regions, and what the classifier should say of them."""

PROPOSALS = frozenset({"Proposal", "ProposalLayer"})
"""Layers that propose regions; the third bottom holds height, width and scale of images."""

SOFTMAX_LOSSES = frozenset({"SoftmaxWithLoss", "SoftmaxWithLossOHEM"})


def without_targets(net: NetParameter) -> NetParameter:
    """Return a net that answers for all regions in place of one that learns from some.

    The layers that make targets go, and so does what reads these: losses, most of all. The regions
    that are proposed take the name of those that were chosen, and a softmax gives the scores that
    were compared with labels. Sizes of images that layers put together become an input. Other nets
    stay as they are.
    """
    samples = [layer for layer in net.layer if _kind(layer) in SAMPLES and layer.bottom]
    if not samples:
        return net
    labels = {layer.top[1] for layer in samples if len(layer.top) > 1}
    names = {layer.bottom[0]: layer.top[0] for layer in samples}
    sizes = {layer.bottom[2] for layer in net.layer if _kind(layer) in PROPOSALS}
    result = NetParameter()
    result.CopyFrom(net)
    del result.layer[:]
    gone: set[str] = set()
    scores: list[str] = []
    for layer in net.layer:
        if _kind(layer) in ANCHORS | SAMPLES:
            gone.update(set(layer.top) - set(names.values()))
        elif gone & set(layer.bottom):
            gone.update(layer.top)
            if layer.type in SOFTMAX_LOSSES and layer.bottom[1] in labels:
                scores.append(layer.bottom[0])
        elif layer.bottom and sizes & set(layer.top):
            result.layer.append(_sizes(layer))
        else:
            result.layer.append(_renamed(layer, names))
    result.layer.extend(_softmax(dict.fromkeys(scores), result))
    return result


def _kind(layer: LayerParameter) -> str:
    return layer.python_param.layer if layer.type == "Python" else layer.type


def _renamed(layer: LayerParameter, names: dict[str, str]) -> LayerParameter:
    """Return a layer that calls blobs by other names."""
    result = LayerParameter()
    result.CopyFrom(layer)
    for words in (result.bottom, result.top):
        words[:] = [names.get(word, word) for word in words]
    return result


def _sizes(layer: LayerParameter) -> LayerParameter:
    """Return the input in place of a layer that makes height, width and scale of images."""
    shape = BlobShape(dim=[1, 3])
    return LayerParameter(
        name=layer.name, type="Input", top=layer.top, input_param=InputParameter(shape=[shape])
    )


def _softmax(scores: Iterable[str], net: NetParameter) -> list[LayerParameter]:
    """Return the layers that turn scores into probabilities: cls_score into cls_prob."""
    taken = {word for layer in net.layer for word in (layer.name, *layer.top)}
    layers = []
    for blob in scores:
        name = blob.replace("score", "prob")
        name = name if name not in taken else f"{blob}_prob"
        layers.append(LayerParameter(name=name, type="Softmax", bottom=[blob], top=[name]))
    return layers

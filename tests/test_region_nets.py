"""Nets of regions without the layers that choose what is learned."""

from netcfg.deploy import deploy_net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.region_nets import without_targets
from netcfg.schema import parse_net


def layer(kind: str, name: str, bottoms: str, tops: str, more: str = "") -> str:
    words = [f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(words)} {more} }}\n'


def python(module: str, name: str, bottoms: str, tops: str) -> str:
    kind = "".join(word.capitalize() for word in module.rpartition(".")[2].split("_"))
    given = f'module: "{module}" layer: "{kind}" '
    given += "param_str: \"{'num_classes': 3}\"" if "target" in module else ""
    return layer("Python", name, bottoms, tops, f"python_param {{ {given} }}")


def conv(name: str, bottom: str, outputs: int) -> str:
    return layer("Convolution", name, bottom, name, f"convolution_param {{ {ONE} {outputs} }}")


def ip(name: str, bottom: str, outputs: int) -> str:
    return layer("InnerProduct", name, bottom, name, f"inner_product_param {{ {OUT} {outputs} }}")


RESHAPE = "reshape_param { shape { dim: [0, %d, -1, 0] } }"
ONE, OUT = "kernel_size: 1 num_output:", "num_output:"
RPN = conv("rpn_cls", "data", 18) + conv("rpn_box", "data", 36)
RPN += layer("Reshape", "split", "rpn_cls", "split", RESHAPE % 2)
TARGETS = python(
    "rpn.anchor_target_layer", "rpn-data", "rpn_cls gt_boxes im_info data", "rl rt ri ro"
)
TARGETS += layer("SoftmaxWithLoss", "rpn_loss", "split rl", "rpn_loss")
TARGETS += layer("SmoothL1Loss", "rpn_box_loss", "rpn_box rt ri ro", "rpn_box_loss")
PROPOSE = layer("Softmax", "soft", "split", "soft")
PROPOSE += layer("Reshape", "joined", "soft", "joined", RESHAPE % 18)
PROPOSE += python("rpn.proposal_layer", "proposal", "joined rpn_box im_info", "rpn_rois")
SAMPLE = python(
    "rpn.proposal_target_layer", "roi-data", "rpn_rois gt_boxes", "rois labels bt bi bo"
)
HEAD = layer(
    "ROIPooling", "pool", "data rois", "pool", "roi_pooling_param { pooled_w: 2 pooled_h: 2 }"
)
HEAD += ip("cls_score", "pool", 3) + ip("bbox_pred", "pool", 12)
LOSSES = layer("SoftmaxWithLoss", "loss_cls", "cls_score labels", "loss_cls")
LOSSES += layer("SmoothL1Loss", "loss_bbox", "bbox_pred bt bi bo", "loss_bbox")
LOSSES += layer("Accuracy", "right", "cls_score labels", "right")
DATA = python("roi_data_layer.layer", "input-data", "", "data im_info gt_boxes").replace(
    '"Layer"', '"RoIDataLayer"'
)


def net_of(text: str) -> NetParameter:
    return parse_net(text).message


def test_what_goes_and_what_takes_its_place() -> None:
    found = without_targets(net_of(DATA + RPN + TARGETS + PROPOSE + SAMPLE + HEAD + LOSSES))
    names = [layer.name for layer in found.layer]
    assert names[-4:] == ["pool", "cls_score", "bbox_pred", "cls_prob"]
    assert not {"rpn-data", "roi-data", "rpn_loss", "loss_cls", "right"} & set(names)
    by_name = {layer.name: layer for layer in found.layer}
    assert list(by_name["proposal"].top) == ["rois"]
    assert list(by_name["pool"].bottom) == ["data", "rois"]
    assert by_name["cls_prob"].type == "Softmax"
    assert list(by_name["cls_prob"].bottom) == ["cls_score"]


def test_other_nets_stay_as_they_are() -> None:
    net = net_of(conv("a", "data", 2))
    assert without_targets(net) is net


def test_deploy_answers_for_all_regions() -> None:
    text = DATA + RPN + TARGETS + PROPOSE + SAMPLE + HEAD + LOSSES
    deployed = deploy_net(net_of(text))
    first = deployed.net.layer[0]
    assert (first.type, list(first.top)) == ("Input", ["data", "im_info"])
    assert [list(s.dim) for s in first.input_param.shape] == [[1, 3, 600, 1000], [1, 3]]
    assert [layer.name for layer in deployed.net.layer][-1] == "cls_prob"
    prepared = deployed.prepared["data"]
    assert prepared.channels == "BGR"
    assert [round(mean) for mean in prepared.transform.mean_value] == [103, 116, 123]

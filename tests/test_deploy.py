"""Nets that answer, made from nets that are trained."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.cli.nets import replace_data
from netcfg.data.mean import write_mean
from netcfg.deploy import Deployed, deploy_net
from netcfg.engines import get_engine
from netcfg.errors import NetError
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.schema import parse_net, read_net, to_text
from netcfg.types import Phase, Shape

ROOT = Path(__file__).resolve().parents[1]


def net_of(text: str) -> NetParameter:
    return parse_net(text, "net.prototxt").message


def layers(deployed: Deployed) -> list[str]:
    return [f"{layer.name} {layer.type}" for layer in deployed.net.layer]


def answers(trained: NetParameter, deployed: Deployed, blobs: dict[str, str]) -> None:
    """Compare what both nets say of the same images with the same weights.

    ``blobs`` names for each answer of the deployed net the scores that it is the softmax of.
    """
    name, shape = next(
        (layer.top[0], tuple(layer.input_param.shape[0].dim))
        for layer in deployed.net.layer
        if layer.type == "Input"
    )
    replace_data(trained, [(name, (2, *shape[1:]))])
    x = np.random.default_rng(1).normal(size=(2, *shape[1:])).astype(np.float32)
    numpy = get_engine("numpy")
    with (
        Net(trained, Phase.TEST, engine=numpy, seed=3, keep="all") as first,
        Net(deployed.net, Phase.TEST, engine=numpy, seed=4) as second,
    ):
        report = second.load(first.weights())
        assert (report.missing, report.ignored) == ([], [])
        first.forward({name: x})
        found = second.forward({name: x})
        assert set(found) == set(blobs)
        for answer, scores in blobs.items():
            e = np.exp(first.blobs[scores] - first.blobs[scores].max(axis=1, keepdims=True))
            np.testing.assert_allclose(found[answer], e / e.sum(axis=1, keepdims=True), rtol=1e-5)


# Nets of the project ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "shape", "scores", "count"),
    [
        ("models/lenet/train_val.prototxt", (1, 1, 28, 28), "ip2", 9),
        ("configs/cifar10/quick_train_val.prototxt", (1, 3, 32, 32), "ip2", 13),
        ("configs/cifar10/full_train_val.prototxt", (1, 3, 32, 32), "ip1", 14),
    ],
)
def test_small_nets(path: str, shape: Shape, scores: str, count: int) -> None:
    net = read_net(ROOT / path).message
    deployed = deploy_net(net, shapes={"data": shape})
    assert len(deployed.net.layer) == count
    assert layers(deployed)[0] == "data Input"
    assert layers(deployed)[-1] == "prob Softmax"
    text = to_text(deployed.net)
    for word in ("filler", "lr_mult", "include", "phase", "label", "mean_file"):
        assert word not in text
    answers(net, deployed, {"prob": scores})


def test_the_deployed_lenet_is_the_one_of_the_zoo() -> None:
    net = read_net(ROOT / "models/lenet/train_val.prototxt").message
    text = to_text(deploy_net(net, shapes={"data": (1, 1, 28, 28)}).net)
    assert (ROOT / "models/lenet/deploy.prototxt").read_text() == text


@pytest.mark.parametrize("name", ["caffenet", "googlenet", "squeezenet1.1", "vit_tiny"])
def test_nets_of_the_zoo(name: str) -> None:
    folder = ROOT / "models" / name
    deployed = deploy_net(read_net(folder / "train_val.prototxt").message)
    by_hand = read_net(folder / "deploy.prototxt").message
    kinds = sorted(layer.type for layer in by_hand.layer)
    assert sorted(layer.type for layer in deployed.net.layer) == kinds
    learned = [
        {layer.name: [p.shape for p in layer.params] for layer in Net(net).layers if layer.params}
        for net in (deployed.net, by_hand)
    ]
    assert learned[0] == learned[1]


# Heads -----------------------------------------------------------------------------------------

DATA = """
name: "n"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { crop_size: 8 mirror: true mean_value: [1, 2, 3] }
  data_param { source: "x" batch_size: 4 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { crop_size: 8 mean_value: [1, 2, 3] scale: 0.5 }
  data_param { source: "y" batch_size: 4 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 }
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
"""


def ip(name: str, bottom: str = "conv") -> str:
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" '
        'inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }\n'
    )


def loss(name: str, bottom: str, more: str = "", label: str = "label") -> str:
    return (
        f'layer {{ name: "{name}" type: "SoftmaxWithLoss" bottom: "{bottom}" bottom: "{label}" '
        f'top: "{name}" {more} }}\n'
    )


def accuracy(bottom: str, more: str = "include { phase: TEST }") -> str:
    return (
        f'layer {{ name: "acc {bottom}" type: "Accuracy" bottom: "{bottom}" bottom: "label" '
        f'top: "acc {bottom}" {more} }}\n'
    )


def test_like_caffenet() -> None:
    net = net_of(DATA + ip("fc8") + accuracy("fc8") + loss("loss", "fc8"))
    deployed = deploy_net(net, batch=10)
    assert layers(deployed) == [
        "data Input",
        "conv Convolution",
        "relu ReLU",
        "drop Dropout",
        "fc8 InnerProduct",
        "prob Softmax",
    ]
    assert list(deployed.net.layer[0].input_param.shape[0].dim) == [10, 3, 8, 8]
    assert deployed.sources["data"].transform_param.scale == 0.5
    assert list(deployed.sources["data"].transform_param.mean_value) == [1, 2, 3]
    assert deployed.notes == []
    answers(net, deployed, {"prob": "fc8"})


def test_losses_that_only_help_go() -> None:
    helper = ip("aux") + accuracy("aux") + loss("loss1", "aux", "loss_weight: 0.3")
    net = net_of(DATA + helper + ip("main") + loss("loss2", "main") + accuracy("main"))
    deployed = deploy_net(net)
    assert [name for name in layers(deployed) if "conv" not in name][1:] == [
        "relu ReLU",
        "drop Dropout",
        "main InnerProduct",
        "prob Softmax",
    ]
    answers(net, deployed, {"prob": "main"})


def test_losses_of_one_weight_or_other_labels_stay() -> None:
    other = 'layer { name: "l" type: "DummyData" top: "other" '
    other += "dummy_data_param { shape { dim: 2 } } }"
    for more, label in (("", "label"), ("loss_weight: 0.1", "other")):
        text = (
            DATA + other + ip("a") + ip("b") + loss("loss/a", "a") + loss("two", "b", more, label)
        )
        net = net_of(text)
        deployed = deploy_net(net)
        assert layers(deployed)[-2:] == ["prob/a Softmax", "two_prob Softmax"]
        assert [name for name in layers(deployed) if name.endswith("Input")] == ["data Input"]
        answers(net, deployed, {"prob/a": "a", "two_prob": "b"})


def test_a_loss_at_train_only() -> None:
    train = "include { phase: TRAIN }"
    deployed = deploy_net(net_of(DATA + ip("fc") + accuracy("fc") + loss("loss", "fc", train)))
    assert layers(deployed)[-2:] == ["fc InnerProduct", "prob Softmax"]
    deployed = deploy_net(net_of(DATA + ip("fc") + loss("loss", "fc", train)))
    assert layers(deployed)[-2:] == ["fc InnerProduct", "prob Softmax"]
    deployed = deploy_net(net_of(DATA + ip("fc") + accuracy("fc")))
    assert layers(deployed)[-1] == "fc InnerProduct"


def test_other_losses() -> None:
    def made(text: str) -> list[str]:
        return layers(deploy_net(net_of(DATA + ip("fc") + text)))[-2:]

    ends = 'bottom: "fc" bottom: "label" top: "loss" }'
    sigmoid = made(f'layer {{ name: "loss" type: "SigmoidCrossEntropyLoss" {ends}')
    assert sigmoid == ["fc InnerProduct", "prob Sigmoid"]
    for kind in ("EuclideanLoss", "HingeLoss", "ContrastiveLoss"):
        more = 'bottom: "fc" ' if kind == "ContrastiveLoss" else ""
        assert made(f'layer {{ name: "loss" type: "{kind}" {more}{ends}')[-1] == "fc InnerProduct"


def test_the_axis_of_the_softmax() -> None:
    fields = {"SoftmaxWithLoss": "softmax_param", "InfogainLoss": "infogain_loss_param"}
    for kind, field in fields.items():
        text = loss("loss", "conv", f"{field} {{ axis: -3 }}").replace("SoftmaxWithLoss", kind)
        deployed = deploy_net(net_of(DATA + text))
        assert deployed.net.layer[-1].softmax_param.axis == -3


def test_answers_that_are_there_already() -> None:
    soft = 'layer { name: "soft" type: "Softmax" bottom: "fc" top: "soft" include { phase: TEST } }'
    text = DATA + ip("fc") + soft + loss("loss", "fc")
    assert layers(deploy_net(net_of(text)))[-2:] == ["fc InnerProduct", "soft Softmax"]
    taken = DATA.replace('"conv"', '"prob"') + ip("fc", "prob") + loss("loss", "fc")
    assert layers(deploy_net(net_of(taken)))[-1] == "prob_prob Softmax"


def test_other_outputs_stay_and_what_needs_labels_goes() -> None:
    text = (
        DATA
        + ip("fc")
        + loss("loss", "fc")
        + 'layer { name: "best" type: "ArgMax" bottom: "fc" top: "best" }'
        + 'layer { name: "twice" type: "Power" bottom: "label" top: "twice" }'
        + 'layer { name: "quiet" type: "Silence" bottom: "label" }'
    )
    assert layers(deploy_net(net_of(text)))[-3:] == [
        "fc InnerProduct",
        "best ArgMax",
        "prob Softmax",
    ]


def test_tops_that_nobody_reads_stay_silent() -> None:
    text = (
        DATA
        + 'layer { name: "cut" type: "Slice" bottom: "conv" top: "a" top: "b" }'
        + 'layer { name: "quiet" type: "Silence" bottom: "b" }'
        + 'layer { name: "labels" type: "Silence" bottom: "label" }'
        + loss("loss", "a")
    )
    deployed = deploy_net(net_of(text))
    assert layers(deployed)[-3:] == ["cut Slice", "prob Softmax", "quiet Silence"]
    assert outputs(deployed) == ["prob"]


def test_losses_that_are_only_told() -> None:
    told = 'layer { name: "l2" type: "EuclideanLoss" bottom: "soft" bottom: "label" top: "l2" '
    told += "loss_weight: 0 }"
    soft = 'layer { name: "soft" type: "Sigmoid" bottom: "fc" top: "soft" }'
    sigmoid = loss("loss", "fc").replace("SoftmaxWithLoss", "SigmoidCrossEntropyLoss")
    deployed = deploy_net(net_of(DATA + ip("fc") + sigmoid + soft + told))
    assert layers(deployed)[-2:] == ["fc InnerProduct", "soft Sigmoid"]


def test_layers_of_a_stage_or_level() -> None:
    text = DATA + ip("a") + ip("b").replace("bottom", 'include { stage: "x" } bottom', 1)
    text += ip("c").replace("bottom", "include { min_level: 2 } bottom", 1)
    assert outputs(deploy_net(net_of(text))) == ["a"]
    assert outputs(deploy_net(net_of(text), stages=["x"])) == ["a", "b"]
    assert outputs(deploy_net(net_of(text), level=2)) == ["a", "c"]


def outputs(deployed: Deployed) -> list[str]:
    with Net(deployed.net) as net:
        return net.outputs


def test_names_of_shared_parameters_stay() -> None:
    text = DATA + ip("a").replace("bottom", 'param { name: "w" lr_mult: 3 } param {} bottom', 1)
    text += ip("b").replace("bottom", 'param { name: "w" } param {} bottom', 1)
    deployed = deploy_net(net_of(text + loss("l", "a") + loss("m", "b")))
    params = {layer.name: list(layer.param) for layer in deployed.net.layer if layer.param}
    assert {name: [p.name for p in ps] for name, ps in params.items()} == {
        "a": ["w", ""],
        "b": ["w", ""],
    }
    assert "lr_mult" not in to_text(deployed.net)


# Shapes ----------------------------------------------------------------------------------------


def test_shapes_from_data(tmp_path: Path) -> None:
    write_mean(tmp_path / "mean", np.zeros((1, 5, 6), np.float32))
    dummy = 'layer { name: "d" type: "DummyData" top: "data" top: "label" dummy_data_param {'
    dummy += " shape { dim: [7, 1, 5, 6] } shape { dim: 7 } } }"
    deployed = deploy_net(net_of(dummy + ip("fc", "data") + loss("loss", "fc")), batch=2)
    assert list(deployed.net.layer[0].input_param.shape[0].dim) == [2, 1, 5, 6]
    assert list(deployed.net.layer[0].top) == ["data"]


CROP = 'type: "Data" data_param { batch_size: 2 source: "x" } transform_param { crop_size: 8'
IMAGES = 'type: "ImageData" image_data_param { source: "x" new_height: 4 new_width: 6'


@pytest.mark.parametrize(
    ("fields", "shape", "notes"),
    [
        (f"{CROP} }}", [1, 3, 8, 8], 1),
        (f"{CROP} force_gray: true }}", [1, 1, 8, 8], 0),
        (f"{CROP} force_color: true }}", [1, 3, 8, 8], 0),
        (f"{IMAGES} }}", [1, 3, 4, 6], 0),
        (f"{IMAGES} is_color: false }}", [1, 1, 4, 6], 0),
    ],
)
def test_shapes_from_fields(fields: str, shape: list[int], notes: int) -> None:
    data = f'layer {{ name: "data" top: "data" top: "label" {fields} }}'
    deployed = deploy_net(net_of(data + ip("fc", "data") + loss("loss", "fc")))
    assert list(deployed.net.layer[0].input_param.shape[0].dim) == shape
    assert len(deployed.notes) == notes
    assert deployed.notes == [] or "are taken to have 3 channels" in deployed.notes[0]


def test_what_cannot_be_made() -> None:
    data = 'layer { name: "data" type: "Data" top: "data" top: "label" '
    data += 'data_param { source: "x" batch_size: 4 } }'
    net = net_of(data + ip("fc", "data") + loss("loss", "fc"))
    with pytest.raises(NetError) as caught:
        deploy_net(net)
    assert str(caught.value) == (
        "net.prototxt:1:1: layer 'data' (Data): the shape of 'data' is not known without the data; "
        "say it with --shape data=N,C,H,W"
    )
    with pytest.raises(NetError, match=r"--shape dat: no input of the deployed net .* 'data'\?"):
        deploy_net(net, shapes={"data": (1, 1, 2, 2), "dat": (1,)})
    with pytest.raises(NetError, match="no layer of the net gives an answer"):
        deploy_net(net_of(data))

"""The zoo's classifiers and small nets: they build, with the sizes that cards and papers tell of.

Nets are built with shapes only: parameters are zeros that nobody touches, so none costs memory.
"""

import importlib
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.schema import read_net, read_solver, refuse
from netcfg.solver.rules import make_rule
from netcfg.solver.schedule import make_schedule
from netcfg.summary import Summary, summarize
from netcfg.types import Phase, Shape
from netcfg.zoo.card import CHANNELS, Card, read_card

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
TOOL = ROOT / "tools/gen_models.py"

IMAGENET = [
    "alexnet", "caffenet", "googlenet", "vgg16", "vgg19", "nin_imagenet", "squeezenet1.0",
    "squeezenet1.1", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "resnext50_32x4d", "senet50", "densenet121", "densenet161", "densenet169", "densenet201",
    "inception_v3", "inception_v4", "mobilenet_v1", "mobilenet_v2", "shufflenet_v1",
    "shufflenet_v2", "vit_tiny", "convnext_tiny",
]  # fmt: skip
OUTPUTS: dict[str, Shape] = dict.fromkeys(IMAGENET, (1, 1000)) | {
    "rcnn_ilsvrc13": (10, 200),
    "age_net": (1, 8),
    "gender_net": (1, 2),
    "open_nsfw": (1, 2),
    "cifar10_quick": (1, 10),
    "cifar10_full": (1, 10),
    "mnist_siamese": (1, 2),
    "mnist_autoencoder": (1, 784),
    "char_lstm": (1, 1, 128),
}
"""Shape of the answer of each model, axes of length 1 at its end left out."""

NOT_TRAINED = {"rcnn_ilsvrc13", "open_nsfw"}
TRAINED = [name for name in OUTPUTS if name not in NOT_TRAINED]

MERGED = {
    "alexnet": 60.965, "caffenet": 60.965, "googlenet": 6.999, "vgg16": 138.358, "vgg19": 143.667,
    "squeezenet1.0": 1.248, "squeezenet1.1": 1.236, "resnet50": 25.53, "resnet101": 44.496,
    "resnet152": 60.117, "senet50": 28.061, "inception_v4": 42.648, "mobilenet_v1": 4.221,
    "mobilenet_v2": 3.489,
}  # fmt: skip
"""Millions of parameters that Open Model Zoo counts, after it has merged batch normalization into
the biases of convolutions; a witness of its own beside papers and cards."""


@cache
def config(name: str, file: str = "deploy.prototxt") -> NetParameter:
    parsed = read_net(MODELS / name / file)
    refuse(parsed.findings)
    return parsed.message


def build(net: NetParameter, phase: Phase = Phase.TEST, stages: Sequence[str] = ()) -> Net:
    """Build a net whose parameters are zeros that the system hands out when they are touched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netcfg.layer.fill", lambda _, shape, __: np.zeros(shape, np.float32))
        return Net(net, phase, engine=get_engine("numpy"), stages=stages)


@cache
def deployed(name: str, file: str = "deploy.prototxt") -> tuple[Summary, dict[str, list[Shape]]]:
    """Return what a deploy net consists of, and the shapes of its parameters by layer."""
    net = build(config(name, file))
    return summarize(net), shapes(net)


def shapes(net: Net) -> dict[str, list[Shape]]:
    return {layer.name: [p.shape for p in layer.params] for layer in net.layers if layer.params}


def card(name: str) -> Card:
    return read_card(MODELS / name)


def statistics(summary: Summary) -> int:
    """Count what batch normalization keeps but does not learn."""
    return sum(layer.parameters for layer in summary.layers if layer.type == "BatchNorm")


def fed(net: NetParameter, side: tuple[int, ...]) -> NetParameter:
    """Return a net that is fed by hand where it reads data: two items of the shape ``side``."""
    fed = NetParameter()
    fed.CopyFrom(net)
    for layer in fed.layer:
        if layer.type not in ("Data", "HDF5Data"):
            continue
        text = layer.type == "HDF5Data"
        sizes = [(3, 2)] * 3 if text else [(2, *side), (2,)][: len(layer.top)]
        layer.ClearField("data_param" if layer.HasField("data_param") else "hdf5_data_param")
        layer.ClearField("transform_param")
        layer.type = "Input"
        for size in sizes:
            layer.input_param.shape.add(dim=size)
    return fed


def small(name: str) -> NetParameter:
    """Return train_val.prototxt, fed by hand with what the card says."""
    given = card(name).input
    return fed(config(name, "train_val.prototxt"), (CHANNELS[given.channels], *given.size))


@dataclass(frozen=True)
class Built:
    """What is kept of a training net."""

    shapes: dict[str, list[Shape]]
    outputs: list[str]
    layers: int
    numbers: int
    losses: dict[str, float]


@cache
def training(name: str, phase: Phase) -> Built:
    stages = ["test-on-test"] if name == "mnist_autoencoder" and phase is Phase.TEST else []
    net = build(small(name), phase, stages)
    numbers = sum(math.prod(p.shape) for p in net.params)
    return Built(shapes(net), net.outputs, len(net.layers), numbers, net.loss_weight)


# Deploy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OUTPUTS)
def test_input_and_output(name):
    summary, _ = deployed(name)
    given = card(name)
    tops = {
        top: shape
        for layer, node in zip(summary.layers, config(name).layer, strict=True)
        for top, shape in zip(node.top, layer.tops, strict=True)
    }
    answer = tops[given.output.blob]
    expected = OUTPUTS[name]
    assert answer[: len(expected)] == expected
    assert math.prod(answer[len(expected) :]) == 1
    image = (CHANNELS[given.input.channels], *given.input.size)
    assert tops["data"][1:] == image or name == "char_lstm"


@pytest.mark.parametrize("name", OUTPUTS)
def test_counts_of_the_card(name):
    summary, _ = deployed(name)
    batch = summary.layers[0].tops[0][0]
    given = card(name)
    assert (given.parameters, given.multiply_adds * batch) == (
        summary.parameters,
        summary.multiply_adds,
    )


def published(text: str) -> tuple[float, float]:
    """Return a figure and the unit of its last digit, zeros at the end of a whole number aside.

    >>> published("4.2 M"), published("720 M"), published("1 235 496")
    ((4200000.0, 100000.0), (720000000.0, 10000000.0), (1235496.0, 1.0))
    """
    match = re.fullmatch(r"([\d ]+(?:\.(\d+))?)(?: ?([MG]))?", text)
    assert match, text
    number, decimals, prefix = match[1].replace(" ", ""), match[2] or "", match[3]
    unit = {None: 1.0, "M": 1e6, "G": 1e9}[prefix]
    zeros = 0 if decimals else len(number) - len(number.rstrip("0"))
    return float(number) * unit, unit * 10.0 ** (zeros - len(decimals))


def test_published_reads_figures():
    assert published("4.2 M") == pytest.approx((4.2e6, 1e5))
    assert published("720 M") == pytest.approx((7.2e8, 1e7))
    assert published("1 235 496") == (1235496, 1)


@pytest.mark.parametrize("name", OUTPUTS)
def test_published_figures_agree(name):
    # sources cut digits off as often as they round; none counts running statistics
    summary, _ = deployed(name)
    told = card(name).published
    assert told is not None
    batch = summary.layers[0].tops[0][0]
    ours = {
        told.parameters: summary.parameters - statistics(summary),
        told.multiply_adds: summary.multiply_adds // batch,
    }
    for text, count in ours.items():
        if text != "not published":
            figure, unit = published(text)
            assert abs(count - figure) < unit, f"{count} against {text}"


@pytest.mark.parametrize("name", MERGED)
def test_parameters_with_merged_normalization(name):
    summary, _ = deployed(name)
    merged = summary.parameters - statistics(summary)
    pairs = zip(summary.layers, summary.layers[1:], strict=False)
    merged -= sum(b.parameters // 2 for a, b in pairs if (a.type, b.type) == ("BatchNorm", "Scale"))
    assert merged / 1e6 == pytest.approx(MERGED[name], abs=0.0006)


@pytest.mark.parametrize("name", OUTPUTS)
def test_sizes_of_weights(name):
    # a caffemodel holds four bytes a number, and names, shapes and settings of each layer
    for weights in card(name).weights:
        if weights.size is None:
            continue
        net = training(name, Phase.TRAIN)
        assert 0 < weights.size - 4 * net.numbers < 200 * net.layers


def test_merged_inception_v4_fits_its_weights():
    summary, merged = deployed("inception_v4", "deploy_merged.prototxt")
    whole, parts = deployed("inception_v4")
    assert summary.parameters == whole.parameters - statistics(whole)
    assert merged == {name: s for name, s in parts.items() if not name.endswith("_bn")}
    assert 0 < 170_777_072 - 4 * summary.parameters < 200 * len(summary.layers)


# Training ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRAINED)
def test_trained_weights_fit_the_deploy_net(name):
    _, parts = deployed(name)
    for phase in (Phase.TRAIN, Phase.TEST):
        trained = training(name, phase).shapes
        assert {layer: trained[layer] for layer in parts} == parts
        assert training(name, phase).losses
    further = {layer.split("/")[0].removesuffix("_p") for layer in set(trained) - set(parts)}
    known = {"googlenet": {"loss1", "loss2"}, "mnist_siamese": {"conv1", "conv2", "ip1", "ip2"}}
    assert further - {"feat"} == known.get(name, set())


@pytest.mark.parametrize("name", IMAGENET)
def test_classifiers_report_top_1_and_top_5(name):
    outputs = set(training(name, Phase.TEST).outputs)
    assert {"loss", "accuracy", "accuracy_top5"} <= outputs
    assert not any("accuracy" in output for output in training(name, Phase.TRAIN).outputs)


@pytest.mark.parametrize("name", IMAGENET)
def test_images_are_fed_as_the_card_says(name):
    given = card(name).input
    for layer in config(name, "train_val.prototxt").layer[:2]:
        transform = layer.transform_param
        assert (transform.crop_size, transform.crop_size) == given.size
        assert transform.scale == pytest.approx(given.scale, rel=1e-4)
        if not transform.mean_file:
            assert list(transform.mean_value) == pytest.approx(given.mean)


@pytest.mark.parametrize("name", TRAINED)
def test_solver(name):
    solver, findings = read_solver(MODELS / name / "solver.prototxt")
    refuse(findings)
    assert solver.net == "train_val.prototxt"
    assert solver.snapshot_prefix == f"out/{name}/{name}"
    make_rule(solver)
    rate = make_schedule(solver)
    assert 0 <= rate(solver.max_iter - 1) < rate(solver.max_iter // 10)
    if name in IMAGENET:
        test = config(name, "train_val.prototxt").layer[1]
        assert solver.test_iter[0] * test.data_param.batch_size == 50_000  # all of ILSVRC's


@pytest.mark.parametrize("name", [*TRAINED[-5:], "age_net"])
def test_every_parameter_of_a_small_net_learns(name):
    net = Net(small(name), Phase.TRAIN, engine=get_engine("numpy"), seed=3)
    rng = np.random.default_rng(0)
    feeds = {
        top: rng.normal(size=size) if len(size) > 2 else rng.integers(0, 2, size)
        for node, sizes in zip(net.graph.nodes, net.top_shapes, strict=True)
        if node.config.type == "Input"
        for top, size in zip(node.config.top, sizes, strict=True)
    }
    net.forward(feeds)
    net.backward()
    assert np.isfinite(net.loss)
    assert net.loss > 0
    idle = [
        f"{layer.name}.{i}"
        for layer in net.layers
        for i, param in enumerate(layer.params)
        if not np.any(param.diff)
    ]
    # the distance of two sums does not depend on what is added to both
    twins = ["ip2.1", "feat.1", "ip2_p.1", "feat_p.1"] if name == "mnist_siamese" else []
    assert idle == twins


# The programs -----------------------------------------------------------------------------------


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOL.parent))
    return importlib.import_module("gen_models")


def test_the_files_are_fresh():
    command = [sys.executable, str(TOOL), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_stale_files_are_told_and_left_or_written(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    model = next(model for model in tool.all_models() if model.name == "cifar10_quick")
    monkeypatch.setattr(tool, "all_models", lambda: [model])
    assert tool.main([], check=True) == 1
    assert capsys.readouterr().out.count("is stale") == 3
    assert not list(tmp_path.iterdir())
    assert tool.main(["cifar10_quick"], check=False) == 0
    for path in (tmp_path / "models/cifar10_quick").iterdir():
        assert path.read_text() == (MODELS / "cifar10_quick" / path.name).read_text()
    capsys.readouterr()
    assert tool.main([], check=True) == 0
    assert capsys.readouterr().out == ""


def test_an_unknown_model_is_refused(tool, capsys):
    assert tool.main(["vgg61"], check=False) == 2
    assert capsys.readouterr().out.startswith("no program writes vgg61; known: ")


def test_every_model_of_a_program_has_a_card(tool):
    names = [model.name for model in tool.all_models()]
    assert len(set(names)) == len(names)
    assert set(OUTPUTS) <= set(names)
    assert [name for name in names if read_card(MODELS / name).name != name] == []

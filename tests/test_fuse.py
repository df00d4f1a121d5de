"""Which layers run as one."""

from typing import Any

import numpy as np
import pytest

from netcfg import Net, fuse
from netcfg.fused import Folded, NormScale, ThenReLU
from netcfg.schema import parse_net
from netcfg.types import Phase

DATA = (
    'layer { name: "data" type: "Input" top: "x" '
    "input_param { shape { dim: 2 dim: 3 dim: 6 dim: 6 } } }"
)


def conv(name: str, bottom: str, top: str = "", more: str = "") -> str:
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top or name}" '
        f"convolution_param {{ num_output: 3 kernel_size: 3 pad: 1 "
        f'weight_filler {{ type: "gaussian" std: 0.5 }} }} {more} }}'
    )


def after(kind: str, name: str, bottom: str, top: str = "", more: str = "") -> str:
    top = top or bottom
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}" {more} }}'


SCALE = "scale_param { bias_term: true }"
BLOCK = [
    DATA,
    conv("a", "x"),
    after("BatchNorm", "norm", "a"),
    after("Scale", "scale", "a", more=SCALE),
    after("ReLU", "relu", "a"),
    conv("b", "a"),
    after("BatchNorm", "norm2", "b"),
    after("Scale", "scale2", "b", more=SCALE),
    'layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "c" }',
    after("ReLU", "relu2", "c"),
    after("InnerProduct", "ip", "c", "y", "inner_product_param { num_output: 4 }"),
    after("ReLU", "relu3", "y"),
    after("Reduction", "loss", "y", "loss", "loss_weight: 1"),
]


def units(layers: list[str], phase: Phase, keep: Any = ()) -> list[tuple[str, ...]]:
    net = Net(parse_net("\n".join(layers)).message, phase, keep=keep)
    return [tuple(net.layers[i].name for i in unit.layers) for unit in net.units]


def test_at_test_a_block_is_one_convolution_after_the_other() -> None:
    assert units(BLOCK, Phase.TEST) == [
        ("data",),
        ("a", "norm", "scale", "relu"),
        ("b", "norm2", "scale2", "sum", "relu2"),
        ("ip", "relu3"),
        ("loss",),
    ]


def test_in_training_the_batch_decides_in_the_middle() -> None:
    assert units(BLOCK, Phase.TRAIN) == [
        ("data",),
        ("a",),
        ("norm", "scale", "relu"),
        ("b",),
        ("norm2", "scale2"),
        ("sum", "relu2"),
        ("ip", "relu3"),
        ("loss",),
    ]


def test_kept_blobs_keep_layers_apart() -> None:
    assert ("a",) in units(BLOCK, Phase.TEST, keep=["a"])
    assert all(len(unit) == 1 for unit in units(BLOCK, Phase.TEST, keep="all"))


def test_other_readers_keep_layers_apart() -> None:
    layers = [DATA, conv("a", "x"), after("ReLU", "relu", "a", "b"), after("Power", "p", "a", "c")]
    assert units(layers, Phase.TEST) == [("data",), ("a",), ("relu",), ("p",)]


@pytest.mark.parametrize(
    "layer",
    [
        after("ReLU", "r", "a", more="relu_param { negative_slope: -1 }"),
        after("ReLU", "r", "a", more="relu_param { relu6: true }"),
        after("Scale", "r", "a", more="scale_param { axis: 2 }"),
        after("BatchNorm", "r", "a", more="batch_norm_param { use_global_stats: false }"),
        after("Power", "r", "a"),
    ],
)
def test_what_does_not_follow_a_convolution(layer: str) -> None:
    assert units([DATA, conv("a", "x"), layer], Phase.TEST)[-1] == ("r",)


def test_two_chains_that_meet_in_a_sum() -> None:
    layers = [
        DATA,
        conv("a", "x"),
        conv("b", "x"),
        'layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "c" }',
    ]
    assert units(layers, Phase.TEST) == [("data",), ("a",), ("b", "sum")]


def test_blobs_are_released_after_their_last_reader() -> None:
    net = Net(parse_net("\n".join(BLOCK)).message, Phase.TEST)
    released = [[f"{b.name}{b.version}" for b in unit.release] for unit in net.units]
    assert released == [[], ["x0"], ["a3"], ["c1"], ["y1"]]
    kept = Net(parse_net("\n".join(BLOCK)).message, Phase.TEST, keep=["x"])
    assert kept.units[1].release == ()


def test_what_stands_for_the_layers() -> None:
    net = Net(parse_net("\n".join(BLOCK)).message, Phase.TRAIN)
    runs = [type(unit.runs) for unit in net.units if len(unit.layers) > 1]
    assert runs == [NormScale, NormScale, ThenReLU, ThenReLU]
    net = Net(parse_net("\n".join(BLOCK)).message, Phase.TEST)
    assert isinstance(net.units[1].runs, Folded)


@pytest.mark.parametrize(("more", "folded"), [("", True), ("normalize: true", False)])
def test_weights_that_are_normalized_first_are_not_folded(more: str, folded: bool) -> None:
    field = f"inner_product_param {{ num_output: 4 {more} }}"
    layers = [DATA, after("InnerProduct", "ip", "x", "y", field), after("Scale", "s", "y")]
    assert (("ip", "s") in units(layers, Phase.TEST)) == folded


def gradients(layers: list[str], large: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Return the units that run another once more, and the gradients of all parameters."""
    monkeypatch.setattr(fuse, "LARGE", large)
    net = Net(parse_net("\n".join(layers)).message, Phase.TRAIN, seed=2)
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 6)).astype(np.float32)
    for _ in range(2):
        net.forward({"x": x})
        dropped = [unit for unit in net.units if unit.again]
        assert all(unit.runs.saved == () for unit in dropped)
        net.backward()
    names = [net.layers[i].name for unit in dropped for i in unit.layers]
    return names, [param.diff for param in net.params]


def test_large_normalizations_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [
        *BLOCK[:6],
        *(after(kind, name, "b", more=more) for kind, name, more in
          [("BatchNorm", "norm2", ""), ("Scale", "scale2", SCALE), ("ReLU", "relu2", "")]),
        conv("c", "b"),
        conv("d", "c", more="param { lr_mult: 0 } param { lr_mult: 0 }"),
        after("Reduction", "loss", "d", "loss", "loss_weight: 1"),
    ]  # fmt: skip
    size = 2 * 3 * 36 * 4  # bytes of each of the two blobs
    names, found = gradients(layers, 2 * size, monkeypatch)
    assert names == ["b", "c"]
    names, wanted = gradients(layers, 2 * size + 1, monkeypatch)
    assert names == []
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)
    assert abs(found[0]).max() > 0


def test_what_somebody_else_reads_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gradients(BLOCK, 0, monkeypatch)[0] == []

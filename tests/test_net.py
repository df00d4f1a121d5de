"""Nets: running, sharing, in-place tops, several readers, partial passes, errors with places."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.errors import NetError, ShapeError
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Phase


def build(text: str, phase: Phase = Phase.TRAIN, **options: object) -> Net:
    engine = get_engine("numpy", np.float64)
    return Net(parse_net(text, file="n.prototxt").message, phase, engine=engine, **options)  # type: ignore[arg-type]


def blob(name: str, *shape: int) -> str:
    dims = " ".join(f"dim: {n}" for n in shape)
    field = f"input_param {{ shape {{ {dims} }} }}"
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" {field} }}\n'


def ip(name: str, bottom: str, top: str, n: int, extra: str = "") -> str:
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top}" {extra} '
        f'inner_product_param {{ num_output: {n} weight_filler {{ type: "xavier" }} }} }}\n'
    )


LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }\n'
TWO = blob("x", 5, 4) + blob("t", 5, 3) + ip("a", "x", "h", 6)
TWO += 'layer { name: "tanh" type: "TanH" bottom: "h" top: "h" }\n' + ip("b", "h", "y", 3) + LOSS


@pytest.fixture
def batch() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {"x": rng.normal(size=(5, 4)), "t": rng.normal(size=(5, 3))}


@pytest.fixture
def two() -> Iterator[Net]:
    with build(TWO) as net:
        yield net


def numeric_gradient(net: Net, array: np.ndarray, batch: dict[str, np.ndarray]) -> np.ndarray:
    grad = np.empty_like(array)
    for index in np.ndindex(array.shape):
        old = array[index]
        array[index] = old + 1e-6
        net.forward(batch)
        up = net.loss
        array[index] = old - 1e-6
        net.forward(batch)
        array[index] = old
        grad[index] = (up - net.loss) / 2e-6
    return grad


def test_gradients_of_a_whole_net(two: Net, batch: dict[str, np.ndarray]) -> None:
    two.forward(batch)
    two.backward()
    for param in two.params:
        np.testing.assert_allclose(
            param.diff, numeric_gradient(two, param.data, batch), rtol=1e-6, atol=1e-9
        )


def test_gradients_of_several_readers_and_shared_parameters_add(
    batch: dict[str, np.ndarray],
) -> None:
    share = 'param { name: "w" } param { name: "c" }'
    text = blob("x", 5, 4) + blob("t", 5, 3) + ip("a", "x", "h", 4, share)
    text += ip("b", "h", "k", 4, share)
    text += 'layer { name: "sum" type: "Eltwise" bottom: "h" bottom: "k" top: "s" }\n'
    net = build(text + ip("c", "s", "y", 3) + LOSS)
    assert len(net.params) == 4
    assert net.layer("a").params[0] is net.layer("b").params[0]
    net.forward(batch)
    net.backward()
    for param in net.params:
        np.testing.assert_allclose(
            param.diff, numeric_gradient(net, param.data, batch), rtol=1e-5, atol=1e-9
        )


def test_in_place_over_a_layer_that_needs_its_output_stays_right(
    batch: dict[str, np.ndarray],
) -> None:
    """Caffe computes a wrong gradient here: ReLU overwrites what the sigmoid's backward reads."""
    text = TWO.replace('"TanH" bottom: "h" top: "h" }', '"Sigmoid" bottom: "h" top: "h" }')
    text = text.replace(
        ip("b", "h", "y", 3),
        'layer { name: "p" type: "Power" bottom: "h" top: "h" power_param { power: 2 } }\n'
        + ip("b", "h", "y", 3),
    )
    net = build(text)
    net.forward(batch)
    net.backward()
    weight = net.params[0]
    np.testing.assert_allclose(
        weight.diff, numeric_gradient(net, weight.data, batch), rtol=1e-5, atol=1e-9
    )


def test_gradients_add_up_until_cleared(two: Net, batch: dict[str, np.ndarray]) -> None:
    two.forward(batch)
    two.backward()
    once = two.params[0].diff.copy()
    two.forward(batch)
    two.backward()
    np.testing.assert_allclose(two.params[0].diff, 2 * once)
    two.clear_grads()
    assert not two.params[0].diff.any()


def test_loss_is_the_weighted_sum(batch: dict[str, np.ndarray]) -> None:
    second = 'layer { name: "m" type: "EuclideanLoss" bottom: "h" bottom: "h2" loss_weight: 3 }\n'
    twice = 'layer { name: "d" type: "Power" bottom: "h" top: "h2" power_param { scale: 2 } }\n'
    net = build(TWO + twice + second, keep="all")
    net.forward(batch)
    y, t, h = net.blobs["y"], batch["t"], net.blobs["h"]
    expected = ((y - t) ** 2).sum() / 10 + 3 * (h**2).sum() / 10
    assert net.loss == pytest.approx(expected)
    assert net.loss_weight == {"loss": 1.0, "(m)": 3.0}


def test_only_outputs_stay_in_memory(two: Net, batch: dict[str, np.ndarray]) -> None:
    out = two.forward(batch)
    assert set(out) == set(two.blobs) == {"loss"}
    assert two.outputs == ["loss"]
    assert two.inputs == ["x", "t"]


def test_kept_blobs_stay(batch: dict[str, np.ndarray]) -> None:
    net = build(TWO, keep=["h"])
    net.forward(batch)
    net.backward()
    assert set(net.blobs) == {"h", "loss"}
    assert net.diffs["h"].shape == (5, 6)


def test_test_phase_keeps_nothing_for_a_backward_pass(batch: dict[str, np.ndarray]) -> None:
    net = build(TWO, Phase.TEST)
    net.forward(batch)
    assert all(layer.saved is None for layer in net.layers)


def test_partial_passes(batch: dict[str, np.ndarray]) -> None:
    net = build("force_backward: true\n" + TWO, keep="all")
    net.forward(batch, end="tanh")
    assert "y" not in net.blobs
    h = net.blobs["h"].copy()
    net.forward(start="b")
    assert net.blobs["y"].shape == (5, 3)
    seed = np.zeros_like(h)
    seed[0, 0] = 1
    dx = net.backward({"h": seed}, start="tanh")["x"]
    w = net.layer("a").params[0].data
    np.testing.assert_allclose(dx[0], (1 - h[0, 0] ** 2) * w[0])
    assert not dx[1:].any()


def test_inputs_of_another_shape_reshape_the_net(two: Net) -> None:
    two.forward({"x": np.ones((2, 4)), "t": np.ones((2, 3))})
    assert two.top_shapes[4] == ((2, 3),)
    with pytest.raises(ShapeError, match=r"n.prototxt:3:1: layer 'a' \(InnerProduct\): "):
        two.forward({"x": np.ones((2, 5))})


def test_same_seed_same_weights_whatever_stands_before() -> None:
    first = build(TWO, seed=7).layer("b").params[0].data
    again = build(ip("z", "x", "q", 2).join([TWO, ""]), seed=7).layer("b").params[0].data
    other = build(TWO, seed=8).layer("b").params[0].data
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_test_net_shares_the_weights(two: Net, batch: dict[str, np.ndarray]) -> None:
    test = build(TWO, Phase.TEST, share=two)
    two.params[0].data += 1
    two.forward(batch)
    test.forward(batch)
    assert test.loss == two.loss
    with pytest.raises(ShapeError, match=r"layer 'a' .* parameters have shapes"):
        build(TWO.replace("num_output: 6", "num_output: 5"), share=two)


def test_permissive_sharing_reshapes(batch: dict[str, np.ndarray]) -> None:
    first = ip("a", "x", "h", 3, 'param { name: "w" }')
    second = 'layer { name: "b" type: "InnerProduct" bottom: "q" top: "r" param { name: "w" %s }'
    second += " inner_product_param { num_output: 4 bias_term: false } }\n"
    text = blob("x", 5, 4) + blob("q", 5, 3) + first
    net = build(text + second % "share_mode: PERMISSIVE")
    net.layer("a").params[0].data[...] = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(net.layer("b").params[0].data, np.arange(12).reshape(4, 3))
    net.layer("b").params[0].add_grad(np.ones((4, 3)))
    assert net.params[0].diff.sum() == 12
    assert len(net.params) == 2
    with pytest.raises(ShapeError, match=r"param 'w' has shape \(3, 4\) where it was declared"):
        build(text + second % "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TWO.replace("num_output: 6", "num_output: 0"),
            "n.prototxt:3:1: layer 'a' (InnerProduct): ",
        ),
        (
            blob("x", 2, 3) + ip("a", "x", "h", 2) + ip("a", "h", "y", 2),
            "n.prototxt:3:1: layer 'a' (InnerProduct): another layer with parameters has this "
            "name, n.prototxt:2:1: layer 'a' (InnerProduct); rename one",
        ),
        (
            blob("x", 2, 3)
            + ip("a", "x", "h", 2, "include { phase: TEST }")
            + ip("b", "h", "y", 2),
            "n.prototxt:3:1: layer 'b' (InnerProduct): unknown bottom 'h': "
            "n.prototxt:2:1: layer 'a' (InnerProduct), which writes it, is left out here by its "
            "include or exclude rules",
        ),
        (
            blob("x", 2, 3)
            + ip("a", "x", "h", 3, 'param { name: "w" lr_mult: 2 }')
            + ip("b", "h", "y", 3, 'param { name: "w" lr_mult: 1 }'),
            "n.prototxt:3:1: layer 'b' (InnerProduct): param 'w': lr_mult must be the same "
            "wherever it is shared; given 1 here and 2 before",
        ),
    ],
)
def test_messages_while_building(text: str, message: str) -> None:
    with pytest.raises(NetError) as error:
        build(text)
    assert str(error.value).startswith(message)


def test_messages_while_running(two: Net, batch: dict[str, np.ndarray]) -> None:
    with pytest.raises(NetError, match=r"no input 'z'; inputs: x, t"):
        two.forward({"z": batch["x"]})
    with pytest.raises(NetError, match=r"has no layer 'tan'; did you mean 'tanh'\?"):
        two.layer("tan")
    with pytest.raises(NetError, match=r"bottom 'h' is not at hand"):
        two.forward(batch, start="b")
    two.forward(batch)
    with pytest.raises(NetError, match="has no blob 'lost'; did you mean 'loss'"):
        two.backward({"lost": np.ones(())})


def test_hooks_see_every_layer(two: Net, batch: dict[str, np.ndarray]) -> None:
    seen: list[tuple[str, int]] = []
    two.before_forward.append(lambda i: seen.append(("f", i)))
    two.after_backward.append(lambda i: seen.append(("b", i)))
    two.forward(batch)
    two.backward()
    assert seen == [("f", i) for i in range(6)] + [("b", i) for i in (5, 4, 3, 2)]


def test_state_counts_passes_and_repeats_them() -> None:
    text = blob("x", 4, 50) + 'layer { name: "d" type: "Dropout" bottom: "x" top: "y" }'
    net = build(text)
    x = np.ones((4, 50))
    before = net.state()
    first = net.forward({"x": x})["y"]
    second = net.forward({"x": x})["y"]
    assert not np.array_equal(first, second)
    net.restore(before)
    np.testing.assert_array_equal(net.forward({"x": x})["y"], first)


def test_a_net_from_a_file(tmp_path: Path, batch: dict[str, np.ndarray]) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(TWO)
    net = Net(path)
    assert net.engine.dtype == np.float32
    assert net.forward(batch)["loss"].dtype == np.float32
    path.write_text(TWO.replace("num_output: 6", "num_outputs: 6"))
    with pytest.raises(NetError, match=r"net.prototxt:3:\d+: .*did you mean 'num_output'\?"):
        Net(path)

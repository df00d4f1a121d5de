"""Losses against the layers: values, gradients, what is ignored and what is divided by."""

from typing import Any

import numpy as np
import pytest

from netcfg.netcfg_pb2 import LossParameter
from tests.engines.cuda.host import HostKernels, build, check

SHAPE = (4, 5, 3, 2)
DLOSS = 1.5


def softmax(
    kernels: HostKernels, shape: tuple[int, ...], last: bool, label: Any, **options: Any
) -> tuple[Any, ...]:
    """Run loss and gradient; return total, p and dx as (N, K, ...)."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=shape) * 2
    K, rows = shape[1], values.size // shape[1]
    inner = 1 if last else rows // shape[0]
    made = np.moveaxis(values, 1, -1) if last else values
    x, p, dx = kernels.array(made), kernels.empty(made.shape), kernels.empty(made.shape)
    label = kernels.array(label.reshape(-1), kernels.acc)
    loss, weight = kernels.empty(rows, kernels.acc), kernels.empty(rows, kernels.acc)
    total, dloss = kernels.empty(2, kernels.acc), kernels.array([DLOSS], kernels.acc)
    weights = options.get("weights")
    weights = None if weights is None else kernels.array(weights, kernels.acc)
    target = options.get("target", (1, 0))
    ignore = ("ignore" in options, options.get("ignore", 0))
    width, counted = 8, options.get("counted", 0)
    args = (x, label, weights, p, loss, weight, rows, K, inner, width, *ignore, *target, counted)
    kernels.run("softmax_loss", (-(-rows * width // 64),), (64,), *args)
    fixed = options.get("fixed", 0)
    kernels.run("loss_total", (1,), (256,), loss, weight, total, rows, fixed)
    args = (p, label, weights, dx, rows, K, inner, *ignore, *target, dloss, total)
    kernels.each("softmax_loss_grad", rows * K, *args)
    back = (lambda a: np.moveaxis(a, -1, 1)) if last else (lambda a: a)
    return back(x).astype(np.float64), total, back(p), back(dx)


SOFTMAX: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("", {}),
    "ignore": ("loss_param { ignore_label: 2 }", {"ignore": 2}),
    "full": (
        "loss_param { ignore_label: 1 normalization: FULL }",
        {"ignore": 1, "fixed": 24},
    ),
    "batch": ("loss_param { normalization: BATCH_SIZE }", {"fixed": 4}),
    "none": ("loss_param { normalization: NONE }", {"fixed": 1}),
    "smooth": ("loss_param { label_smoothing: 0.25 }", {"target": (0.75 + 0.05, 0.05)}),
    "weights counted": (
        "softmax_param { class_weight: [1, 2, 0.5, 4, 3] }",
        {"weights": [1, 2, 0.5, 4, 3], "counted": 1},
    ),
    "weights": (
        "loss_param { weight_by_label_freqs: true class_weighting: [1, 2, 0.5, 4, 3] }",
        {"weights": [1, 2, 0.5, 4, 3]},
    ),
}


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("case", SOFTMAX)
def test_softmax(kernels: HostKernels, case: str, last: bool) -> None:
    text, options = SOFTMAX[case]
    rng = np.random.default_rng(4)
    label = rng.integers(0, 5, (4, 1, 3, 2)) + 0.25  # fractions are cut off
    x, total, p, dx = softmax(kernels, SHAPE, last, label, **options)
    layer = build(f'type: "SoftmaxWithLoss" {text}', SHAPE, label.shape)
    expected = layer.forward(x, label)
    np.testing.assert_allclose(total[0], expected, rtol=2e-6)
    check(kernels, p, layer.saved[0], 4)
    expected_dx = layer.backward(np.array(DLOSS))[0]
    atol = 8 * float(np.abs(expected_dx).max()) * {2: 1e-2, 4: 1e-6, 8: 1e-14}[dx.itemsize]
    np.testing.assert_allclose(dx.astype(np.float64), expected_dx, rtol=2e-2, atol=atol)


def test_a_label_out_of_range_reaches_the_loss(exact: HostKernels) -> None:
    _, total, _, dx = softmax(exact, (2, 3), True, np.array([1.0, 3]))
    assert np.isnan(total[0])
    assert not np.isnan(dx[0]).any() or np.isnan(dx).all()


def test_all_ignored_is_0(exact: HostKernels) -> None:
    _, total, _, dx = softmax(exact, (2, 3), True, np.array([7.0, 7]), ignore=7)
    assert total.tolist() == [0, 1]
    assert (dx == 0).all()


@pytest.mark.parametrize(
    ("text", "ignore", "fixed"),
    [
        ("", None, 3),
        ("loss_param { ignore_label: 1 normalization: VALID }", 1, 0),
        ("loss_param { ignore_label: 0 normalization: FULL }", 0, 300),
    ],
)
def test_sigmoid(kernels: HostKernels, text: str, ignore: int | None, fixed: float) -> None:
    shape = (3, 100)
    rng = np.random.default_rng(1)
    x, t = kernels.array(rng.normal(size=shape) * 5), rng.integers(0, 5, shape) / 4
    given = kernels.array(t, kernels.acc)
    n, blocks = x.size, 2
    loss, weight = (kernels.empty(blocks, kernels.acc) for _ in range(2))
    total, dloss = kernels.empty(2, kernels.acc), kernels.array([DLOSS], kernels.acc)
    dx = kernels.empty(shape)
    rule = (ignore is not None, ignore or 0)
    kernels.run("sigmoid_loss", (blocks,), (64,), x, given, loss, weight, n, *rule)
    kernels.run("loss_total", (1,), (32,), loss, weight, total, blocks, fixed)
    kernels.each("sigmoid_loss_grad", n, x, given, dx, n, *rule, dloss, total)
    layer = build(f'type: "SigmoidCrossEntropyLoss" {text}', shape, shape)
    assert fixed or layer.config.loss_param.normalization == LossParameter.VALID
    np.testing.assert_allclose(total[0], layer.forward(x.astype(np.float64), t), rtol=2e-6)
    expected = layer.backward(np.array(DLOSS))[0]
    np.testing.assert_allclose(dx.astype(np.float64), expected, rtol=1e-2, atol=1e-4 / n)


def test_euclidean(kernels: HostKernels) -> None:
    rng = np.random.default_rng(1)
    a, b = (kernels.array(rng.normal(size=(4, 33))) for _ in range(2))
    diff, dx = kernels.empty(a.shape), kernels.empty(a.shape)
    loss, total = kernels.empty(2, kernels.acc), kernels.empty(2, kernels.acc)
    dloss = kernels.array([DLOSS], kernels.acc)
    kernels.run("euclidean_loss", (2,), (64,), a, b, diff, loss, a.size)
    kernels.run("loss_total", (1,), (32,), loss, None, total, 2, 4)
    kernels.each("loss_scaled", a.size, diff, dx, a.size, 1, dloss, total)
    layer = build('type: "EuclideanLoss"', a.shape, b.shape)
    expected = layer.forward(a.astype(np.float64), b.astype(np.float64))
    np.testing.assert_allclose(total[0], expected, rtol=2e-6)
    check(kernels, dx, layer.backward(np.array(DLOSS))[0], 6)

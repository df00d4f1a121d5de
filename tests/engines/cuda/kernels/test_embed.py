"""Rows of a table, against Embed."""

import numpy as np

from tests.engines.cuda.host import HostKernels, build, check


def test_is_the_layer(kernels: HostKernels) -> None:
    text = 'type: "Embed" embed_param { num_output: 5 input_dim: 7 weight_filler { type: "xavier" }'
    layer = build(text + ' bias_filler { type: "uniform" } }', (3, 4))
    rng = np.random.default_rng(0)
    index = rng.integers(0, 7, (3, 4)).astype(np.float64)
    w, b = (kernels.array(p.data, kernels.acc) for p in layer.params)
    rows = kernels.array(index, kernels.acc)
    y, dw = kernels.empty((3, 4, 5)), kernels.array(np.ones((7, 5)), kernels.acc)
    dy = kernels.array(rng.normal(size=(3, 4, 5)))
    kernels.each("embed", y.size, rows, w, b, y, 12, 7, 5)
    check(kernels, y, layer.forward(index))
    layer.backward(dy.astype(np.float64))
    kernels.run("embed_grad", (12,), (32,), rows, dy, dw, 12, 7, 5)
    np.testing.assert_allclose(dw - 1, layer.params[0].diff, rtol=1e-5, atol=1e-6)


def test_no_such_row_is_nan(exact: HostKernels) -> None:
    w, y = exact.array(np.ones((2, 3))), exact.empty((2, 3))
    exact.each("embed", 6, exact.array([1.0, 2]), w, None, y, 2, 2, 3)
    np.testing.assert_array_equal(y, [[1] * 3, [np.nan] * 3])


def test_a_row_out_of_range_teaches_nothing(exact: HostKernels) -> None:
    dw, dy = exact.array(np.zeros((2, 1))), exact.array([[1.0], [2], [4]])
    exact.run("embed_grad", (3,), (32,), exact.array([0.0, 5, 1]), dy, dw, 3, 2, 1)
    assert dw.tolist() == [[1], [4]]

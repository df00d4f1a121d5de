"""The lines of debug_info: what they say is what the blobs hold, in Caffe's words."""

import re

import numpy as np

from netcfg.debug_info import forward_lines, mean_abs, norms_line, update_lines, watch
from tests.test_net import LOSS, blob, build, ip

NET = blob("x", 5, 4) + blob("t", 5, 3) + ip("a", "x", "h", 6, 'param { name: "w" }')
NET += 'layer { name: "relu" type: "ReLU" bottom: "h" top: "h" }\n'
NET += ip("b", "h", "y", 3, "param { lr_mult: 0 }") + LOSS
PATTERN = re.compile(r"    \[(Forward|Backward)\] Layer (\w+), (\w+) blob (\w+) (data|diff): (\S+)")


def batch() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {"x": rng.normal(size=(5, 4)), "t": rng.normal(size=(5, 3))}


def test_lines_of_both_passes() -> None:
    with build(NET) as net:
        lines: list[str] = []
        stop = watch(net, lines.append)
        net.forward(batch())
        net.backward()
        stop()
        net.forward(batch())
    *each, last = lines
    found = [match.groups() for match in map(PATTERN.fullmatch, each) if match]
    assert len(found) == len(each)
    assert [item[:5] for item in found] == [
        ("Forward", "x", "top", "x", "data"),
        ("Forward", "t", "top", "t", "data"),
        ("Forward", "a", "top", "h", "data"),
        ("Forward", "a", "param", "w", "data"),
        ("Forward", "a", "param", "1", "data"),
        ("Forward", "relu", "top", "h", "data"),
        ("Forward", "b", "top", "y", "data"),
        ("Forward", "b", "param", "0", "data"),
        ("Forward", "b", "param", "1", "data"),
        ("Forward", "loss", "top", "loss", "data"),
        ("Backward", "loss", "bottom", "y", "diff"),
        ("Backward", "b", "bottom", "h", "diff"),
        ("Backward", "b", "param", "1", "diff"),
        ("Backward", "relu", "bottom", "h", "diff"),
        ("Backward", "a", "param", "0", "diff"),
        ("Backward", "a", "param", "1", "diff"),
    ]
    assert last.startswith("    [Backward] All net params (data, diff): L1 norm = (")


def test_numbers() -> None:
    """Forward and backward of two inner products and a ReLU between them, by hand."""
    with build(NET) as net:
        lines: list[str] = []
        watch(net, lines.append)
        net.forward(batch())
        net.backward()
        (w, b), (v, c) = net.weights()["a"], net.weights()["b"]
    x, t = batch().values()
    h = x @ w.T + b
    r = np.maximum(h, 0)
    dy = (r @ v.T + c - t) / 5
    dr = dy @ v
    dh = dr * (h > 0)
    means = [float(match[6]) for match in map(PATTERN.fullmatch, lines) if match]
    arrays = [x, t, h, w, b, r, r @ v.T + c, v, c, ((r @ v.T + c - t) ** 2).sum() / 10]
    arrays += [dy, dr, dy.sum(axis=0), dh, dh.T @ x, dh.sum(axis=0)]
    np.testing.assert_allclose(means, [np.mean(np.abs(a)) for a in arrays], rtol=1e-5)


def test_tops_of_in_place_layers_are_those_of_this_pass() -> None:
    with build(NET, keep="all") as net:
        for factor in (1, 3):
            lines: list[str] = []
            stop = watch(net, lines.append)
            net.forward({name: array * factor for name, array in batch().items()})
            stop()
            h = np.abs(factor * batch()["x"] @ net.params[0].data.T).mean()
            assert lines[2] == f"    [Forward] Layer a, top blob h data: {h:g}"


def test_norms() -> None:
    with build(NET) as net:
        net.params[0].add_grad(np.full(net.params[0].shape, -2.0))
        for param in net.params:
            param.data[...] = 0
        net.params[1].data[...] = 3
        assert norms_line(net.params) == (
            "    [Backward] All net params (data, diff): L1 norm = (18, 48); "
            f"L2 norm = ({np.sqrt(54):g}, {np.sqrt(96):g})"
        )


def test_updates_name_owners_only() -> None:
    shared = ip("b", "x", "y", 6, 'param { name: "w" }')
    with build(blob("x", 5, 4) + ip("a", "x", "h", 6, 'param { name: "w" }') + shared) as net:
        for i, param in enumerate(net.params):
            param.diff[...] = -i
        assert list(update_lines(net, [7.0, 8.0, 9.0])) == [
            "    [Update] Layer a, param w data: 7; diff: 0",
            "    [Update] Layer a, param 1 data: 8; diff: 1",
            "    [Update] Layer b, param 1 data: 9; diff: 2",
        ]


def test_empty_arrays() -> None:
    assert mean_abs(np.zeros((0, 3))) == 0
    with build(blob("x", 0, 3)) as net:
        net.forward({"x": np.zeros((0, 3))})
        assert list(forward_lines(net, 0)) == ["    [Forward] Layer x, top blob x data: 0"]

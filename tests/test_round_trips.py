"""What goes through a file comes back as it was: random weights, old nets and snapshots.

Random messages through the printer and the parser stand in ``test_prototxt_printer.py``, random
.caffemodel files as netcfg writes them in ``io/test_caffemodel.py``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netcfg.io.caffemodel import StoredLayer, read_weights
from netcfg.io.hdf5 import write_weights_hdf5
from netcfg.net import Net
from netcfg.netcfg_pb2 import BlobProto, NetParameter
from netcfg.prototxt_printer import to_text
from netcfg.schema import parse_net
from netcfg.solver.solver import Solver
from tests.solver.toy import make_project

few = settings(max_examples=25, deadline=None, derandomize=True)

# Weights ---------------------------------------------------------------------------------------

ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.float64]),
    hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4),
    elements=st.floats(-1e6, 1e6, width=32),
)


@few
@given(arrays=st.lists(ARRAYS, min_size=1, max_size=3), age=st.sampled_from(["V0", "V1", "now"]))
def test_weights_with_four_axes(
    tmp_path_factory: pytest.TempPathFactory, arrays: list[np.ndarray], age: str
) -> None:
    """As files before 2014 have them: a field for each of four axes."""
    net = NetParameter()
    old = net.layers.add() if age != "now" else None
    layer = net.layer.add() if old is None else old.layer if age == "V0" else old
    layer.name = "ip"
    for array in arrays:
        axes = (1,) * (4 - array.ndim) + array.shape
        field = "double_data" if array.dtype == np.float64 else "data"
        blob = BlobProto(num=axes[0], channels=axes[1], height=axes[2], width=axes[3])
        getattr(blob, field).extend(array.ravel().tolist())
        layer.blobs.append(blob)
    path = tmp_path_factory.getbasetemp() / "old.caffemodel"
    path.write_bytes(net.SerializeToString())
    for got, want in zip(read_weights(path)["ip"], arrays, strict=True):
        assert got is not None
        assert (got.ndim, got.dtype) == (4, want.dtype)
        np.testing.assert_array_equal(got.reshape(want.shape), want)


NAMES = st.lists(st.text("ab/é ", min_size=1, max_size=3), min_size=1, max_size=4, unique=True)


@few
@given(data=st.data(), names=NAMES)
def test_weights_in_hdf5(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, names: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.h5"
    layers = []
    for name in {"/".join(part for part in name.split("/") if part) for name in names} - {""}:
        blobs = data.draw(st.lists(ARRAYS, max_size=3))
        shared = data.draw(st.sets(st.integers(0, 2)))
        layers.append(StoredLayer(name, "T", blobs=blobs, diffs=blobs, shared=shared))
    write_weights_hdf5(path, "n", layers)
    weights = read_weights(path)
    for layer in layers:
        got = weights[layer.name]
        own = [None if i in layer.shared else blob for i, blob in enumerate(layer.blobs)]
        while own and own[-1] is None:
            own.pop()
        for mine, theirs in zip(got, own, strict=True):
            assert (mine is None) == (theirs is None)
            if mine is not None and theirs is not None:
                assert mine.dtype == theirs.dtype
                np.testing.assert_array_equal(mine, theirs)


# Old nets --------------------------------------------------------------------------------------

TYPES = {  # today, V1, V0
    "conv": ("Convolution", "CONVOLUTION", "conv"),
    "pool": ("Pooling", "POOLING", "pool"),
    "ip": ("InnerProduct", "INNER_PRODUCT", "innerproduct"),
    "relu": ("ReLU", "RELU", "relu"),
    "dropout": ("Dropout", "DROPOUT", "dropout"),
    "lrn": ("LRN", "LRN", "lrn"),
}
BLOCKS = {
    "conv": "convolution_param",
    "pool": "pooling_param",
    "ip": "inner_product_param",
    "dropout": "dropout_param",
    "lrn": "lrn_param",
}
V0_WORDS = {"kernel_size": "kernelsize", "bias_term": "biasterm"}
FILLER = '{ type: "gaussian" std: 0.5 }'
SETTINGS = {
    "conv": {
        "num_output": ["1", "6"],
        "pad": ["1"],
        "kernel_size": ["1", "3"],
        "group": ["1"],
        "stride": ["2"],
        "weight_filler": [FILLER],
        "bias_term": ["false"],
    },
    "pool": {"pool": ["MAX", "AVE"], "kernel_size": ["2"], "stride": ["1", "2"]},
    "ip": {"num_output": ["3"], "weight_filler": [FILLER], "bias_filler": [FILLER]},
    "relu": {},
    "dropout": {"dropout_ratio": ["0.25"]},
    "lrn": {"local_size": ["3"], "alpha": ["0.5"], "beta": ["0.25"]},
}
NEEDED = {"num_output", "kernel_size"}


@dataclass
class Old:
    """A layer that each age can say."""

    kind: str
    fields: dict[str, str]
    rates: list[tuple[str, str]]

    def text(self, age: str, index: int, bottom: str, top: str) -> str:
        """Return it as a net of an age has it."""
        today, v1, v0 = TYPES[self.kind]
        ends = f'bottom: "{bottom}" top: "{top}"'
        body = " ".join(f"{name}: {value}" for name, value in self.fields.items())
        block = f"{BLOCKS[self.kind]} {{ {body} }}" if body else ""
        if age == "now":
            rates = " ".join(f"param {{ lr_mult: {r} decay_mult: {d} }}" for r, d in self.rates)
            return f'layer {{ name: "l{index}" type: "{today}" {ends} {rates} {block} }}\n'
        rates = " ".join(f"blobs_lr: {r}" for r, _ in self.rates)
        rates += "".join(f" weight_decay: {d}" for _, d in self.rates)
        if age == "V1":
            return f'layers {{ name: "l{index}" type: {v1} {ends} {rates} {block} }}\n'
        body = " ".join(f"{V0_WORDS.get(name, name)}: {v}" for name, v in self.fields.items())
        return f'layers {{ layer {{ name: "l{index}" type: "{v0}" {body} {rates} }} {ends} }}\n'


@st.composite
def old_layers(draw: st.DrawFn) -> Old:
    kind = draw(st.sampled_from(sorted(SETTINGS)))
    fields = {
        name: draw(st.sampled_from(values))
        for name, values in SETTINGS[kind].items()
        if name in NEEDED or draw(st.booleans())
    }
    count = draw(st.integers(0, 2)) if kind in ("conv", "ip") else 0
    if fields.get("bias_term") == "false":
        count = min(count, 1)
    rates = draw(st.lists(st.sampled_from([("1", "0"), ("2", "0.5")]), max_size=count))
    return Old(kind, fields, rates)


def net_text(layers: list[Old], age: str) -> str:
    if age == "now":
        shape = "shape { dim: 2 dim: 3 dim: 16 dim: 16 }"
        text = f'layer {{ name: "input" type: "Input" top: "x" input_param {{ {shape} }} }}\n'
    else:
        text = 'input: "x" input_dim: 2 input_dim: 3 input_dim: 16 input_dim: 16\n'
    blob = "x"
    for i, layer in enumerate(layers):
        # what comes after an inner product has no planes any more
        flat = any(before.kind == "ip" for before in layers[:i])
        if flat and layer.kind in ("conv", "pool", "lrn"):
            continue
        top = blob if layer.kind in ("relu", "dropout") and i else f"t{i}"
        text += layer.text(age, i, blob, top)
        blob = top
    return text


@few
@given(layers=st.lists(old_layers(), min_size=1, max_size=4))
def test_nets_of_all_ages_are_the_same_net(layers: list[Old]) -> None:
    nets = {age: parse_net(net_text(layers, age)).message for age in ("now", "V1", "V0")}
    current = to_text(nets["now"])
    assert current.count("layer {") >= 2
    assert to_text(nets["V1"]) == to_text(nets["V0"]) == current
    # and what an upgrade prints is current
    assert to_text(parse_net(current).message) == current
    with Net(nets["now"], seed=3) as new, Net(nets["V0"], seed=3) as old:
        for mine, theirs in zip(new.params, old.params, strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)
            assert (mine.lr_mult, mine.decay_mult) == (theirs.lr_mult, theirs.decay_mult)


# Snapshots -------------------------------------------------------------------------------------

DATA = """
name: "random"
layer { name: "data" type: "HDF5Data" top: "data" top: "label"
        hdf5_data_param { source: "list.txt" batch_size: 5 shuffle: true } }
"""
BODY = {
    "conv": 'type: "Convolution" top: "h" param { name: "w" } convolution_param { num_output: 2 '
    'kernel_size: 3 pad: 1 weight_filler { type: "xavier" } }',
    "norm": 'type: "BatchNorm" top: "h"',
    "drop": 'type: "Dropout" top: "h"',
    "prelu": 'type: "PReLU" top: "h"',
}
END = """
layer { name: "ip" type: "InnerProduct" bottom: "h" top: "ip"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
RULES = [
    *('type: "SGD" momentum: 0.9', 'type: "Nesterov" momentum: 0.5', 'type: "AdaGrad" momentum: 0'),
    *('type: "RMSProp" rms_decay: 0.9 momentum: 0', 'type: "AdaDelta" delta: 1e-6'),
    'type: "Adam" momentum: 0.9',
]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    body=st.lists(st.sampled_from(sorted(BODY)), min_size=1, max_size=4),
    rule=st.sampled_from(RULES),
    more=st.sampled_from(["", "iter_size: 2", "clip_gradients: 0.1", "snapshot_diff: true"]),
    kind=st.sampled_from(["HDF5", "BINARYPROTO"]),
    steps=st.integers(0, 6),
)
def test_the_next_step_after_a_snapshot(
    tmp_path_factory: pytest.TempPathFactory,
    body: list[str],
    rule: str,
    more: str,
    kind: str,
    steps: int,
) -> None:
    folder: Path = tmp_path_factory.mktemp("random")
    net, blob = DATA, "data"
    for i, part in enumerate(body):
        net += f'layer {{ name: "{part}{i}" bottom: "{blob}" {BODY[part]} }}\n'
        blob = "h"
    fields = f"{rule} {more} snapshot_format: {kind} stepsize: 2 test_interval: 100"
    path = make_project(folder, f"{fields} test_initialization: false", net + END)
    with Solver(path, out=folder) as one, Solver(path, out=folder, seed=9) as two:
        one.step(steps)
        two.restore(one.snapshot()[1])
        for solver in (one, two):
            solver.step(1)
        assert one.losses == two.losses
        assert one.iter == two.iter == steps + 1
        for mine, theirs in zip(one.train_net.params, two.train_net.params, strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)
        for mine, theirs in zip(one.updater.history, two.updater.history, strict=True):
            np.testing.assert_array_equal(mine, theirs)

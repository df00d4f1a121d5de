"""A small net on random data, with all that makes resuming hard: shuffling, dropout, statistics."""

from pathlib import Path

import h5py
import numpy as np

NET = """
name: "toy"
layer { name: "data" type: "HDF5Data" top: "data" top: "label" include { phase: TRAIN }
        hdf5_data_param { source: "list.txt" batch_size: 4 shuffle: true } }
layer { name: "data" type: "HDF5Data" top: "data" top: "label" include { phase: TEST }
        hdf5_data_param { source: "list.txt" batch_size: 3 shuffle: true } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 }
        param { lr_mult: 2 decay_mult: 0 }
        convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
        include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

SOLVER = """
net: "net.prototxt" base_lr: 0.05 momentum: 0.9 weight_decay: 0.001 lr_policy: "step" gamma: 0.5
stepsize: 7 max_iter: 20 display: 5 average_loss: 3 test_iter: 2 test_interval: 6 snapshot: 0
snapshot_prefix: "snap" solver_mode: CPU random_seed: 5
"""

LINEAR = """
name: "linear"
layer { name: "data" type: "Input" top: "x" top: "t" input_param { shape { dim: 4 dim: 2 }
        shape { dim: 4 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" param { lr_mult: 1 decay_mult: 1 }
        param { lr_mult: 2 decay_mult: 0 } inner_product_param { num_output: 1
        weight_filler { type: "constant" value: 0.5 } bias_filler { type: "constant" value: 1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
"""A net whose gradients can be written down."""


def make_project(folder: Path, solver: str = "", net: str = NET) -> Path:
    """Write data, net and solver to a folder; return the solver's file.

    ``solver`` overrides single fields of SOLVER.
    """
    rng = np.random.default_rng(0)
    with h5py.File(folder / "rows.h5", "w") as file:
        file["data"] = rng.normal(size=(22, 2, 6, 6)).astype(np.float32)
        file["label"] = rng.integers(0, 3, 22).astype(np.float32)
    (folder / "list.txt").write_text("rows.h5\n")
    (folder / "net.prototxt").write_text(net)
    path = folder / "solver.prototxt"
    path.write_text(change(SOLVER, solver))
    return path


def change(text: str, fields: str) -> str:
    """Return ``text`` without the fields that ``fields`` gives, followed by these."""
    given = {word for word in fields.split() if word.endswith(":")}
    words = text.split()
    kept = []
    for name, value in zip(words[::2], words[1::2], strict=True):
        if name not in given:
            kept += [name, value]
    return " ".join(kept) + "\n" + fields + "\n"

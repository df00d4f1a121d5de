"""After its first steps a net takes no more memory."""

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from netcfg.engines.onednn.engine import OneDNN
from netcfg.solver import Solver

NET = """
layer { name: "data" type: "Input" top: "x" top: "t"
        input_param { shape { dim: 8 dim: 3 dim: 16 dim: 16 } shape { dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
        convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "y" top: "y" }
layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
layer { name: "pool" type: "Pooling" bottom: "y" top: "z"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "z" top: "s" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "t" top: "loss" }
"""


def test_a_training_step_allocates_nothing_that_stays(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 display: 0')
    solver = Solver(path, out=tmp_path)
    engine = solver.train_net.engine
    if not isinstance(engine, OneDNN):
        pytest.skip("the engine counts its blocks only with oneDNN")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 3, 16, 16)).astype(np.float32)
    t = rng.integers(0, 5, 8).astype(np.float32)
    solver.feed = lambda: {"x": x, "t": t}
    solver.step(3)
    gc.collect()
    blocks = engine.allocated
    tracemalloc.start()
    try:
        solver.step(5)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        solver.step(20)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert engine.allocated == blocks
    assert after - before < 16 << 10, "bytes that 20 steps left behind"

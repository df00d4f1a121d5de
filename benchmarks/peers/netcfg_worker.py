"""Runs a net in netcfg, a step whenever it is told to."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import nets
from benchmarks.peers.turns import check_output, read_reference, serve
from netcfg import Net, Phase, Solver
from netcfg.engines import Engine, get_engine, threads
from netcfg.netcfg_pb2 import NetParameter, SolverParameter
from netcfg.schema import parse_net

LSTM = """
layer { name: "in" type: "Input" top: "data" top: "cont" top: "y"
  input_param { shape { dim: 32 dim: 32 dim: 256 } shape { dim: 32 dim: 32 }
                shape { dim: 32 dim: 32 dim: 256 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "x"
  inner_product_param { num_output: 256 axis: 2 weight_filler { type: "xavier" } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
  recurrent_param { num_output: 256 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "h" bottom: "y" top: "loss" }
"""


def build(job: dict[str, Any]) -> Callable[[], Any]:
    """Return a function that makes one step."""
    threads.set_count(job["threads"])
    engine = get_engine(job["engine"], storage="bfloat16" if job["bfloat16"] else "float32")
    rng = np.random.default_rng(0)
    if job["net"] == "LSTM":
        cont = np.ones((32, 32), np.float32)
        cont[0] = 0
        shape = (32, 32, 256)
        x, y = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        return train(parse_net(LSTM).message, engine, {"data": x, "cont": cont, "y": y}, {})
    batch, *_ = shape = job["shape"]
    weights = check(job, engine)
    x = rng.standard_normal(shape, dtype=np.float32)
    if job["train"]:
        label = rng.integers(0, 10, batch).astype(np.float32)
        config = nets.make(job["net"], batch, True)
        return train(config, engine, {"data": x, "label": label}, weights)
    net = Net(nets.make(job["net"], batch, False), Phase.TEST, engine=engine)
    net.load(weights)
    return lambda: net.forward({"data": x})


def check(job: dict[str, Any], engine: Engine) -> dict[str, list[np.ndarray]]:
    """Return the weights of the job, none where it brings none, after a look at what they give.

    Raises:
        SystemExit: the output is not the reference's.
    """
    reference = read_reference(job)
    weights: dict[str, list[np.ndarray]] = {}
    for key, array in reference.items():
        layer, slash, _ = key.rpartition("/")
        if slash:
            weights.setdefault(layer, []).append(array)
    if reference and not job["bfloat16"]:
        with Net(nets.make(job["net"], job["shape"][0], False), Phase.TEST, engine=engine) as net:
            net.load(weights)
            check_output(
                engine.to_numpy(net.forward({"data": reference["data"]})["prob"]), reference
            )
    return weights


def train(
    config: NetParameter,
    engine: Engine,
    batch: dict[str, np.ndarray],
    weights: dict[str, list[np.ndarray]],
) -> Callable[[], Any]:
    """Return a step of a solver on one batch in memory."""
    param = SolverParameter(
        net_param=config,
        base_lr=0.001,
        lr_policy="fixed",
        momentum=0.9,
        weight_decay=5e-4,
        max_iter=1 << 30,
        display=0,
    )
    solver = Solver(param, engine=engine, out=Path(tempfile.gettempdir()))
    solver.train_net.load(weights)
    solver.feed = lambda: batch
    return lambda: solver.step(1)


if __name__ == "__main__":
    serve(build)

"""Runs a net in netcfg, a step whenever it is told to; the counterpart of ``torch_worker.py``."""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from netcfg import Net, Phase, Solver
from netcfg.engines import get_engine, threads
from netcfg.netcfg_pb2 import SolverParameter
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
    if job["variant"] == "lstm":
        cont = np.ones((32, 32), np.float32)
        cont[0] = 0
        shape = (32, 32, 256)
        x, y = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        return train(parse_net(LSTM).message, engine, {"data": x, "cont": cont, "y": y})
    config = parse_net(job["net"]).message
    x = rng.standard_normal(job["shape"], dtype=np.float32)
    if job["train"]:
        label = rng.integers(0, job["classes"], len(x)).astype(np.float32)
        return train(config, engine, {"data": x, "label": label})
    net = Net(config, Phase.TEST, engine=engine)
    return lambda: net.forward({"data": x})


def train(config: Any, engine: Any, batch: dict[str, np.ndarray]) -> Callable[[], Any]:
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
    solver = Solver(param, engine=engine, out=Path(tempfile.mkdtemp()))
    solver.feed = lambda: batch
    return lambda: solver.step(1)


def main() -> None:
    """Answer each step with milliseconds, preemptions and the most memory so far."""
    step = build(json.loads(sys.stdin.readline()))
    for _ in range(3):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
            start = time.perf_counter()
            step()
            spent = (time.perf_counter() - start) * 1e3
            usage = resource.getrusage(resource.RUSAGE_SELF)
            print(spent, usage.ru_nivcsw - before, usage.ru_maxrss, flush=True)


if __name__ == "__main__":
    main()

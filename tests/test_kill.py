"""kill -9 at any moment, then ``--snapshot auto``: the weights end up the same, byte for byte."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import lmdb
import numpy as np
import pytest

from netcfg.netcfg_pb2 import Datum

RUNS = [("BINARYPROTO", run) for run in range(20)] + [("HDF5", run) for run in range(8)]
FINAL = {"BINARYPROTO": "snap_iter_120.caffemodel", "HDF5": "snap_iter_120.caffemodel.h5"}

NET = """
layer {
  name: "data" type: "Data" top: "data" top: "label"
  transform_param { scale: 0.00390625 mirror: true crop_size: 10 }
  data_param { source: "records" backend: LMDB batch_size: 16 rand_skip: 5 }
  include { phase: TRAIN }
}
layer {
  name: "data" type: "Data" top: "data" top: "label"
  transform_param { scale: 0.00390625 mirror: true crop_size: 10 }
  data_param { source: "records" backend: LMDB batch_size: 8 }
  include { phase: TEST }
}
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

SOLVER = """
net: "net.prototxt" type: "Adam" base_lr: 0.01 momentum: 0.9 lr_policy: "step" gamma: 0.7
stepsize: 30 max_iter: 120 iter_size: 2 average_loss: 5 display: 10 test_iter: 2 test_interval: 25
snapshot: 7 snapshot_prefix: "snap" random_seed: 11 solver_mode: CPU
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    rng = np.random.default_rng(0)
    env = lmdb.open(str(folder / "records"), map_size=1 << 24)
    with env.begin(write=True) as txn:
        for i in range(50):
            pixels = rng.integers(0, 256, 3 * 12 * 12, np.uint8).tobytes()
            datum = Datum(channels=3, height=12, width=12, data=pixels, label=i % 4)
            txn.put(f"{i:08d}".encode(), datum.SerializeToString())
    env.close()
    (folder / "net.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(SOLVER)
    return folder


def start(folder: Path, out: str, kind: str, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "netcfg", "train", "solver.prototxt", "--out", out, *options]
    command += ["--set", f"snapshot_format={kind}"]
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def finish(process: "subprocess.Popen[bytes]") -> None:
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()


@pytest.fixture(scope="module")
def uninterrupted(project: Path) -> tuple[dict[str, bytes], float]:
    """Return the final weights of runs that nobody kills, and how long one took."""
    weights = {}
    for kind, name in FINAL.items():
        begin = time.monotonic()
        finish(start(project, kind, kind))
        weights[kind] = (project / kind / name).read_bytes()
    return weights, time.monotonic() - begin


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "run"), RUNS)
def test_killed_and_resumed(
    kind: str, run: int, project: Path, uninterrupted: tuple[dict[str, bytes], float]
) -> None:
    expected, seconds = uninterrupted
    out = f"killed{kind}{run}"
    process = start(project, out, kind)
    time.sleep(random.Random(run).uniform(0.1, 0.95) * seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finish(start(project, out, kind, "--snapshot", "auto"))
    assert (project / out / FINAL[kind]).read_bytes() == expected[kind]

"""Write a loss layer in Python and train with it, checked against Caffe's own.

    python -m netcfg.pycaffe examples/pycaffe/10_euclidean_python_layer.py

The layer is in pyloss.py, beside this file. Two nets learn the same line from the same points with
the same first weights: one with the layer in Python, one with EuclideanLoss. Losses, gradients and
weights must agree at every step.
"""

import argparse
import tempfile
from pathlib import Path

import caffe
import numpy as np
from caffe import layers as L


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=200, help="steps of training")
    parser.add_argument("--batch", type=int, default=32, help="points in each step")
    return parser.parse_args()


def regression_net(batch, in_python):
    n = caffe.NetSpec()
    n.x = L.Input(shape={"dim": [batch, 3]})
    n.y = L.Input(shape={"dim": [batch, 2]})
    n.ip = L.InnerProduct(n.x, num_output=2, weight_filler={"type": "xavier"})
    if in_python:
        # Layers in Python have no loss weight unless it is given: without it nothing is learnt.
        n.loss = L.Python(n.ip, n.y, module="pyloss", layer="EuclideanLossLayer", loss_weight=1)
    else:
        n.loss = L.EuclideanLoss(n.ip, n.y)
    return n.to_proto()


def make_solver(folder, batch, in_python):
    folder.mkdir()
    (folder / "net.prototxt").write_text(str(regression_net(batch, in_python)))
    (folder / "solver.prototxt").write_text(
        f'net: "{folder / "net.prototxt"}" base_lr: 0.1 lr_policy: "fixed" momentum: 0.5\n'
        "random_seed: 1"
    )
    return caffe.SGDSolver(str(folder / "solver.prototxt"))


def furthest(a, b):
    """Return the greatest difference between two arrays."""
    return float(np.abs(a - b).max())


def main():
    args = arguments()
    random = np.random.default_rng(1)
    slope, offset = random.normal(size=(2, 3)), random.normal(size=2)
    with tempfile.TemporaryDirectory() as folder:
        ours = make_solver(Path(folder, "python"), args.batch, in_python=True)
        theirs = make_solver(Path(folder, "caffe"), args.batch, in_python=False)
        for mine, other in zip(ours.net.params["ip"], theirs.net.params["ip"], strict=True):
            mine.data[...] = other.data

        worst = {"loss": 0.0, "gradient": 0.0, "weights": 0.0}
        for i in range(args.iterations):
            x = random.normal(size=(args.batch, 3))
            y = x @ slope.T + offset + 0.1 * random.normal(size=(args.batch, 2))
            for solver in (ours, theirs):
                solver.net.blobs["x"].data[...] = x
                solver.net.blobs["y"].data[...] = y
                solver.step(1)
            a, b = ours.net, theirs.net
            loss = float(b.blobs["loss"].data)
            worst["loss"] = max(worst["loss"], abs(a.blobs["loss"].data.item() - loss))
            worst["gradient"] = max(
                worst["gradient"], furthest(a.blobs["ip"].diff, b.blobs["ip"].diff)
            )
            for mine, other in zip(a.params["ip"], b.params["ip"], strict=True):
                worst["weights"] = max(worst["weights"], furthest(mine.data, other.data))
            if i % max(1, args.iterations // 5) == 0:
                print(f"iteration {i}: loss {loss:.6f}")

        for what, difference in worst.items():
            print(f"greatest difference in {what}: {difference:.2g}")
        learnt = furthest(ours.net.params["ip"][0].data, slope)
        print(f"the line is found to within {learnt:.2g}")


if __name__ == "__main__":
    main()

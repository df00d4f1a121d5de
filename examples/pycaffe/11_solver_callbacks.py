"""Look into training as it runs, stop it, and go on from a snapshot as if nothing had happened.

    python -m netcfg.pycaffe examples/pycaffe/11_solver_callbacks.py

solver.add_callback has one function called when an iteration begins and one when its gradients are
there, before they change the weights. The first notes iteration and learning rate here, the second
the size of the gradient. A second solver then starts from the snapshot in the middle and makes the
same steps again: its weights are the same, bit for bit.
"""

import argparse
import tempfile
from pathlib import Path

import caffe
import h5py
import numpy as np
from caffe import layers as L
from sklearn.datasets import load_digits


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=200, help="steps, half before the stop")
    return parser.parse_args()


def digits_net(list_file):
    n = caffe.NetSpec()
    n.data, n.label = L.HDF5Data(source=str(list_file), batch_size=50, shuffle=True, ntop=2)
    n.hidden = L.InnerProduct(n.data, num_output=50, weight_filler={"type": "xavier"})
    n.relu = L.ReLU(n.hidden, in_place=True)
    n.drop = L.Dropout(n.relu, in_place=True)
    n.score = L.InnerProduct(n.drop, num_output=10, weight_filler={"type": "xavier"})
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


def write_files(folder, iterations):
    """Write data, net and solver; return the path of the solver."""
    digits = load_digits()
    with h5py.File(folder / "digits.h5", "w") as file:
        file["data"] = (digits.data / 16).astype(np.float32)
        file["label"] = digits.target.astype(np.float32)
    (folder / "digits.txt").write_text(f"{folder / 'digits.h5'}\n")
    (folder / "net.prototxt").write_text(str(digits_net(folder / "digits.txt")))
    solver = folder / "solver.prototxt"
    solver.write_text(
        f'net: "{folder / "net.prototxt"}"\n'
        f"base_lr: 0.1 momentum: 0.9 weight_decay: 0.0005\n"
        f'lr_policy: "step" gamma: 0.5 stepsize: {max(1, iterations // 4)}\n'
        f'max_iter: {iterations} snapshot_prefix: "{folder / "digits"}" random_seed: 1\n'
    )
    return str(solver)


def copy_weights(net):
    return [blob.data.copy() for blobs in net.params.values() for blob in blobs]


def main():
    args = arguments()
    half = args.iterations // 2
    with tempfile.TemporaryDirectory() as folder:
        file = write_files(Path(folder), args.iterations)
        solver = caffe.get_solver(file)
        rates, norms = {}, []

        def begins():
            rates.setdefault(solver.lr, solver.iter)

        def gradients_ready():
            squares = [
                np.sum(np.square(blob.diff, dtype=np.float64))
                for blobs in solver.net.params.values()
                for blob in blobs
            ]
            norms.append(float(np.sqrt(sum(squares))))

        solver.add_callback(begins, gradients_ready)
        solver.step(half)
        solver.snapshot()
        state = Path(folder, f"digits_iter_{solver.iter}.solverstate")
        print(f"snapshot at iteration {solver.iter}, learning rate {solver.lr:g}")
        solver.step(args.iterations - half)
        loss = float(solver.net.blobs["loss"].data)

        for rate, iteration in rates.items():
            print(f"learning rate {rate:g} from iteration {iteration}")
        print(f"size of the gradient: {norms[0]:.3f} at first, {norms[-1]:.3f} at last")
        print(f"loss at last: {loss:.4f}")

        again = caffe.get_solver(file)
        again.restore(str(state))
        print(f"restored at iteration {again.iter}, learning rate {again.lr:g}")
        again.step(args.iterations - half)
        pairs = zip(copy_weights(solver.net), copy_weights(again.net), strict=True)
        same = all(np.array_equal(a, b) for a, b in pairs)
        print(f"after {again.iter} iterations the weights are {'equal' if same else 'different'}")


if __name__ == "__main__":
    main()

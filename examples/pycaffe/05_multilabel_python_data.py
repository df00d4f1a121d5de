"""Find all the digits on an image at once; the images come from a layer in Python.

    python -m netcfg.pycaffe examples/pycaffe/05_multilabel_python_data.py

Each image shows three digits side by side, and its label has ten places: 1 for the digits that are
on it, 0 for the others. SigmoidCrossEntropyLoss treats them as ten questions with yes or no for an
answer. The Hamming accuracy is the share of right answers; as most of them are no, the net that
always says no is what to compare with. The data layer is in multilabel_data.py, beside this file.
"""

import argparse
import json
import tempfile
from pathlib import Path

import caffe
import numpy as np
from caffe import layers as L
from caffe import params as P


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=1500, help="steps of training")
    parser.add_argument("--batch", type=int, default=64, help="images in each step")
    parser.add_argument("--digits", type=int, default=3, help="digits on an image")
    parser.add_argument("--test-batches", type=int, default=10, help="batches to measure on")
    return parser.parse_args()


def multilabel_net(split, args):
    n = caffe.NetSpec()
    n.data, n.label = L.Python(
        module="multilabel_data",
        layer="DigitsLayer",
        param_str=json.dumps({"batch_size": args.batch, "digits": args.digits, "split": split}),
        ntop=2,
    )
    msra = {"type": "msra"}
    n.conv1 = L.Convolution(n.data, kernel_size=3, pad=1, num_output=16, weight_filler=msra)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.conv2 = L.Convolution(n.pool1, kernel_size=3, pad=1, num_output=32, weight_filler=msra)
    n.relu2 = L.ReLU(n.conv2, in_place=True)
    n.hidden = L.InnerProduct(n.relu2, num_output=64, weight_filler=msra)
    n.relu3 = L.ReLU(n.hidden, in_place=True)
    n.score = L.InnerProduct(n.relu3, num_output=10, weight_filler={"type": "xavier"})
    n.loss = L.SigmoidCrossEntropyLoss(n.score, n.label)
    return n.to_proto()


def make_solver(folder, args):
    for split in ("train", "test"):
        (folder / f"{split}.prototxt").write_text(str(multilabel_net(split, args)))
    (folder / "solver.prototxt").write_text(
        f'train_net: "{folder / "train.prototxt"}" test_net: "{folder / "test.prototxt"}"\n'
        "test_iter: 1 test_interval: 1000000 test_initialization: false\n"
        'base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 momentum2: 0.999 type: "Adam"\n'
        "random_seed: 1\n"
    )
    return caffe.AdamSolver(str(folder / "solver.prototxt"))


def measure(net, batches):
    """Return the Hamming accuracy, that of always no, and the share of wholly right images."""
    right, no, whole = [], [], []
    for _ in range(batches):
        net.forward()
        label = net.blobs["label"].data > 0
        answer = net.blobs["score"].data > 0
        right.append((answer == label).mean())
        no.append((~label).mean())
        whole.append((answer == label).all(axis=1).mean())
    return np.mean(right), np.mean(no), np.mean(whole)


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as folder:
        solver = make_solver(Path(folder), args)
        parts = 5
        for part in range(parts):
            accuracy = measure(solver.test_nets[0], args.test_batches)[0]
            print(f"iteration {solver.iter}: Hamming accuracy {accuracy:.4f}")
            solver.step(args.iterations * (part + 1) // parts - solver.iter)
        accuracy, no, whole = measure(solver.test_nets[0], args.test_batches)
    print(f"iteration {args.iterations}: Hamming accuracy {accuracy:.4f}")
    print(f"always no:      Hamming accuracy {no:.4f}")
    print(f"all ten answers right: {whole:.4f} of the images")


if __name__ == "__main__":
    main()

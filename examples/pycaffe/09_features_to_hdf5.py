"""Compute what an inner layer of a net makes of images, keep it in HDF5, and learn from that.

    python -m netcfg.pycaffe examples/pycaffe/09_features_to_hdf5.py [--out out/features]

A convolutional net learns digits. Its inner layer is then computed once for every image, those that
it has not seen too, and written to HDF5 files, which HDF5Data gives to a linear classifier. With
these features a linear classifier makes fewer mistakes than one of the same kind with the pixels.
"""

import argparse
from pathlib import Path

import caffe
import h5py
import numpy as np
from caffe import layers as L
from caffe import params as P
from sklearn.datasets import load_digits

TRAIN_IMAGES, TEST_IMAGES = 1000, 797
LINEAR_ITERATIONS = 300


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/features"), help="folder to write to")
    parser.add_argument("--iterations", type=int, default=400, help="steps of training the net")
    return parser.parse_args()


def write_list(path, **datasets):
    """Write an HDF5 file and the list that HDF5Data reads; return the list's path."""
    with h5py.File(path, "w") as file:
        for name, array in datasets.items():
            file[name] = array.astype(np.float32)
    path.with_suffix(".txt").write_text(f"{path}\n")
    return str(path.with_suffix(".txt"))


def features(n):
    msra = {"type": "msra"}
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=32, weight_filler=msra)
    n.pool = L.Pooling(n.conv, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.hidden = L.InnerProduct(n.pool, num_output=100, weight_filler=msra)
    n.relu = L.ReLU(n.hidden, in_place=True)


def digits_net(list_file):
    n = caffe.NetSpec()
    n.data, n.label = L.HDF5Data(source=list_file, batch_size=50, shuffle=True, ntop=2)
    features(n)
    n.score = L.InnerProduct(n.relu, num_output=10, weight_filler={"type": "xavier"})
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


def feature_net():
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [64, 1, 8, 8]})
    features(n)
    return n.to_proto()


def linear_net(list_file, batch, test=False):
    n = caffe.NetSpec()
    n.data, n.label = L.HDF5Data(source=list_file, batch_size=batch, ntop=2)
    n.score = L.InnerProduct(n.data, num_output=10, weight_filler={"type": "xavier"})
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    if test:
        n.accuracy = L.Accuracy(n.score, n.label)
    return n.to_proto()


def make_solver(prefix, train, test=None):
    """Write the nets and a solver beside them; return the solver.

    Programs run the test net themselves: it is there to share the weights.
    """
    prefix.with_suffix(".train.prototxt").write_text(str(train))
    text = (
        f'train_net: "{prefix}.train.prototxt" base_lr: 0.02 lr_policy: "fixed" momentum: 0.9\n'
        f"weight_decay: 0.0005 random_seed: 1\n"
    )
    if test is not None:
        prefix.with_suffix(".test.prototxt").write_text(str(test))
        text += (
            f'test_net: "{prefix}.test.prototxt" test_iter: 1 test_interval: 1000\n'
            "test_initialization: false\n"
        )
    prefix.with_suffix(".solver.prototxt").write_text(text)
    return caffe.get_solver(f"{prefix}.solver.prototxt")


def linear_accuracy(prefix, data, labels):
    """Train a linear classifier on the first images and return its accuracy on the others."""
    train, test = slice(TRAIN_IMAGES), slice(TRAIN_IMAGES, None)
    train_list = write_list(Path(f"{prefix}_train.h5"), data=data[train], label=labels[train])
    test_list = write_list(Path(f"{prefix}_test.h5"), data=data[test], label=labels[test])
    solver = make_solver(
        prefix, linear_net(train_list, 100), linear_net(test_list, TEST_IMAGES, test=True)
    )
    solver.step(LINEAR_ITERATIONS)
    return solver.test_nets[0].forward()["accuracy"].item()


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    images = (digits.images[:, np.newaxis] / 16).astype(np.float32)
    labels = digits.target

    list_file = write_list(
        args.out / "digits.h5", data=images[:TRAIN_IMAGES], label=labels[:TRAIN_IMAGES]
    )
    solver = make_solver(args.out / "digits", digits_net(list_file))
    solver.step(args.iterations)
    print(f"the net has a loss of {solver.net.blobs['loss'].data.item():.4f}")
    solver.net.save(str(args.out / "digits.caffemodel"))

    (args.out / "features.prototxt").write_text(str(feature_net()))
    net = caffe.Net(
        str(args.out / "features.prototxt"), str(args.out / "digits.caffemodel"), caffe.TEST
    )
    # Any number of images: forward_all cuts them into batches and fills up the last.
    hidden = net.forward_all(blobs=["hidden"], data=images)["hidden"]
    print(f"features of {hidden.shape[0]} images, {hidden.shape[1]} of each")
    for what, data in (("features", hidden), ("pixels", images)):
        accuracy = linear_accuracy(args.out / what, data, labels)
        print(f"accuracy of a linear classifier on {what}: {accuracy:.4f}")


if __name__ == "__main__":
    main()

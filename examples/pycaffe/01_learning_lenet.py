"""Define LeNet in Python, train it step by step and watch it learn.

    python -m netcfg.pycaffe examples/pycaffe/01_learning_lenet.py [--out out/learning_lenet]
    ... 01_learning_lenet.py --train data/mnist/train --test data/mnist/test

Without --train and --test the LMDBs are made of scikit-learn's digits first. The loop that trains
is our own: it keeps the loss of each step and every so often runs the test net on all test images.
The picture shows both curves, the filters that were learnt, and how the scores of one test image
change while the net learns.
"""

import argparse
from pathlib import Path

import caffe
import lmdb
import matplotlib
import numpy as np
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/learning_lenet"), help="folder")
    parser.add_argument("--train", help="LMDB of 28 x 28 images to learn")
    parser.add_argument("--test", help="LMDB of those to test with")
    parser.add_argument("--iterations", type=int, default=200, help="steps of training")
    parser.add_argument("--every", type=int, default=25, help="steps between tests")
    parser.add_argument("--test-batches", type=int, default=5, help="of 60 images for each test")
    args = parser.parse_args()
    if bool(args.train) != bool(args.test):
        parser.error("--train and --test go together")
    return args


def write_lmdb(path, images, labels):
    """Write images (N, 1, H, W) in uint8 with their labels."""
    with lmdb.open(str(path), map_size=1 << 26) as database, database.begin(write=True) as records:
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            datum = caffe.io.array_to_datum(image, int(label))
            records.put(f"{i:08}".encode(), datum.SerializeToString())


def digits(out):
    """Write LMDBs of scikit-learn's digits, every fifth one for testing; return their folders."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = [caffe.io.resize_image(i[..., np.newaxis], (28, 28)) for i in data.images]
    images = np.rint(np.stack(images).transpose(0, 3, 1, 2) * (255 / 16)).astype(np.uint8)
    test = np.arange(len(images)) % 5 == 0
    for name, chosen in (("train", ~test), ("test", test)):
        if not (out / name).exists():
            write_lmdb(out / name, images[chosen], data.target[chosen])
    return str(out / "train"), str(out / "test")


def lenet(source, batch):
    n = caffe.NetSpec()
    n.data, n.label = L.Data(
        source=source,
        backend=P.Data.LMDB,
        batch_size=batch,
        transform_param={"scale": 1 / 256},
        ntop=2,
    )
    xavier = {"type": "xavier"}
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=xavier)
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=50, weight_filler=xavier)
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool2, num_output=500, weight_filler=xavier)
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=xavier)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


def write_solver(args, train, test):
    """Write the nets and the solver that trains them; return the solver's file."""
    for name, source, batch in (("train", train, 64), ("test", test, 60)):
        (args.out / f"{name}.prototxt").write_text(str(lenet(source, batch)))
    solver = caffe_pb2.SolverParameter()
    solver.train_net = str(args.out / "train.prototxt")
    solver.test_net.append(str(args.out / "test.prototxt"))
    # The loop below tests by itself: the solver's own tests stay off.
    solver.test_iter.append(1)
    solver.test_interval = 10**9
    solver.test_initialization = False
    solver.base_lr, solver.momentum, solver.weight_decay = 0.01, 0.9, 0.0005
    solver.lr_policy, solver.gamma, solver.power = "inv", 0.0001, 0.75
    solver.random_seed = 1
    (args.out / "solver.prototxt").write_text(str(solver))
    return str(args.out / "solver.prototxt")


def accuracy(net, batches):
    """Return the part of test images that a net classifies right."""
    right = 0
    for _ in range(batches):
        net.forward()
        right += (net.blobs["score"].data.argmax(axis=1) == net.blobs["label"].data).sum()
    return right / (batches * len(net.blobs["label"].data))


def learn(solver, args):
    """Return the loss of each step, (step, accuracy) of each test and the scores of one image."""
    net, test_net = solver.net, solver.test_nets[0]
    test_net.forward()
    image = test_net.blobs["data"].data[0].copy()
    losses, tests = np.zeros(args.iterations), []
    scores = np.zeros((10, args.iterations))
    for i in range(args.iterations):
        if i % args.every == 0:
            tests.append((i, accuracy(test_net, args.test_batches)))
            print(f"iteration {i}: accuracy {tests[-1][1]:.3f}")
        solver.step(1)
        losses[i] = net.blobs["loss"].data
        # From conv1 on, so that the data layer does not replace the image.
        test_net.blobs["data"].data[0] = image
        test_net.forward(start="conv1")
        scores[:, i] = test_net.blobs["score"].data[0]
    tests.append((args.iterations, accuracy(test_net, args.test_batches)))
    print(f"iteration {args.iterations}: accuracy {tests[-1][1]:.3f}")
    return losses, np.array(tests), scores


def draw(losses, tests, scores, filters, path):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4))
    left.plot(losses, color="tab:blue")
    left.set(xlabel="iteration", ylabel="training loss")
    twin = left.twinx()
    twin.plot(*tests.T, color="tab:red", marker="o")
    twin.set(ylabel="test accuracy", ylim=(0, 1))
    gapped = np.pad(filters[:, 0], ((0, 0), (0, 1), (0, 1)), constant_values=filters.max())
    middle.imshow(gapped.reshape(4, 5, 6, 6).swapaxes(1, 2).reshape(24, 30), cmap="gray")
    middle.set(title="conv1 filters")
    middle.axis("off")
    right.imshow(scores, aspect="auto")
    right.set(xlabel="iteration", ylabel="digit", yticks=range(10), title="scores of one image")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    train, test = (args.train, args.test) if args.train else digits(args.out)
    solver = caffe.SGDSolver(write_solver(args, train, test))
    for name, blob in solver.net.blobs.items():
        print(f"{name:6} {blob.data.shape}")
    losses, tests, scores = learn(solver, args)
    print(f"loss of the first step {losses[0]:.3f}, of the last {losses[-1]:.3f}")
    draw(losses, tests, scores, solver.net.params["conv1"][0].data, args.out / "learning.png")
    print(f"wrote {args.out / 'learning.png'}")


if __name__ == "__main__":
    main()

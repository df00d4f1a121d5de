"""Learn a map of handwritten digits from pairs that are alike or not.

    python -m netcfg.pycaffe examples/pycaffe/06_siamese.py [--out out/siamese]

The net has two branches with the same weights: params of the same name are shared. Each branch
maps an image to a point of the plane; ContrastiveLoss draws the points of a pair together where
both images show the same digit and pushes them apart, up to a margin, where they do not. It is
never told which digit it sees. The picture shows where test images land, coloured by their digit.
"""

import argparse
from pathlib import Path

import caffe
import h5py
import matplotlib
import numpy as np
from caffe import layers as L
from caffe import params as P
from sklearn.datasets import load_digits

matplotlib.use("Agg")
from matplotlib import pyplot as plt

TEST_IMAGES = 297


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/siamese"), help="folder to write to")
    parser.add_argument("--iterations", type=int, default=3000, help="steps of training")
    parser.add_argument("--pairs", type=int, default=20000, help="pairs to draw for training")
    return parser.parse_args()


def draw_pairs(images, labels, count, random):
    """Return (count, 2, 8, 8) images, and 1 for pairs of the same digit, about every other one."""
    first = random.integers(len(images), size=count)
    second = random.integers(len(images), size=count)
    for i in range(0, count, 2):
        second[i] = random.choice(np.flatnonzero(labels == labels[first[i]]))
    return np.stack([images[first], images[second]], axis=1), labels[first] == labels[second]


def branch(n, data, suffix):
    """Add the layers from an image to a point; both branches name their params alike."""

    def shared(name):
        return [{"name": f"{name}_w", "lr_mult": 1}, {"name": f"{name}_b", "lr_mult": 2}]

    msra = {"type": "msra"}
    conv = L.Convolution(
        data, kernel_size=3, num_output=16, weight_filler=msra, param=shared("conv")
    )
    pool = L.Pooling(conv, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    hidden = L.InnerProduct(pool, num_output=64, weight_filler=msra, param=shared("hidden"))
    relu = L.ReLU(hidden, in_place=True)
    point = L.InnerProduct(relu, num_output=2, weight_filler=msra, param=shared("point"))
    tops = {"conv": conv, "pool": pool, "hidden": hidden, "relu": relu, "point": point}
    for name, top in tops.items():
        setattr(n, name + suffix, top)
    return point


def training_net(list_file):
    n = caffe.NetSpec()
    n.pair, n.same = L.HDF5Data(source=str(list_file), batch_size=64, shuffle=True, ntop=2)
    n.image, n.image_p = L.Slice(n.pair, axis=1, slice_point=1, ntop=2)
    n.loss = L.ContrastiveLoss(branch(n, n.image, ""), branch(n, n.image_p, "_p"), n.same, margin=1)
    return n.to_proto()


def embedding_net():
    """Return a net of one branch alone: it finds its weights by the names of its layers."""
    n = caffe.NetSpec()
    n.image = L.Input(shape={"dim": [TEST_IMAGES, 1, 8, 8]})
    branch(n, n.image, "")
    return n.to_proto()


def draw(points, labels, path):
    figure, axes = plt.subplots(figsize=(6, 6))
    for digit in range(10):
        x, y = points[labels == digit].T
        axes.plot(x, y, ".", markersize=7, label=str(digit))
    axes.legend(ncol=5, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    axes.set_aspect("equal", "datalim")
    figure.savefig(path, dpi=100)


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    caffe.set_random_seed(1)
    digits = load_digits()
    images, labels = (digits.images / 16).astype(np.float32), digits.target

    pairs, same = draw_pairs(
        images[TEST_IMAGES:], labels[TEST_IMAGES:], args.pairs, np.random.default_rng(1)
    )
    with h5py.File(args.out / "pairs.h5", "w") as file:
        file["pair"], file["same"] = pairs, same.astype(np.float32)
    (args.out / "pairs.txt").write_text(f"{args.out / 'pairs.h5'}\n")
    (args.out / "train.prototxt").write_text(str(training_net(args.out / "pairs.txt")))
    (args.out / "embed.prototxt").write_text(str(embedding_net()))
    (args.out / "solver.prototxt").write_text(
        f'net: "{args.out / "train.prototxt"}" base_lr: 0.05 momentum: 0.9 weight_decay: 0.0005\n'
        f'lr_policy: "step" gamma: 0.1 stepsize: {max(1, args.iterations * 2 // 3)}\n'
        f"max_iter: {args.iterations} display: 500 random_seed: 1\n"
    )
    solver = caffe.SGDSolver(str(args.out / "solver.prototxt"))
    solver.step(args.iterations)
    solver.net.save(str(args.out / "siamese.caffemodel"))

    net = caffe.Net(
        str(args.out / "embed.prototxt"), str(args.out / "siamese.caffemodel"), caffe.TEST
    )
    points = net.forward(image=images[:TEST_IMAGES, np.newaxis])["point"]
    labels = labels[:TEST_IMAGES]
    distance = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    alike = labels[:, np.newaxis] == labels
    print(f"mean distance, same digit:      {distance[alike].mean():.3f}")
    print(f"mean distance, different digit: {distance[~alike].mean():.3f}")
    np.fill_diagonal(distance, np.inf)
    accuracy = (labels[distance.argmin(axis=1)] == labels).mean()
    print(f"nearest neighbour is the same digit: {accuracy:.3f}")
    draw(points, labels, args.out / "embedding.png")
    print(f"wrote {args.out / 'embedding.png'}")


if __name__ == "__main__":
    main()

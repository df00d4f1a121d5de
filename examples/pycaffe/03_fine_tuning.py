"""Fine-tune: a net that can read digits learns to tell odd ones from even ones by few examples.

    python -m netcfg.pycaffe examples/pycaffe/03_fine_tuning.py [--out out/fine_tuning]

A net learns ten digits from half of the images. Then odd and even are to be told apart, with six
examples of each digit, by three nets: one starts from those weights, one starts from them and
learns its last layer alone, and one starts from scratch. The last layer has another name in the new
nets, so copy_from leaves it as its filler made it. The picture shows the accuracy of the three on
images that none has seen.
"""

import argparse
from pathlib import Path

import caffe
import matplotlib
import numpy as np
from caffe import layers as L
from caffe import params as P
from sklearn.datasets import load_digits

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BATCH = 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/fine_tuning"), help="folder")
    parser.add_argument("--pretraining", type=int, default=400, help="steps on ten digits")
    parser.add_argument("--iterations", type=int, default=100, help="steps on odd and even")
    parser.add_argument(
        "--examples", type=int, default=6, help="of each digit, to learn odd and even by"
    )
    args = parser.parse_args()
    if args.examples < 1 or args.examples * 10 % BATCH:
        parser.error(f"--examples is a multiple of {BATCH // 10}; given {args.examples}")
    return args


def net(last, classes, *, learn_all=True):
    """Return the prototxt of a net; last names its last layer, which always learns."""

    def learns(factor):
        return [{"lr_mult": factor}, {"lr_mult": 2 * factor}]

    msra, old = {"type": "msra"}, learns(1 if learn_all else 0)
    n = caffe.NetSpec()
    n.data, n.label = L.MemoryData(batch_size=BATCH, channels=1, height=8, width=8, ntop=2)
    n.conv1 = L.Convolution(
        n.data, kernel_size=3, pad=1, num_output=16, weight_filler=msra, param=old
    )
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.conv2 = L.Convolution(
        n.pool1, kernel_size=3, pad=1, num_output=32, weight_filler=msra, param=old
    )
    n.relu2 = L.ReLU(n.conv2, in_place=True)
    n.hidden = L.InnerProduct(n.relu2, num_output=64, weight_filler=msra, param=old)
    n.relu3 = L.ReLU(n.hidden, in_place=True)
    score = L.InnerProduct(n.relu3, num_output=classes, weight_filler=msra, param=learns(1))
    n[last] = score
    n.accuracy = L.Accuracy(score, n.label)
    n.loss = L.SoftmaxWithLoss(score, n.label)
    return str(n.to_proto())


def make_solver(args, name, prototxt):
    """Write a net and its solver; return the solver."""
    (args.out / f"{name}.prototxt").write_text(prototxt)
    (args.out / f"{name}_solver.prototxt").write_text(
        f'train_net: "{args.out / name}.prototxt" test_net: "{args.out / name}.prototxt"\n'
        f"test_iter: 1 test_interval: 1000000 test_initialization: false random_seed: 1\n"
        'base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005\n'
    )
    return caffe.SGDSolver(str(args.out / f"{name}_solver.prototxt"))


def whole_batches(images, labels):
    """Return as many rows as fill batches, in float as MemoryData takes them."""
    rows = len(images) // BATCH * BATCH
    return images[:rows].astype(np.float32), labels[:rows].astype(np.float32)


def train(solver, training, testing, iterations, every):
    """Train, and return (iteration, accuracy) of a test now and then."""
    solver.net.set_input_arrays(*whole_batches(*training))
    test_net, images = solver.test_nets[0], whole_batches(*testing)
    test_net.set_input_arrays(*images)
    curve = []
    for i in range(0, iterations + 1, every):
        if i:
            solver.step(every)
        batches = range(len(images[0]) // BATCH)
        curve.append((i, np.mean([float(test_net.forward()["accuracy"]) for _ in batches])))
    return curve


def tasks(examples):
    """Return images and labels: ten digits to learn, odd and even to learn, and to test with."""
    digits = load_digits()
    images, labels = digits.images[:, np.newaxis] / 16, digits.target
    half = len(images) // 2
    few = [half + np.flatnonzero(labels[half:] == digit)[:examples] for digit in range(10)]
    few = np.random.default_rng(1).permutation(np.concatenate(few))
    rest = np.setdiff1d(np.arange(half, len(images)), few)
    old = images[:half], labels[:half]
    return old, (images[few], labels[few] % 2), (images[rest], labels[rest] % 2)


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    old, few, rest = tasks(args.examples)

    solver = make_solver(args, "old", net("digit", 10))
    curve = train(solver, old, old, args.pretraining, args.pretraining)
    print(f"ten digits after {args.pretraining} steps: accuracy {curve[-1][1]:.3f}")
    weights = str(args.out / "old.caffemodel")
    solver.net.save(weights)

    ways = {
        "fine-tuned": net("odd", 2),
        "last layer alone": net("odd", 2, learn_all=False),
        "from scratch": net("odd", 2),
    }
    figure, axes = plt.subplots(figsize=(7, 5))
    for name, prototxt in ways.items():
        solver = make_solver(args, name.replace(" ", "_"), prototxt)
        if name != "from scratch":
            solver.net.copy_from(weights)
        before = solver.net.params["conv1"][0].data.copy()
        curve = train(solver, few, rest, args.iterations, max(1, args.iterations // 20))
        moved = np.abs(solver.net.params["conv1"][0].data - before).max()
        print(f"{name + ':':18} accuracy {curve[-1][1]:.3f}, conv1 moved by {moved:.4f}")
        axes.plot(*np.transpose(curve), marker=".", label=name)
    axes.set(xlabel="iteration", ylabel="accuracy on new images", ylim=(0.4, 1))
    axes.legend(loc="lower right")
    figure.savefig(args.out / "fine_tuning.png", dpi=100)
    print(f"wrote {args.out / 'fine_tuning.png'}")


if __name__ == "__main__":
    main()

"""Learn from a table of numbers: logistic regression, and a net with one hidden layer beside it.

    python -m netcfg.pycaffe examples/pycaffe/02_brewing_logistic_regression.py [--out out/logreg]

Two of four columns decide the class: rows inside of a ring and those outside of it, noise besides.
No straight line parts them, so logistic regression does little better than always giving the more
frequent answer; 40 hidden units with a ReLU find the ring. Both nets read the same HDF5 files,
and the picture shows the probabilities that each gives to all points of the plane.
"""

import argparse
from pathlib import Path

import caffe
import h5py
import matplotlib
import numpy as np
from caffe import layers as L

matplotlib.use("Agg")
from matplotlib import pyplot as plt

TEST_BATCH = 250


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/logreg"), help="folder to write to")
    parser.add_argument("--rows", type=int, default=10000, help="rows to make, a quarter for tests")
    parser.add_argument("--iterations", type=int, default=3000, help="steps of training")
    args = parser.parse_args()
    if args.rows < 4 * TEST_BATCH:
        parser.error(f"--rows is {4 * TEST_BATCH} or more; given {args.rows}")
    return args


def make_rows(count):
    """Return rows (count, 4) and their classes, one in fifty of them wrong."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(count, 4))
    radius = np.hypot(rows[:, 0], rows[:, 1] + 0.5)
    classes = (radius > 0.6) & (radius < 1.5)
    return rows.astype(np.float32), (classes ^ (random.random(count) < 0.02)).astype(np.float32)


def write_hdf5(out, name, rows, classes):
    """Write an HDF5 file and the list of files that HDF5Data reads; return the list."""
    with h5py.File(out / f"{name}.h5", "w") as file:
        file["data"], file["label"] = rows, classes
    (out / f"{name}.txt").write_text(f"{out / f'{name}.h5'}\n")
    return str(out / f"{name}.txt")


def classifier(n, hidden):
    """Add the layers from data to a score for each class."""
    xavier = {"type": "xavier"}
    below = n.data
    if hidden:
        n.hidden = L.InnerProduct(n.data, num_output=hidden, weight_filler=xavier)
        n.relu = below = L.ReLU(n.hidden, in_place=True)
    n.score = L.InnerProduct(below, num_output=2, weight_filler=xavier)


def data_net(source, batch, hidden):
    n = caffe.NetSpec()
    n.data, n.label = L.HDF5Data(source=source, batch_size=batch, ntop=2)
    classifier(n, hidden)
    n.accuracy = L.Accuracy(n.score, n.label)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return str(n.to_proto())


def plane_net(points, hidden):
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [points, 4]})
    classifier(n, hidden)
    n.prob = L.Softmax(n.score)
    return str(n.to_proto())


def learn(args, name, hidden, lists, test_rows):
    """Train a net and return its accuracy on the test rows and the probabilities in the plane."""
    files = {part: args.out / f"{name}_{part}.prototxt" for part in ("train", "test", "plane")}
    files["train"].write_text(data_net(lists["train"], 50, hidden))
    files["test"].write_text(data_net(lists["test"], TEST_BATCH, hidden))
    batches = test_rows // TEST_BATCH
    solver_file = args.out / f"{name}_solver.prototxt"
    solver_file.write_text(
        f'train_net: "{files["train"]}" test_net: "{files["test"]}" test_iter: {batches}\n'
        f"test_interval: {max(1, args.iterations // 4)} max_iter: {args.iterations}\n"
        'base_lr: 0.1 lr_policy: "step" gamma: 0.1 stepsize: '
        f"{max(1, args.iterations * 2 // 3)} momentum: 0.9 weight_decay: 0.0005 random_seed: 1\n"
    )
    solver = caffe.get_solver(str(solver_file))
    solver.solve()
    test_net = solver.test_nets[0]
    # An array of one value lives on: the next pass writes into it, hence float().
    accuracy = np.mean([float(test_net.forward()["accuracy"]) for _ in range(batches)])

    side = np.linspace(-3, 3, 61)
    points = np.zeros((side.size**2, 4), np.float32)  # the columns that decide nothing are 0
    points[:, 0], points[:, 1] = (axis.ravel() for axis in np.meshgrid(side, side))
    files["plane"].write_text(plane_net(len(points), hidden))
    plane = caffe.Net(str(files["plane"]), caffe.TEST)
    plane.share_with(solver.net)
    return accuracy, plane.forward(data=points)["prob"][:, 1].reshape(side.size, side.size)


def draw(results, rows, classes, path):
    figure, panels = plt.subplots(1, 2, figsize=(10, 5))
    for axes, (name, (accuracy, plane)) in zip(panels, results.items(), strict=True):
        axes.imshow(plane, extent=(-3, 3, -3, 3), origin="lower", cmap="RdBu", vmin=0, vmax=1)
        for value, color in ((0, "darkred"), (1, "navy")):
            axes.plot(*rows[classes == value, :2].T, ".", color=color, markersize=2)
        axes.set(title=f"{name}: {accuracy:.3f}", xlim=(-3, 3), ylim=(-3, 3))
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    rows, classes = make_rows(args.rows)
    test = args.rows // 4
    lists = {
        "test": write_hdf5(args.out, "test", rows[:test], classes[:test]),
        "train": write_hdf5(args.out, "train", rows[test:], classes[test:]),
    }
    share = classes[:test].mean()
    print(f"always the same answer:  accuracy {max(share, 1 - share):.3f}")
    results = {
        "logistic regression": learn(args, "logistic", 0, lists, test),
        "one hidden layer": learn(args, "hidden", 40, lists, test),
    }
    for name, (accuracy, _) in results.items():
        print(f"{name + ':':24} accuracy {accuracy:.3f}")
    draw(results, rows[:test][:1000], classes[:test][:1000], args.out / "planes.png")
    print(f"wrote {args.out / 'planes.png'}")


if __name__ == "__main__":
    main()

"""Edit nets: write filters by hand, and turn a classifier into a net that looks everywhere.

    python -m netcfg.pycaffe examples/pycaffe/04_net_surgery.py [--out out/surgery]

First a convolution gets three filters of our own making: one blurs, two find edges. Then the
InnerProduct layers of a classifier of digits become convolutions with the same numbers: a layer
that reads 32 maps of 4 x 4 pixels is a convolution with a kernel of 4 x 4. That net takes images of
any size and answers for every window of 28 x 28 at once, one every 4 pixels, which is what its
pooling layers stride together. Each answer must equal that of the classifier for the same window.
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

WINDOW, STRIDE = 28, 4
"""What the classifier takes, and how far apart the windows of the convolutional net are."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/surgery"), help="folder to write to")
    parser.add_argument("--iterations", type=int, default=600, help="steps of training on digits")
    parser.add_argument("--size", type=int, default=112, help="pixels of a side of the picture")
    args = parser.parse_args()
    if args.size < 2 * WINDOW or (args.size - WINDOW) % STRIDE:
        parser.error(f"--size is {2 * WINDOW} plus a multiple of {STRIDE}; given {args.size}")
    return args


def design_filters(out):
    """Filter a picture of a disc by hand-written weights; return it and the three results."""
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [1, 1, 64, 64]})
    n.conv = L.Convolution(n.data, kernel_size=5, pad=2, num_output=3)
    (out / "filters.prototxt").write_text(str(n.to_proto()))
    net = caffe.Net(str(out / "filters.prototxt"), caffe.TEST)

    weights, bias = (param.data for param in net.params["conv"])
    blur = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    slope = np.outer([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1]) / 96
    weights[:, 0] = blur, slope, slope.T
    bias[...] = 0

    y, x = np.mgrid[:64, :64] - 31.5
    disc = (np.hypot(x, y) < 20) * 0.8 + (x + y) / 640 + 0.1
    filtered = net.forward(data=disc[np.newaxis, np.newaxis])["conv"][0].copy()
    # A convolution multiplies window by kernel, as it stands.
    window = disc[30:35, 8:13].astype(np.float32)
    by_hand = (weights[:, 0] * window).sum(axis=(1, 2))
    np.testing.assert_allclose(filtered[:, 32, 10], by_hand, atol=1e-5)
    return disc, filtered


def digits_net(batch, size, *, convolutional=False, training=False):
    """Return the prototxt of a classifier; convolutional ones take images of any size."""
    msra = {"type": "msra"}
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [batch, 1, size, size]})
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=16, weight_filler=msra)
    n.pool1 = L.Pooling(n.conv1, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=32, weight_filler=msra)
    n.pool2 = L.Pooling(n.conv2, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    if convolutional:
        n.hidden_conv = L.Convolution(n.pool2, kernel_size=4, num_output=64)
        n.relu = L.ReLU(n.hidden_conv, in_place=True)
        n.score_conv = score = L.Convolution(n.relu, kernel_size=1, num_output=11)
    else:
        n.hidden = L.InnerProduct(n.pool2, num_output=64, weight_filler=msra)
        n.relu = L.ReLU(n.hidden, in_place=True)
        n.score = score = L.InnerProduct(n.relu, num_output=11, weight_filler=msra)
    if training:
        n.label = L.Input(shape={"dim": [batch]})
        n.loss = L.SoftmaxWithLoss(score, n.label)
    else:
        n.prob = L.Softmax(score)
    return str(n.to_proto())


def shift(image, random):
    """Return the image moved by up to 2 pixels each way, or by 8 to 20 and so no digit."""
    far = random.random() < 0.3
    down, right = random.integers(8, 21, 2) if far else random.integers(0, 3, 2)
    down, right = (int(n * random.choice([-1, 1])) for n in (down, right))
    frame = np.pad(image, WINDOW)
    y, x = WINDOW - down, WINDOW - right
    return frame[y : y + WINDOW, x : x + WINDOW], far


def train(args, images, labels):
    """Train a classifier of ten digits and, as class 10, of none; return its .caffemodel."""
    (args.out / "train.prototxt").write_text(digits_net(64, WINDOW, training=True))
    (args.out / "solver.prototxt").write_text(
        f'net: "{args.out / "train.prototxt"}" base_lr: 0.02 lr_policy: "fixed" momentum: 0.9\n'
        "weight_decay: 0.0005 random_seed: 1\n"
    )
    solver = caffe.SGDSolver(str(args.out / "solver.prototxt"))
    random = np.random.default_rng(1)
    for _ in range(args.iterations):
        for i, row in enumerate(random.integers(len(images), size=64)):
            image, far = shift(images[row], random)
            solver.net.blobs["data"].data[i, 0] = image
            solver.net.blobs["label"].data[i] = 10 if far else labels[row]
        solver.step(1)
    solver.net.save(str(args.out / "digits.caffemodel"))
    return str(args.out / "digits.caffemodel")


def cast(args, weights):
    """Return the classifier and the convolutional net with the same numbers."""
    (args.out / "windows.prototxt").write_text(digits_net(1, WINDOW))
    (args.out / "full.prototxt").write_text(digits_net(1, args.size, convolutional=True))
    net = caffe.Net(str(args.out / "windows.prototxt"), weights, caffe.TEST)
    full = caffe.Net(str(args.out / "full.prototxt"), weights, caffe.TEST)  # takes conv1 and conv2
    for old, new in (("hidden", "hidden_conv"), ("score", "score_conv")):
        for before, after in zip(net.params[old], full.params[new], strict=True):
            print(f"{old} {before.data.shape} becomes {new} {after.data.shape}")
            after.data.flat = before.data.flat  # (outputs, inputs) in the order of (C, H, W)
    full.save(str(args.out / "full.caffemodel"))
    return net, full


def windows(net, picture):
    """Return what the classifier says of each window, cut out and shown to it alone."""
    places = range(0, picture.shape[0] - WINDOW + 1, STRIDE)
    cuts = [picture[np.newaxis, y : y + WINDOW, x : x + WINDOW] for y in places for x in places]
    answers = net.forward_all(data=np.stack(cuts))["prob"]
    return answers.T.reshape(11, len(places), len(places))


def draw(disc, filtered, picture, found, path):
    best = np.where(found[10] < 0.5, found[:10].argmax(axis=0), np.nan)
    figure, panels = plt.subplots(2, 4, figsize=(14, 7))
    shown = {
        "picture": disc,
        "blurred": filtered[0],
        "slope to the right": filtered[1],
        "slope down": filtered[2],
        "digits": picture,
        "probability of a digit": 1 - found[10],
        "likeliest digit": best,
        "its colour": np.arange(10)[:, np.newaxis],
    }
    for axes, (title, image) in zip(panels.flat, shown.items(), strict=True):
        digits = {"cmap": "tab10", "vmin": 0, "vmax": 9}
        axes.imshow(image, **(digits if axes in panels[1, 2:] else {"cmap": "gray"}))
        axes.set(title=title, xticks=[])
    figure.tight_layout()
    figure.savefig(path, dpi=70)


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    disc, filtered = design_filters(args.out)

    digits = load_digits()
    images = [caffe.io.resize_image(i[..., np.newaxis], (WINDOW, WINDOW)) for i in digits.images]
    images = np.stack(images)[..., 0] / 16
    net, full = cast(args, train(args, images[100:], digits.target[100:]))

    side, corner = args.size // 2, (args.size // 2 - WINDOW) // 2 // STRIDE * STRIDE
    picture = np.zeros((args.size, args.size), np.float32)
    corners = [
        (y + corner, x + corner)
        for y in (0, side // STRIDE * STRIDE)
        for x in (0, side // STRIDE * STRIDE)
    ]
    for (y, x), image in zip(
        corners, images[11:15], strict=True
    ):  # digits that it was not trained on
        picture[y : y + WINDOW, x : x + WINDOW] = image

    found = full.forward(data=picture[np.newaxis, np.newaxis])["prob"][0]
    one_by_one = windows(net, picture)
    np.testing.assert_allclose(found, one_by_one, atol=1e-4)
    difference = np.abs(found - one_by_one).max()
    print(f"{found[0].size} windows, greatest difference {difference:.1e}")
    for (y, x), digit in zip(corners, digits.target[11:15], strict=True):
        answer = found[:, y // STRIDE, x // STRIDE].argmax()
        print(f"at ({x}, {y}) stands a {digit}; found {'none' if answer == 10 else answer}")
    draw(disc, filtered, picture, found, args.out / "surgery.png")
    print(f"wrote {args.out / 'surgery.png'}")


if __name__ == "__main__":
    main()

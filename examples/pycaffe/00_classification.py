"""Classify an image, and look at what the net sees on the way.

    python -m netcfg.pycaffe examples/pycaffe/00_classification.py [--out out/classification]
    ... 00_classification.py --model deploy.prototxt --weights W.caffemodel --image cat.jpg \\
        --mean 104 117 123 --labels synset_words.txt

Without --model a small net is trained on scikit-learn's digits first and shown one that is new to
it. The program prints the shapes of all blobs and parameters and the five likeliest classes; the
picture shows the input, the probabilities, the filters of the first convolution and its output.
"""

import argparse
from pathlib import Path

import caffe
import matplotlib
import numpy as np
from caffe import layers as L
from caffe import params as P

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/classification"), help="folder")
    parser.add_argument("--model", help="prototxt of a net with one image as input")
    parser.add_argument("--weights", help="its .caffemodel")
    parser.add_argument("--image", help="image file to classify")
    parser.add_argument(
        "--mean", type=float, nargs="+", default=[0], help="of each channel, blue first"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="factor after that")
    parser.add_argument(
        "--labels", type=Path, help="text file with the name of a class on each line"
    )
    parser.add_argument("--iterations", type=int, default=200, help="steps of training on digits")
    args = parser.parse_args()
    if args.model and not (args.weights and args.image):
        parser.error("--model needs --weights and --image")
    return args


def digits_net(batch, training):
    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [batch, 1, 28, 28]})
    xavier = {"type": "xavier"}
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=16, weight_filler=xavier)
    n.pool1 = L.Pooling(n.conv1, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=32, weight_filler=xavier)
    n.pool2 = L.Pooling(n.conv2, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.score = L.InnerProduct(n.pool2, num_output=10, weight_filler=xavier)
    if training:
        n.label = L.Input(shape={"dim": [batch]})
        n.loss = L.SoftmaxWithLoss(n.score, n.label)
    else:
        n.prob = L.Softmax(n.score)
    return str(n.to_proto())


def train_on_digits(args):
    """Train a net, and fill in the options with what a user's net would come with."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.stack([caffe.io.resize_image(i[..., np.newaxis], (28, 28)) for i in digits.images])
    images = images.transpose(0, 3, 1, 2) * (255 / 16)
    mean = images.mean()

    args.model, train = str(args.out / "deploy.prototxt"), args.out / "train.prototxt"
    args.weights, args.image = str(args.out / "digits.caffemodel"), str(args.out / "digit.png")
    Path(args.model).write_text(digits_net(1, training=False))
    train.write_text(digits_net(64, training=True))
    (args.out / "solver.prototxt").write_text(
        f'net: "{train}" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 1\n'
    )
    solver = caffe.SGDSolver(str(args.out / "solver.prototxt"))
    random = np.random.default_rng(1)
    for _ in range(args.iterations):
        rows = random.integers(1, len(images), 64)  # the first one is for the test
        solver.net.blobs["data"].data[...] = (images[rows] - mean) / 128
        solver.net.blobs["label"].data[...] = digits.target[rows]
        solver.step(1)
    solver.net.save(args.weights)
    plt.imsave(args.image, images[0, 0], cmap="gray", vmin=0, vmax=255)
    args.mean, args.scale = [mean], 1 / 128
    print(f"trained on digits; '{args.image}' shows a {digits.target[0]}")


def preprocessing(net, mean, scale):
    """Return the steps from an image with values from 0 to 1 to the net's input."""
    name = net.inputs[0]
    transformer = caffe.io.Transformer({name: net.blobs[name].data.shape})
    transformer.set_transpose(name, (2, 0, 1))  # (H, W, K) to (K, H, W)
    if net.blobs[name].channels == 3:
        transformer.set_channel_swap(name, (2, 1, 0))  # RGB to BGR
    transformer.set_raw_scale(name, 255)
    transformer.set_mean(name, np.array(mean))
    transformer.set_input_scale(name, scale)
    return transformer


def tiles(images):
    """Return images (N, H, W) or (N, H, W, 3) as one, a pixel apart, with values from 0 to 1."""
    side = int(np.ceil(np.sqrt(len(images))))
    images = (images - images.min()) / (np.ptp(images) or 1)
    empty = [(0, side**2 - len(images)), (0, 1), (0, 1), (0, 0)][: images.ndim]
    grid = np.pad(images, empty, constant_values=1)
    grid = grid.reshape(side, side, *grid.shape[1:]).swapaxes(1, 2)
    return grid.reshape(side * grid.shape[1], side * grid.shape[3], *grid.shape[4:])


def draw(net, image, top, names, path):
    conv = next(name for name, layer in net.layer_dict.items() if layer.type == "Convolution")
    filters = net.params[conv][0].data
    colour = filters.shape[1] == 3
    filters = filters.transpose(0, 2, 3, 1)[..., ::-1] if colour else filters[:, 0]
    maps = net.forward(end=conv)[net.top_names[conv][0]][0]  # before a ReLU in place
    figure, ((left, right), (lower_left, lower_right)) = plt.subplots(2, 2, figsize=(8, 8))
    left.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=1)
    right.barh([names[i] for i in top][::-1], net.blobs[net.outputs[0]].data[0].flat[top[::-1]])
    right.set(title="probability", xlim=(0, 1))
    lower_left.imshow(tiles(filters), cmap="gray")
    lower_right.imshow(tiles(maps), cmap="gray")
    for axes, title in ((left, "input"), (lower_left, f"{conv} filters"), (lower_right, conv)):
        axes.set_title(title)
        axes.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    caffe.set_mode_cpu()
    caffe.set_random_seed(1)
    if not args.model:
        train_on_digits(args)
    net = caffe.Net(args.model, args.weights, caffe.TEST)
    name = net.inputs[0]
    net.blobs[name].reshape(1, *net.blobs[name].data.shape[1:])
    net.reshape()

    image = caffe.io.load_image(args.image, color=net.blobs[name].channels == 3)
    transformer = preprocessing(net, args.mean, args.scale)
    net.blobs[name].data[...] = transformer.preprocess(name, image)
    probabilities = net.forward()[net.outputs[0]][0].ravel()

    for blob_name, blob in net.blobs.items():
        print(f"blob {blob_name:20} {blob.data.shape}")
    for layer_name, params in net.params.items():
        print(f"params of {layer_name:15} {', '.join(str(p.data.shape) for p in params)}")
    count = len(probabilities)
    names = args.labels.read_text().splitlines() if args.labels else [str(i) for i in range(count)]
    top = probabilities.argsort()[::-1][:5]
    for i in top:
        print(f"{probabilities[i]:.4f}  {names[i]}")
    draw(net, image, top, names, args.out / "classification.png")
    print(f"wrote {args.out / 'classification.png'}")


if __name__ == "__main__":
    main()

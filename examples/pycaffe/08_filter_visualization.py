"""Draw the filters of every convolution of a net, and what they make of an image.

    python -m netcfg.pycaffe examples/pycaffe/08_filter_visualization.py [--out out/filters]
    ... 08_filter_visualization.py --model deploy.prototxt --weights W.caffemodel --image cat.jpg

Without --model a small net is trained on digits first. For each convolution there are two
pictures, NAME_filters.png and NAME_maps.png: a tile for each filter, in colour where the layer
reads three channels and a row of tiles for each output otherwise, and a tile for each feature map.
"""

import argparse
from pathlib import Path

import caffe
import h5py
import numpy as np
from caffe import layers as L
from caffe import params as P
from PIL import Image
from sklearn.datasets import load_digits

SIDE = 400
"""Pictures that are smaller are enlarged to about this many pixels, for filters are small."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/filters"), help="folder to write to")
    parser.add_argument("--model", help="prototxt of a net with one image as input")
    parser.add_argument("--weights", help="its .caffemodel")
    parser.add_argument("--image", help="file to show to the net of --model")
    parser.add_argument("--iterations", type=int, default=300, help="steps of training")
    return parser.parse_args()


def digits_net(data, label=None):
    """Return the prototxt of a net for digits; with labels it has a loss."""
    n = caffe.NetSpec()
    n.data = data
    msra = {"type": "msra"}
    n.conv1 = L.Convolution(n.data, kernel_size=3, pad=1, num_output=16, weight_filler=msra)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.conv2 = L.Convolution(n.pool1, kernel_size=3, pad=1, num_output=24, weight_filler=msra)
    n.relu2 = L.ReLU(n.conv2, in_place=True)
    n.score = L.InnerProduct(n.relu2, num_output=10, weight_filler={"type": "xavier"})
    if label is not None:
        n.label = label
        n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return str(n.to_proto())


def train(out, iterations):
    """Train on digits; return the prototxt of the net and its weights."""
    digits = load_digits()
    with h5py.File(out / "digits.h5", "w") as file:
        file["data"] = (digits.images[:, np.newaxis] / 16).astype(np.float32)
        file["label"] = digits.target.astype(np.float32)
    (out / "digits.txt").write_text(f"{out / 'digits.h5'}\n")
    data, label = L.HDF5Data(source=str(out / "digits.txt"), batch_size=64, shuffle=True, ntop=2)
    (out / "train.prototxt").write_text(digits_net(data, label))
    (out / "deploy.prototxt").write_text(digits_net(L.Input(shape={"dim": [1, 1, 8, 8]})))
    (out / "solver.prototxt").write_text(
        f'net: "{out / "train.prototxt"}" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9\n'
        "weight_decay: 0.0005 random_seed: 1\n"
    )
    solver = caffe.SGDSolver(str(out / "solver.prototxt"))
    solver.step(iterations)
    solver.net.save(str(out / "digits.caffemodel"))
    return str(out / "deploy.prototxt"), str(out / "digits.caffemodel"), digits.images[0] / 16


def load(net, path):
    """Return an image file as the net's input wants it."""
    shape = net.blobs[net.inputs[0]].data.shape
    transformer = caffe.io.Transformer({net.inputs[0]: shape})
    transformer.set_transpose(net.inputs[0], (2, 0, 1))
    transformer.set_raw_scale(net.inputs[0], 255)
    transformer.set_channel_swap(net.inputs[0], (2, 1, 0))
    return transformer.preprocess(net.inputs[0], caffe.io.load_image(path))


def tiles(images, columns=0):
    """Return images (N, H, W) or (N, H, W, 3) side by side, a pixel apart, as one in 0 to 255."""
    count, height, width = images.shape[:3]
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    low, high = images.min(), images.max()
    grid = np.ones((rows * (height + 1) + 1, columns * (width + 1) + 1, *images.shape[3:]))
    for i, image in enumerate(images):
        y, x = i // columns * (height + 1) + 1, i % columns * (width + 1) + 1
        grid[y : y + height, x : x + width] = (image - low) / (high - low or 1)
    return np.rint(grid * 255).astype(np.uint8)


def draw_filters(weights, path):
    """Draw weights (outputs, inputs, H, W)."""
    outputs, inputs, height, width = weights.shape
    if inputs == 3:
        picture = tiles(weights.transpose(0, 2, 3, 1)[..., ::-1])
    else:
        columns = inputs if inputs > 1 else 0
        picture = tiles(weights.reshape(outputs * inputs, height, width), columns)
    save(picture, path)


def save(picture, path):
    zoom = max(1, SIDE // max(picture.shape[:2]))
    picture = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
    Image.fromarray(picture).save(path)
    print(f"wrote {path}, {picture.shape[1]} x {picture.shape[0]}")


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.model:
        net = caffe.Net(args.model, args.weights, caffe.TEST)
        net.blobs[net.inputs[0]].data[...] = load(net, args.image)
    else:
        model, weights, image = train(args.out, args.iterations)
        net = caffe.Net(model, weights, caffe.TEST)
        net.blobs["data"].data[...] = image
    convolutions = [name for name, layer in net.layer_dict.items() if layer.type == "Convolution"]
    for name in convolutions:
        draw_filters(net.params[name][0].data, args.out / f"{name.replace('/', '_')}_filters.png")
        # Up to this layer and no further: a ReLU in place would write over its top.
        maps = net.forward(end=name)[net.top_names[name][0]][0]
        save(tiles(maps), args.out / f"{name.replace('/', '_')}_maps.png")


if __name__ == "__main__":
    main()

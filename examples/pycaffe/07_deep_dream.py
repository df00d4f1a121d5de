"""Change an image until an inner layer of a net sees more of what it looks for.

    python -m netcfg.pycaffe examples/pycaffe/07_deep_dream.py [--out out/dream]
    ... 07_deep_dream.py --model deploy.prototxt --weights W.caffemodel --layer inception_4c/output
                         --image sky.jpg --mean 104 117 123 --scale 1

The gradient that is written into the layer's top is the top itself, so a step along the gradient of
the input makes strong activations stronger. The image is dreamt at several sizes, the octaves, from
small to large; what the smaller ones added is carried along. Each step first shifts the image by a
few pixels, the jitter, so that no pattern of tiles remains. Without --model a small net is trained
on digits first, and dreams of strokes and loops.
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

TRAINED_SIZE = 16


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/dream"), help="folder to write to")
    parser.add_argument("--model", help="prototxt with force_backward: true and one input")
    parser.add_argument("--weights", help="its .caffemodel")
    parser.add_argument("--image", help="file to begin with; noise without it")
    parser.add_argument("--layer", default="relu2", help="layer whose top is to grow")
    parser.add_argument("--mean", type=float, nargs="+", default=[0], help="subtracted, BGR")
    parser.add_argument("--scale", type=float, default=1 / 255, help="times pixels less the mean")
    parser.add_argument("--size", type=int, default=160, help="side of the noise to begin with")
    parser.add_argument("--octaves", type=int, default=4, help="how many sizes to dream at")
    parser.add_argument("--steps", type=int, default=20, help="steps at each size")
    parser.add_argument("--rate", type=float, default=3.0, help="mean change of a pixel in a step")
    parser.add_argument("--iterations", type=int, default=500, help="steps of training")
    return parser.parse_args()


def features(n):
    """Add convolutions, which take images of any size."""
    msra = {"type": "msra"}
    n.conv1 = L.Convolution(n.data, kernel_size=5, pad=2, num_output=16, weight_filler=msra)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, pool=P.Pooling.AVE, kernel_size=2, stride=2)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, pad=2, num_output=32, weight_filler=msra)
    n.relu2 = L.ReLU(n.conv2, in_place=True)


def train(out, iterations):
    """Train on digits; return the prototxt of the convolutions alone, and the weights."""
    digits = load_digits()
    large = [
        Image.fromarray(np.rint(image * 255 / 16).astype(np.uint8)).resize(
            (TRAINED_SIZE, TRAINED_SIZE), Image.Resampling.BICUBIC
        )
        for image in digits.images
    ]
    with h5py.File(out / "digits.h5", "w") as file:
        file["data"] = np.stack(large)[:, np.newaxis].astype(np.float32) / 255
        file["label"] = digits.target.astype(np.float32)
    (out / "digits.txt").write_text(f"{out / 'digits.h5'}\n")

    n = caffe.NetSpec()
    n.data, n.label = L.HDF5Data(
        source=str(out / "digits.txt"), batch_size=64, shuffle=True, ntop=2
    )
    features(n)
    n.score = L.InnerProduct(n.relu2, num_output=10, weight_filler={"type": "xavier"})
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    (out / "train.prototxt").write_text(str(n.to_proto()))
    (out / "solver.prototxt").write_text(
        f'net: "{out / "train.prototxt"}" base_lr: 0.02 lr_policy: "fixed" momentum: 0.9\n'
        "weight_decay: 0.0005 random_seed: 1\n"
    )
    solver = caffe.SGDSolver(str(out / "solver.prototxt"))
    solver.step(iterations)
    solver.net.save(str(out / "digits.caffemodel"))

    n = caffe.NetSpec()
    n.data = L.Input(shape={"dim": [1, 1, TRAINED_SIZE, TRAINED_SIZE]})
    features(n)
    # A net without a loss has no backward pass unless it is forced to have one.
    (out / "dream.prototxt").write_text(f"force_backward: true\n{n.to_proto()}")
    return str(out / "dream.prototxt"), str(out / "digits.caffemodel")


def ascend(net, layer, rate, limits, random):
    """Move the input one step towards a greater top of the layer; return Σ top² / 2 before it."""
    data, top = net.blobs[net.inputs[0]], net.blobs[net.top_names[layer][0]]
    shift = random.integers(-8, 9, size=2)
    data.data[...] = np.roll(data.data, shift, axis=(2, 3))
    net.forward(end=layer)
    strength = float(np.sum(np.square(top.data))) / 2
    top.diff[...] = top.data
    net.backward(start=layer)
    step = rate * data.diff / (np.abs(data.diff).mean() + 1e-12)
    data.data[...] = np.clip(np.roll(data.data + step, -shift, axis=(2, 3)), *limits)
    return strength


def zoom(image, shape):
    """Return (1, C, H, W) at another size."""
    planes = [Image.fromarray(plane).resize(shape[::-1]) for plane in image[0].astype(np.float32)]
    return np.stack(planes)[np.newaxis]


def dream(net, image, args, limits):
    """Return the image as the net would rather see it."""
    random = np.random.default_rng(1)
    sizes = [tuple(int(n / 1.4**k) for n in image.shape[2:]) for k in range(args.octaves)][::-1]
    detail = np.zeros_like(image)
    for size in sizes:
        base = zoom(image, size)
        net.blobs[net.inputs[0]].reshape(*base.shape)
        net.blobs[net.inputs[0]].data[...] = base + zoom(detail, size)
        strengths = [
            ascend(net, args.layer, args.rate * args.scale, limits, random)
            for _ in range(args.steps)
        ]
        print(f"{size[1]} x {size[0]}: strength {strengths[0]:.4g} -> {strengths[-1]:.4g}")
        detail = net.blobs[net.inputs[0]].data - base
    return base + detail


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    model, weights = (args.model, args.weights) if args.model else train(args.out, args.iterations)
    net = caffe.Net(model, weights, caffe.TEST)
    channels = net.blobs[net.inputs[0]].channels
    if args.image:
        pixels = caffe.io.load_image(args.image, color=channels == 3)[..., ::-1] * 255
    else:
        pixels = np.random.default_rng(2).uniform(96, 160, (args.size, args.size, channels))
    mean = np.reshape(args.mean, (1, -1, 1, 1))
    limits = [(value - mean) * args.scale for value in (0, 255)]
    start = (pixels.transpose(2, 0, 1)[np.newaxis] - mean) * args.scale
    result = dream(net, start, args, limits)
    pixels = np.rint(result[0] / args.scale + mean[0]).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(np.squeeze(pixels.transpose(1, 2, 0)[..., ::-1]))
    picture.save(args.out / "dream.png")
    print(f"wrote {args.out / 'dream.png'}, {picture.width} x {picture.height}")


if __name__ == "__main__":
    main()

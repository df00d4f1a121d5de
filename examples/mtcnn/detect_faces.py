"""Find faces and five landmarks in each with the three nets of MTCNN.

    python -m netcfg.pycaffe examples/mtcnn/detect_faces.py image.jpg --out faces.png

The nets are the zoo's, whose weights are downloaded at first; with --models DIR they are det1, det2
and det3 of a folder, each a .prototxt and a .caffemodel. P-Net is convolutional: it runs on the
image in many sizes and looks for faces of 12 x 12 pixels. R-Net looks again at what it found, in
24 x 24, and O-Net at what is left, in 48 x 48; each answers whether it is a face and how to move
the edges of the box, and O-Net where eyes, nose and corners of the mouth are. After each net boxes
that overlap a better one are dropped (K. Zhang et al., Joint Face Detection and Alignment using
Multi-task Cascaded Convolutional Networks, 2016).

The nets were trained from MATLAB, whose arrays run down the columns: their inputs are (N, 3, W, H),
red first, (x − 127.5) / 128. Boxes are rows (left, top, right, bottom), right and bottom excluded.
Left is left in the picture.
"""

import argparse
from pathlib import Path

import caffe
import numpy as np
from PIL import Image, ImageDraw, ImageOps

NETS = {"det1": "mtcnn_p", "det2": "mtcnn_r", "det3": "mtcnn_o"}
"""What the authors' files are called, and the models of the zoo."""
WINDOW, STRIDE = 12, 2
"""P-Net sees squares of 12 pixels, one every 2 pixels."""
THRESHOLDS = 0.6, 0.7, 0.7
"""The least probability of a face, for P-Net, R-Net and O-Net."""
SHRINK = 0.709
"""Each size of the image has about half the area of the one before."""
LANDMARKS = "left eye", "right eye", "nose", "left corner of mouth", "right corner of mouth"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path, help="image file to search")
    parser.add_argument(
        "--models", type=Path, help="folder of the nets and weights (default: those of the zoo)"
    )
    parser.add_argument("--out", type=Path, default=Path("faces.png"), help="picture to write")
    parser.add_argument("--min-size", type=int, default=20, help="pixels of the smallest face")
    args = parser.parse_args()
    for path in (path for pair in files(args.models) for path in pair):
        if args.models and not Path(path).exists():
            parser.error(f"there is no file '{path}'")
    if not args.image.exists():
        parser.error(f"there is no file '{args.image}'")
    if args.min_size < WINDOW:
        parser.error(f"--min-size is {WINDOW} or more; given {args.min_size}")
    return args


def files(folder):
    """Return net and weights of P-Net, R-Net and O-Net, of a folder or of the zoo."""
    if folder is None:
        return [(f"zoo:{name}", f"zoo:{name}/weights") for name in NETS.values()]
    return [(str(folder / f"{file}.prototxt"), str(folder / f"{file}.caffemodel")) for file in NETS]


def run(net, images):
    """Return the outputs of a net for images of one size."""
    pixels = np.stack([np.asarray(image, np.float32) for image in images])
    data = ((pixels - 127.5) / 128).transpose(0, 3, 2, 1)  # (N, H, W, 3) to (N, 3, W, H)
    net.blobs["data"].reshape(*data.shape)
    net.reshape()
    return net.forward(data=data)


def propose(net, image, min_size):
    """Return boxes (n, 4) and their scores (n,) that P-Net finds in all sizes of the image."""
    boxes, scores = [np.empty((0, 4))], [np.empty(0)]
    scale = WINDOW / min_size
    while min(image.size) * scale >= WINDOW:
        width, height = (int(np.ceil(side * scale)) for side in image.size)
        found = run(net, [image.resize((width, height), Image.Resampling.BILINEAR)])
        face = found["prob1"][0, 1]  # (w, h)
        x, y = np.nonzero(face > THRESHOLDS[0])
        corner = STRIDE * np.stack([x, y], axis=1)
        here = np.concatenate([corner, corner + WINDOW], axis=1) / scale
        keep = suppress(here, face[x, y], 0.5)
        here = move(here, found["conv4-2"][0][:, x, y].T)
        boxes.append(here[keep])
        scores.append(face[x, y][keep])
        scale *= SHRINK
    boxes, scores = np.concatenate(boxes), np.concatenate(scores)
    keep = suppress(boxes, scores, 0.7)
    return boxes[keep], scores[keep]


def look_again(net, image, boxes, size, threshold):
    """Return which boxes a net takes for faces, their scores, and all its outputs for them."""
    cuts = [image.crop(tuple(box)) for box in boxes]  # black outside of the image
    found = run(net, [cut.resize((size, size), Image.Resampling.BILINEAR) for cut in cuts])
    scores = found["prob1"][:, 1]
    keep = scores > threshold
    return keep, scores[keep], {name: array[keep] for name, array in found.items()}


def suppress(boxes, scores, most, of_smaller=False):
    """Return indices of boxes, best first, without those that overlap a better one.

    The overlap is intersection over union, or over the smaller of both areas.
    """
    order, kept = np.argsort(-scores, kind="stable"), []
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        shared = np.minimum(boxes[order, 2:], boxes[best, 2:])
        shared = shared - np.maximum(boxes[order, :2], boxes[best, :2])
        shared = np.prod(np.maximum(shared, 0), axis=1)
        if of_smaller:
            whole = np.minimum(area[order], area[best])
        else:
            whole = area[order] + area[best] - shared
        order = order[shared <= most * whole]
    return np.array(kept, int)


def move(boxes, shifts):
    """Return boxes whose four edges are moved by parts of their width and height."""
    return boxes + shifts * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def square(boxes):
    """Return squares in whole pixels around the middles of boxes, as long as their longer sides."""
    side = np.maximum(1, np.rint((boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)))
    corner = np.rint((boxes[:, :2] + boxes[:, 2:] - side) / 2)
    return np.concatenate([corner, corner + side], axis=1)


def detect(nets, image, min_size=20):
    """Return faces as boxes (n, 4), scores (n,) and landmarks (n, 5, 2), surest first."""
    p_net, r_net, o_net = nets
    boxes, scores = propose(p_net, image, min_size)
    if len(boxes):
        boxes = square(boxes)
        kept, scores, found = look_again(r_net, image, boxes, 24, THRESHOLDS[1])
        boxes, order = boxes[kept], suppress(boxes[kept], scores, 0.7)
        boxes = move(boxes[order], found["conv5-2"][order])
    if not len(boxes):
        return boxes, scores, np.empty((0, 5, 2))
    boxes = square(boxes)
    kept, scores, found = look_again(o_net, image, boxes, 48, THRESHOLDS[2])
    boxes = boxes[kept]
    sides = boxes[:, np.newaxis, 2:] - boxes[:, np.newaxis, :2]
    points = found["conv6-3"].reshape(-1, 2, 5).transpose(0, 2, 1)  # all x, then all y
    points = boxes[:, np.newaxis, :2] + points * sides
    boxes = move(boxes, found["conv6-2"])
    order = suppress(boxes, scores, 0.7, of_smaller=True)
    return boxes[order], scores[order], points[order]


def draw(image, boxes, points):
    """Return a picture of the image with boxes and landmarks, twice as large."""
    picture = image.resize((2 * image.width, 2 * image.height))
    pen = ImageDraw.Draw(picture)
    for box, five in zip(boxes, points, strict=True):
        pen.rectangle((2 * box).tolist(), outline="lime", width=2)
        for point in five:
            pen.circle((2 * point).tolist(), 3, fill="red")
    return picture


def main():
    args = arguments()
    with Image.open(args.image) as file:
        image = ImageOps.exif_transpose(file).convert("RGB")
    nets = [caffe.Net(net, weights, caffe.TEST) for net, weights in files(args.models)]
    boxes, scores, points = detect(nets, image, args.min_size)
    for box, score, five in zip(boxes, scores, points, strict=True):
        left, top, right, bottom = box.round().astype(int)
        print(f"face {score:.4f} from ({left}, {top}) to ({right}, {bottom})")
        for name, (x, y) in zip(LANDMARKS, five, strict=True):
            print(f"  {name} ({x:.0f}, {y:.0f})")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    draw(image, boxes, points).save(args.out)
    print(f"found {len(boxes)} {'face' if len(boxes) == 1 else 'faces'}; wrote {args.out}")


if __name__ == "__main__":
    main()

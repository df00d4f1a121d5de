"""Measure how well a Faster R-CNN finds the objects of its TEST images: average precision.

    python -m netcfg.pycaffe examples/faster_rcnn/evaluate.py [--net NET] [--weights FILE]

In its TEST phase the net has data and objects of an AnnotatedData layer, and blobs im_info, rois,
cls_prob and bbox_pred; configs/shapes_rcnn is one. Each region has a score and four offsets for
each class: the region is moved by the offsets, boxes of a class that overlap a better one by more
than --nms are dropped, and what remains is compared with the objects, as PASCAL VOC does it: a box
is right if it overlaps an object of its class that no better box has found by more than half.
"""

import argparse
from pathlib import Path

import caffe
import numpy as np

from netcfg.average_precision import VERSIONS, evaluate_boxes, mean
from netcfg.layers.anchors import decode
from netcfg.vision.boxes import best_boxes

FOLDER = Path("out/shapes_rcnn")
BLOBS = "data", "objects", "im_info", "rois", "cls_prob", "bbox_pred"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", type=Path, default=Path("configs/shapes_rcnn/train_val.prototxt"))
    weights = FOLDER / "rcnn_iter_1100.caffemodel"
    parser.add_argument("--weights", type=Path, default=weights)
    parser.add_argument("--images", type=int, default=400, help="how many to look at; 400")
    parser.add_argument("--nms", type=float, default=0.3, help="greatest overlap of two boxes; 0.3")
    parser.add_argument("--threshold", type=float, default=0.01, help="least score; 0.01")
    args = parser.parse_args()
    for path in (args.net, args.weights):
        if not path.is_file():
            parser.error(f"there is no file '{path}'")
    if args.images < 1:
        parser.error(f"--images is 1 or more; given {args.images}")
    return args


def found(blobs, image, nms, threshold):
    """Return what the net finds in an image of the batch, rows (class, score, x1, y1, x2, y2)."""
    own = blobs["rois"].data[:, 0] == image
    regions, scores = blobs["rois"].data[own, 1:], blobs["cls_prob"].data[own]
    classes = scores.shape[1]
    offsets = blobs["bbox_pred"].data[own].reshape(-1, 4)
    boxes = decode(np.repeat(regions, classes, axis=0).astype(float), offsets.astype(float))
    height, width = blobs["im_info"].data[image, :2]
    boxes = np.clip(boxes, 0, [width, height, width, height]).reshape(-1, classes, 4)
    return best_boxes(boxes[:, 1:], scores[:, 1:].astype(float), threshold, nms)


def objects(blobs, image):
    """Return the objects of an image, rows (class, x1, y1, x2, y2, difficult) in pixels."""
    rows = blobs["objects"].data.reshape(-1, 8)
    rows = rows[rows[:, 0] == image]
    height, width = blobs["im_info"].data[image, :2]
    return np.column_stack([rows[:, 1], rows[:, 3:7] * [width, height, width, height], rows[:, 7]])


def main():
    args = arguments()
    net = caffe.Net(str(args.net), str(args.weights), caffe.TEST)
    if missing := [name for name in BLOBS if name not in net.blobs]:
        raise SystemExit(f"{args.net} must have blobs {', '.join(BLOBS)}; lacks {missing[0]}")
    detections, truth = [], []
    while len(truth) < args.images:
        net.forward()
        for image in range(min(len(net.blobs["data"].data), args.images - len(truth))):
            detections.append(found(net.blobs, image, args.nms, args.threshold))
            truth.append(objects(net.blobs, image))
    result = evaluate_boxes(detections, truth)
    print(f"{len(truth)} images, {sum(map(len, truth))} objects, {sum(map(len, detections))} boxes")
    for version in VERSIONS:
        precisions = result.average_precisions(version)
        each = ", ".join(f"class {label} {value:.4f}" for label, value in precisions.items())
        print(f"mAP {version} {mean(precisions):.4f}: {each}")


if __name__ == "__main__":
    main()

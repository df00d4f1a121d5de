"""YOLO, versions 2 and 3: one pass over the image gives boxes, scores and classes of each cell.

Redmon and Farhadi, "YOLO9000: better, faster, stronger", 2016, arXiv:1612.08242, and "YOLOv3: an
incremental improvement", 2018, arXiv:1804.02767. Layers are numbered as in Darknet's files, from 1,
with the names that converters of these give: layer1-conv, layer1-bn, layer1-scale, layer1-act, ….
Here blue comes first in training; published weights take red first.
"""

from collections.abc import Callable, Iterator
from typing import Any

from models.programs.common import L, Model, P, Recipe, conv, finished, pool, without_training
from models.programs.trunks import VOC, both_phases, image
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

SIDE = 416
V2_ANCHORS = (
    1.3221,
    1.73145,
    3.19275,
    4.00944,
    5.05587,
    8.09892,
    9.47112,
    4.84053,
    11.2364,
    10.0071,
)
"""Widths and heights in cells of 32 pixels."""

V2_BOXES = len(V2_ANCHORS) // 2

V3_ANCHORS = (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)
"""Widths and heights in pixels; the last three are those of the coarsest map."""

V3_MASKS = ((6, 7, 8), (3, 4, 5), (0, 1, 2))
"""Anchors of each grid, the coarsest first."""

V3_CELLS = (32, 16, 8)
V3_CLASSES = 80
DISTORTION = {
    "brightness_prob": 0.5,
    "brightness_delta": 32,
    "hue_prob": 0.5,
    "hue_delta": 18,
    "saturation_prob": 0.5,
    "saturation_lower": 0.5,
    "saturation_upper": 1.5,
}
"""How colours are varied in training."""

SCORES = {"confidence_threshold": 0.005, "nms_threshold": 0.45}


class Darknet:
    """Adds layers as Darknet's files list them.

    Attributes:
        n: the net.
        tops: what each layer gave, from number 1; entry 0 is the image.
    """

    def __init__(self, n: NetSpec) -> None:
        self.n = n
        self.tops: list[Top] = [n.data]

    def _add(self, kind: str, top: Top) -> Top:
        self.n[f"layer{len(self.tops)}-{kind}"] = top
        return top

    def conv(self, outputs: int, kernel: int, stride: int = 1) -> Top:
        """Add a convolution, its normalization and a leaky rectifier."""
        x, n = self.tops[-1], self.n
        x = self._add("conv", conv(x, outputs, kernel, stride=stride, pad=kernel // 2, bias=False))
        x = self._add("bn", L.BatchNorm(x, in_place=True))
        x = self._add("scale", L.Scale(x, bias_term=True, in_place=True))
        x = self._add("act", L.ReLU(x, in_place=True, negative_slope=0.1))
        self.tops.append(x)
        return n[f"layer{len(self.tops) - 1}-act"]

    def scores(self, outputs: int) -> Top:
        """Add the convolution that boxes are read off."""
        self.tops.append(self._add("conv", conv(self.tops[-1], outputs, 1)))
        return self.tops[-1]

    def halve(self) -> None:
        """Add a pooling of 2 × 2."""
        self.tops.append(self._add("maxpool", pool(self.tops[-1], "MAX", 2, stride=2)))

    def shortcut(self, back: int) -> None:
        """Add the output of the layer ``back`` layers ago."""
        self.tops.append(self._add("shortcut", L.Eltwise(self.tops[-back], self.tops[-1])))

    def reorg(self) -> None:
        """Make channels of pixels."""
        self.tops.append(self._add("reorg", L.Reorg(self.tops[-1], stride=2)))

    def enlarge(self) -> None:
        """Double each pixel."""
        self.tops.append(self._add("upsample", L.Upsample(self.tops[-1], scale=2)))

    def route(self, *tops: Top) -> None:
        """Go on from some tops, one behind the other."""
        top = self._add("concat", L.Concat(*tops)) if len(tops) > 1 else tops[0]
        self.tops.append(top)


def v2(n: NetSpec) -> list[Top]:
    """Add the body of version 2 for the classes of VOC; return its grid."""
    net = Darknet(n)
    net.conv(32, 3)
    net.halve()
    net.conv(64, 3)
    net.halve()
    for width in (128, 256):
        narrowing(net, width, 3)
        net.halve()
    fine = narrowing(net, 512, 5)
    net.halve()
    narrowing(net, 1024, 5)
    net.conv(1024, 3)
    coarse = net.conv(1024, 3)
    net.route(fine)
    net.conv(64, 1)
    net.reorg()
    net.route(net.tops[-1], coarse)
    net.conv(1024, 3)
    return [net.scores(V2_BOXES * (5 + len(VOC)))]


def v2_answer(n: NetSpec, grids: list[Top], **others: Any) -> None:
    """Add the choice of the best boxes."""
    fields = {"num_classes": len(VOC), "num_box": V2_BOXES, "coords": 4, "biases": list(V2_ANCHORS)}
    n.detection_out = L.YoloDetectionOutput(
        *grids, yolo_detection_output_param=fields | SCORES, **others
    )


def v2_loss(n: NetSpec, grids: list[Top]) -> None:
    """Add what Darknet's file for VOC learns from."""
    n.loss = L.RegionLoss(
        *grids,
        n.label,
        include={"phase": TRAIN},
        region_loss_param={
            "num_class": len(VOC),
            "num": V2_BOXES,
            "object_scale": 5,
            "noobject_scale": 1,
            "coord_scale": 1,
            "thresh": 0.6,
            "biases": list(V2_ANCHORS),
        },
    )


def narrowing(net: Darknet, width: int, count: int) -> Top:
    """Add ``count`` convolutions, 3 × 3 ones in turn with 1 × 1 ones of half the width."""
    for i in range(count):
        top = net.conv(width // 2, 1) if i % 2 else net.conv(width, 3)
    return top


def v3(n: NetSpec) -> list[Top]:
    """Add the body of version 3 for the classes of COCO; return its grids."""
    net, ends, grids = Darknet(n), [], []
    net.conv(32, 3)
    for width, depth in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        net.conv(width, 3, 2)
        for _ in range(depth):
            net.conv(width // 2, 1)
            net.conv(width, 3)
            net.shortcut(3)
        ends.append(net.tops[-1])
    for width, lower in ((512, ends[3]), (256, ends[2]), (128, None)):
        grids.append(read_off(net, width))
        if lower is not None:
            net.route(net.tops[-4])
            net.conv(width // 2, 1)
            net.enlarge()
            net.route(net.tops[-1], lower)
    return grids


def v3_answer(n: NetSpec, grids: list[Top], **others: Any) -> None:
    """Add the choice of the best boxes."""
    fields = {"num_classes": V3_CLASSES, "num_box": 3, "biases": list(V3_ANCHORS)}
    fields |= {"mask": [k for mask in V3_MASKS for k in mask], "mask_group_num": 3}
    fields |= {"anchors_scale": list(V3_CELLS)}
    n.detection_out = L.Yolov3DetectionOutput(
        *grids, yolov3_detection_output_param=fields | SCORES, **others
    )


def v3_loss(n: NetSpec, grids: list[Top]) -> None:
    """Add what each grid learns from; an object is learned by its best anchor alone."""
    for i, (grid, mask, cell) in enumerate(zip(grids, V3_MASKS, V3_CELLS, strict=True), 1):
        n[f"loss{i}"] = L.Yolov3(
            grid,
            n.label,
            name=f"loss{i}",
            include={"phase": TRAIN},
            yolov3_param={
                "num_class": V3_CLASSES,
                "num": len(mask),
                "noobject_scale": 1,
                "coord_scale": 1,
                "thresh": 0.7,
                "anchors_scale": cell,
                "biases": list(V3_ANCHORS),
                "mask": list(mask),
                "iou_thresh": 1,
                "label_smooth_eps": 0,
            },
        )


def read_off(net: Darknet, width: int) -> Top:
    """Add the convolutions of one size and the grid; Darknet counts its output as a layer, too."""
    for _ in range(3):
        net.conv(width, 1)
        net.conv(2 * width, 3)
    grid = net.scores(3 * (5 + V3_CLASSES))
    net.route(grid)
    return grid


# Files ------------------------------------------------------------------------------------------

Body = Callable[[NetSpec], list[Top]]


def deploy(title: str, body: Body, answer: Callable[..., None]) -> NetParameter:
    """Return the net that answers with rows (image, label, score, x1, y1, x2, y2)."""
    n = NetSpec()
    image(n, SIDE, SIDE)
    answer(n, body(n))
    return without_training(finished(n, title))


def annotated(data: str, phase: int, batch: int) -> Any:
    """Return the tops of the layer that reads images and objects."""
    train = phase == TRAIN
    resize = {"resize_mode": P.Resize.WARP, "interp_mode": [P.Resize.LINEAR]}
    transform: dict[str, Any] = {
        "scale": 1 / 255,
        "resize_param": {"height": SIDE, "width": SIDE, **resize},
    }
    if train:
        transform |= {"mirror": True, "distort_param": DISTORTION}
    return L.AnnotatedData(
        name="data",
        ntop=2,
        include={"phase": phase},
        transform_param=transform,
        data_param={
            "source": f"{data}/{'trainval' if train else 'test'}_lmdb",
            "batch_size": batch,
            "backend": P.Data.LMDB,
        },
        annotated_data_param={"yolo_data_type": 1} if train else {},
    )


def train_val(
    title: str, data: str, classes: int, body: Body, loss: Callable[..., None], answer: Any
) -> NetParameter:
    """Return the net that learns, and counts its right boxes at TEST."""
    n = NetSpec()
    n.data, n.label = annotated(data, TRAIN, 8)
    grids = body(n)
    loss(n, grids)
    answer(n, grids, include={"phase": TEST})
    n.detection_eval = L.DetectionEvaluate(
        n.detection_out,
        n.label,
        include={"phase": TEST},
        num_classes=classes + 1,
        background_label_id=0,
        overlap_threshold=0.5,
        evaluate_difficult_gt=False,
    )
    check = NetSpec()
    check.data, check.label = annotated(data, TEST, 8)
    return both_phases(finished(n, title), check.to_proto())


def recipe(steps: list[int], images: int) -> Recipe:
    """Return how Darknet's files train: 64 images a step."""
    policy = {"lr_policy": "multistep", "gamma": 0.1, "stepvalue": steps[:-1]}
    others = {
        "iter_size": 8,
        "test_iter": [-(-images // 8)],
        "test_interval": 10000,
        "eval_type": "detection",
        "ap_version": "11point",
    }
    return Recipe(0.001, steps[-1], policy, others)


def models() -> Iterator[Model]:
    """Yield both versions."""
    versions = (
        ("yolov2", "YOLOv2", v2, v2_loss, v2_answer, "data/VOC0712", len(VOC)),
        ("yolov3", "YOLOv3", v3, v3_loss, v3_answer, "data/coco", V3_CLASSES),
    )
    recipes = recipe([40000, 60000, 80200], 4952), recipe([400000, 450000, 500200], 5000)
    for (name, title, body, loss, answer, data, classes), how in zip(
        versions, recipes, strict=True
    ):
        files = {
            "deploy.prototxt": deploy(title, body, answer),
            "train_val.prototxt": train_val(title, data, classes, body, loss, answer),
            "solver.prototxt": how.solver(name),
        }
        yield Model(name, files, __name__)

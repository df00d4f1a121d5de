"""YOLO, versions 2 and 3: one pass over the image gives boxes, scores and classes of each cell.

Redmon and Farhadi, "YOLO9000: better, faster, stronger", 2016, arXiv:1612.08242, and "YOLOv3: an
incremental improvement", 2018, arXiv:1804.02767. Layers are numbered as in Darknet's files, from 1,
with the names that converters of these give: layer1-conv, layer1-bn, layer1-scale, layer1-act, ….
"""

from collections.abc import Iterator

from models.programs.common import L, Model, conv, finished, pool, without_training
from models.programs.trunks import VOC, image
from netcfg.netcfg_pb2 import NetParameter
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

V3_ANCHORS = (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)
"""Widths and heights in pixels; the last three are those of the coarsest map."""

V3_CLASSES = 80
SCORES = {"confidence_threshold": 0.005, "nms_threshold": 0.45}


class Darknet:
    """Adds layers as Darknet's files list them.

    Attributes:
        n: the net.
        tops: what each layer gave, from number 1; entry 0 is the image.
    """

    def __init__(self) -> None:
        self.n = NetSpec()
        self.tops: list[Top] = [image(self.n, SIDE, SIDE)]

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

    def finish(self, title: str) -> NetParameter:
        """Return the net."""
        return without_training(finished(self.n, title))


def v2() -> NetParameter:
    """Return version 2 for the classes of VOC."""
    net = Darknet()
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
    boxes = len(V2_ANCHORS) // 2
    grid = net.scores(boxes * (5 + len(VOC)))
    net.n.detection_out = L.YoloDetectionOutput(
        grid, num_classes=len(VOC), num_box=boxes, coords=4, biases=list(V2_ANCHORS), **SCORES
    )
    return net.finish("YOLOv2")


def narrowing(net: Darknet, width: int, count: int) -> Top:
    """Add ``count`` convolutions, 3 × 3 ones in turn with 1 × 1 ones of half the width."""
    for i in range(count):
        top = net.conv(width // 2, 1) if i % 2 else net.conv(width, 3)
    return top


def v3() -> NetParameter:
    """Return version 3 for the classes of COCO."""
    net, ends, grids = Darknet(), [], []
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
    net.n.detection_out = L.Yolov3DetectionOutput(
        *grids,
        num_classes=V3_CLASSES,
        num_box=3,
        biases=list(V3_ANCHORS),
        mask=[6, 7, 8, 3, 4, 5, 0, 1, 2],
        mask_group_num=3,
        anchors_scale=[32, 16, 8],
        **SCORES,
    )
    return net.finish("YOLOv3")


def read_off(net: Darknet, width: int) -> Top:
    """Add the convolutions of one size and the grid; Darknet counts its output as a layer, too."""
    for _ in range(3):
        net.conv(width, 1)
        net.conv(2 * width, 3)
    grid = net.scores(3 * (5 + V3_CLASSES))
    net.route(grid)
    return grid


def models() -> Iterator[Model]:
    """Yield both versions."""
    yield Model("yolov2", {"deploy.prototxt": v2()}, __name__)
    yield Model("yolov3", {"deploy.prototxt": v3()}, __name__)

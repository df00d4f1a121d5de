"""SSD: boxes and classes read off maps of several sizes, for the anchors of each place.

Liu et al., "SSD: single shot multibox detector", 2016, arXiv:1512.02325, on VGG-16 as its authors
have it for 300 and 512 pixels. Layers have the names of their Caffe files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.programs.common import (
    WEIGHT_AND_BIAS,
    XAVIER,
    L,
    Model,
    P,
    Recipe,
    conv,
    finished,
    pool,
    relu,
    without_training,
)
from models.programs.trunks import VOC, both_phases, image, vgg
from netcfg.netcfg_pb2 import TEST, TRAIN, EmitConstraint, LabelMap, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

CLASSES = len(VOC) + 1
LABEL_MAP = "labelmap_voc.prototxt"
VARIANCE = [0.1, 0.1, 0.2, 0.2]
OVERLAPS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of samples with an object, of which each is tried."""

VGG_RATIOS = ([2], [2, 3], [2, 3], [2, 3], [2], [2])

Features = Callable[[NetSpec], list[Top]]
"""Adds the maps above ``n.data`` and returns those that boxes are read off."""


@dataclass(frozen=True)
class Anchors:
    """The anchors of a map.

    Attributes:
        source: name of the map's layer.
        small, large: sides of the squares in pixels, the second one geometrically between; 0 for
            no second one.
        ratios: width over height of the others; each is turned, too.
        step: pixels from one place to the next; 0 for what follows from the sizes.
    """

    source: str
    small: float
    large: float
    ratios: Sequence[float]
    step: int = 0

    @property
    def count(self) -> int:
        """How many there are at each place."""
        return 1 + bool(self.large) + 2 * len(self.ratios)


@dataclass(frozen=True)
class Frame:
    """What SSDs differ in.

    Attributes:
        side: of the image in pixels.
        anchors: for each map.
        kernel: of the convolutions that read boxes off.
        mean, scale: of the pixels.
        top_k: boxes of a class that are compared.
        keep: boxes of an image that remain.
        threshold: least score.
        batch: images a step, at TRAIN and TEST.
    """

    side: int
    anchors: Sequence[Anchors]
    kernel: int = 3
    mean: tuple[float, ...] = (104, 117, 123)
    scale: float = 1
    top_k: int = 400
    keep: int = 200
    threshold: float = 0.01
    batch: tuple[int, int] = (32, 8)


# Heads ------------------------------------------------------------------------------------------


def head(n: NetSpec, frame: Frame, maps: Sequence[Top], data: Top) -> None:
    """Add mbox_loc, mbox_conf and mbox_priorbox: offsets, scores and anchors of all maps."""
    parts: dict[str, list[Top]] = {"loc": [], "conf": [], "priorbox": []}
    for anchors, x in zip(frame.anchors, maps, strict=True):
        for kind, numbers in (("loc", 4), ("conf", CLASSES)):
            name = f"{anchors.source}_mbox_{kind}"
            n[name] = conv(
                x,
                anchors.count * numbers,
                frame.kernel,
                pad=frame.kernel // 2,
                weight_filler=XAVIER,
                param=WEIGHT_AND_BIAS,
            )
            n[f"{name}_perm"] = L.Permute(n[name], order=[0, 2, 3, 1])
            n[f"{name}_flat"] = L.Flatten(n[f"{name}_perm"], axis=1)
            parts[kind].append(n[f"{name}_flat"])
        name = f"{anchors.source}_mbox_priorbox"
        n[name] = L.PriorBox(x, data, **prior_box(anchors))
        parts["priorbox"].append(n[name])
    for kind, tops in parts.items():
        n[f"mbox_{kind}"] = L.Concat(*tops, axis=2 if kind == "priorbox" else 1)


def prior_box(anchors: Anchors) -> dict[str, Any]:
    """Return the fields of the layer that lists anchors."""
    fields: dict[str, Any] = {"min_size": anchors.small}
    if anchors.large:
        fields["max_size"] = anchors.large
    fields |= {"aspect_ratio": list(anchors.ratios), "flip": True, "clip": False}
    fields["variance"] = VARIANCE
    if anchors.step:
        fields |= {"step": anchors.step, "offset": 0.5}
    return fields


def answer(n: NetSpec, frame: Frame, **others: Any) -> None:
    """Add the probabilities and the choice of the best boxes."""
    n.mbox_conf_reshape = L.Reshape(n.mbox_conf, shape={"dim": [0, -1, CLASSES]}, **others)
    n.mbox_conf_softmax = L.Softmax(n.mbox_conf_reshape, axis=2, **others)
    n.mbox_conf_flatten = L.Flatten(n.mbox_conf_softmax, axis=1, **others)
    n.detection_out = L.DetectionOutput(
        n.mbox_loc,
        n.mbox_conf_flatten,
        n.mbox_priorbox,
        detection_output_param={
            "num_classes": CLASSES,
            "share_location": True,
            "background_label_id": 0,
            "nms_param": {"nms_threshold": 0.45, "top_k": frame.top_k},
            "code_type": P.PriorBox.CENTER_SIZE,
            "keep_top_k": frame.keep,
            "confidence_threshold": frame.threshold,
        },
        **others,
    )


def deploy(title: str, features: Features, frame: Frame) -> NetParameter:
    """Return the net that answers with rows (image, label, score, x1, y1, x2, y2)."""
    n = NetSpec()
    data = image(n, frame.side, frame.side)
    head(n, frame, features(n), data)
    answer(n, frame)
    return without_training(finished(n, title))


# Training ---------------------------------------------------------------------------------------


def annotated(frame: Frame, phase: int) -> Any:
    """Return the tops of the layer that reads images and objects."""
    test = phase == TEST
    transform: dict[str, Any] = {"mean_value": list(frame.mean)}
    if frame.scale != 1:
        transform["scale"] = frame.scale
    transform["resize_param"] = {
        "prob": 1,
        "resize_mode": P.Resize.WARP,
        "height": frame.side,
        "width": frame.side,
        "interp_mode": [P.Resize.LINEAR],
    }
    fields: dict[str, Any] = {"label_map_file": LABEL_MAP}
    if not test:
        fields["batch_sampler"] = samplers()
        transform |= distortions()
        modes = [P.Resize.AREA, P.Resize.NEAREST, P.Resize.CUBIC, P.Resize.LANCZOS4]
        transform["resize_param"]["interp_mode"] += modes
    return L.AnnotatedData(
        name="data",
        ntop=2,
        include={"phase": phase},
        transform_param=transform,
        data_param={
            "source": f"data/VOC0712/{'test' if test else 'trainval'}_lmdb",
            "batch_size": frame.batch[test],
            "backend": P.Data.LMDB,
        },
        annotated_data_param=fields,
    )


def samplers() -> list[dict[str, Any]]:
    """Return the whole image, and parts that overlap an object by more and more."""
    part = {"min_scale": 0.3, "max_scale": 1, "min_aspect_ratio": 0.5, "max_aspect_ratio": 2}
    limits = [{"min_jaccard_overlap": overlap} for overlap in OVERLAPS]
    return [
        {"max_sample": 1, "max_trials": 1},
        *(
            {"sampler": part, "sample_constraint": limit, "max_sample": 1, "max_trials": 50}
            for limit in [*limits, {"max_jaccard_overlap": 1}]
        ),
    ]


def distortions() -> dict[str, Any]:
    """Return how colours and places are varied."""
    return {
        "mirror": True,
        "distort_param": {
            "brightness_prob": 0.5,
            "brightness_delta": 32,
            "contrast_prob": 0.5,
            "contrast_lower": 0.5,
            "contrast_upper": 1.5,
            "hue_prob": 0.5,
            "hue_delta": 18,
            "saturation_prob": 0.5,
            "saturation_lower": 0.5,
            "saturation_upper": 1.5,
            "random_order_prob": 0,
        },
        "expand_param": {"prob": 0.5, "max_expand_ratio": 4},
        "emit_constraint": {"emit_type": EmitConstraint.CENTER},
    }


def train_val(title: str, features: Features, frame: Frame) -> NetParameter:
    """Return the net that learns, and counts its right boxes at TEST."""
    n = NetSpec()
    data, n.label = annotated(frame, TRAIN)
    n.data = data
    head(n, frame, features(n), data)
    n.mbox_loss = L.MultiBoxLoss(
        n.mbox_loc,
        n.mbox_conf,
        n.mbox_priorbox,
        n.label,
        include={"phase": TRAIN},
        propagate_down=[True, True, False, False],
        loss_param={"normalization": P.Loss.VALID},
        num_classes=CLASSES,
        loc_loss_type=P.MultiBoxLoss.SMOOTH_L1,
        conf_loss_type=P.MultiBoxLoss.SOFTMAX,
        loc_weight=1,
        overlap_threshold=0.5,
        use_prior_for_matching=True,
        use_difficult_gt=True,
        background_label_id=0,
        mining_type=P.MultiBoxLoss.MAX_NEGATIVE,
        neg_pos_ratio=3,
        neg_overlap=0.5,
        code_type=P.PriorBox.CENTER_SIZE,
    )
    answer(n, frame, include={"phase": TEST})
    n.detection_eval = L.DetectionEvaluate(
        n.detection_out,
        n.label,
        include={"phase": TEST},
        num_classes=CLASSES,
        background_label_id=0,
        overlap_threshold=0.5,
        evaluate_difficult_gt=False,
    )
    check = NetSpec()
    check.data, check.label = annotated(frame, TEST)
    return both_phases(finished(n, title), check.to_proto())


def label_map() -> LabelMap:
    """Return the names of the classes as SSD's tools read them."""
    items = LabelMap()
    for label, name in enumerate(("background", *VOC)):
        item = items.item.add(label=label, display_name=name)
        item.name = name if label else "none_of_the_above"
    return items


# VGG-16 -----------------------------------------------------------------------------------------


def vgg_frame(
    side: int, sources: Sequence[str], sizes: Sequence[float], steps: Sequence[int]
) -> Frame:
    """Return the frame of an SSD on VGG; the maps take ever larger sizes, from one to the next."""
    wide = (VGG_RATIOS[0], *[VGG_RATIOS[1]] * (len(sources) - 3), *VGG_RATIOS[-2:])
    pairs = zip(sources, sizes, sizes[1:], wide, steps, strict=False)
    return Frame(side, [Anchors(*pair) for pair in pairs])


def vgg_features(side: int) -> Features:
    """Return the maps of VGG-16 and of the stages above."""
    stages = [(256, 512, 3, 2, 1), (128, 256, 3, 2, 1)]
    stages += [(128, 256, 3, 1, 0)] * 2 if side == 300 else [(128, 256, 3, 2, 1)] * 2
    stages += [(128, 256, 4, 1, 1)] if side == 512 else []

    def build(n: NetSpec) -> list[Top]:
        fields: dict[str, Any] = {"weight_filler": XAVIER, "param": WEIGHT_AND_BIAS}
        vgg(n, n.data, pools=4, param=lambda _: WEIGHT_AND_BIAS, weight_filler=XAVIER)
        n.pool5 = pool(n.relu5_3, "MAX", 3, stride=1, pad=1)
        n.fc6 = conv(n.pool5, 1024, 3, pad=6, dilation=6, **fields)
        n.fc7 = conv(relu(n, n.fc6, "relu6"), 1024, 1, **fields)
        x = relu(n, n.fc7, "relu7")
        n.conv4_3_norm = fine = L.Normalize(
            n.relu4_3,
            across_spatial=False,
            channel_shared=False,
            scale_filler={"type": "constant", "value": 20},
        )
        maps = [fine, x]
        for i, (narrow, wide, kernel, stride, pad) in enumerate(stages, 6):
            n[f"conv{i}_1"] = conv(x, narrow, 1, **fields)
            x = relu(n, n[f"conv{i}_1"], f"conv{i}_1_relu")
            n[f"conv{i}_2"] = conv(x, wide, kernel, stride=stride, pad=pad, **fields)
            x = relu(n, n[f"conv{i}_2"], f"conv{i}_2_relu")
            maps.append(x)
        return maps

    return build


# Models -----------------------------------------------------------------------------------------


def recipe(frame: Frame, base_lr: float, steps: Sequence[int]) -> Recipe:
    """Return how an SSD is trained; it is tested by its mean average precision."""
    policy = {"lr_policy": "multistep", "gamma": 0.1, "stepvalue": list(steps[:-1])}
    others = {
        "test_iter": [-(-4952 // frame.batch[1])],
        "test_interval": 10000,
        "eval_type": "detection",
        "ap_version": "11point",
    }
    return Recipe(base_lr, steps[-1], policy, others)


def detector(
    name: str,
    program: str,
    title: str,
    frame: Frame,
    bodies: tuple[Features, Features],
    how: Recipe,
) -> Model:
    """Return an SSD with all its files; ``bodies`` are those that answer and that learn."""
    files = {
        "deploy.prototxt": deploy(f"{title}_deploy", bodies[0], frame),
        "train_val.prototxt": train_val(f"{title}_train", bodies[1], frame),
        "solver.prototxt": how.solver(name),
        LABEL_MAP: label_map(),
    }
    return Model(name, files, program)


def models() -> Iterator[Model]:
    """Yield the SSDs on VGG-16."""
    sources = ["conv4_3_norm", "fc7", *(f"conv{i}_2" for i in range(6, 11))]
    sizes_and_steps = {
        300: ((30, 60, 111, 162, 213, 264, 315), (8, 16, 32, 64, 100, 300)),
        512: (
            (35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6),
            (8, 16, 32, 64, 128, 256, 512),
        ),
    }
    for side, (sizes, steps) in sizes_and_steps.items():
        frame = vgg_frame(side, sources[: len(steps)], sizes, steps)
        title, features = f"VGG_VOC0712_SSD_{side}x{side}", vgg_features(side)
        how = recipe(frame, 0.001, (80000, 100000, 120000))
        yield detector(f"ssd{side}", __name__, title, frame, (features, features), how)

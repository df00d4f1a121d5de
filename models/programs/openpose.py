"""OpenPose for the joints of COCO: maps of joints and of the limbs between them, refined in turn.

Cao et al., "Realtime multi-person 2D pose estimation using part affinity fields", 2016,
arXiv:1611.08050. Layers have the names of the authors' Caffe files.
"""

from collections.abc import Iterator

from models.programs.common import L, Model, conv, finished, relu, without_training
from models.programs.trunks import image, vgg
from models.programs.vgg import DEPTHS
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

BRANCHES = {"L1": 38, "L2": 19}
"""Maps of the vectors along 19 limbs, and of 18 joints and the background."""

SIDE = 368
STAGES = 6


def branch(n: NetSpec, x: Top, prefix: str, suffix: str, layers: list[tuple[int, int]]) -> Top:
    """Add convolutions of (width, kernel), rectified but for the last."""
    for i, (width, kernel) in enumerate(layers, 1):
        name = f"{prefix}conv5_{i}_{suffix}" if not prefix else f"{prefix}conv{i}_{suffix}"
        n[name] = conv(x, width, kernel, pad=kernel // 2)
        x = n[name]
        if i < len(layers):
            x = relu(n, x, f"{prefix}relu{'' if prefix else '5_'}{i}_{suffix}")
    return x


def deploy() -> NetParameter:
    """Return the net that answers with 57 maps, an eighth of the image high and wide."""
    n = NetSpec()
    x = vgg(n, image(n, SIDE, SIDE, name="image"), depths=DEPTHS["vgg19"][:3], pools=3)
    for i, width in enumerate((512, 512), 1):
        n[f"conv4_{i}"] = conv(x, width, 3, pad=1)
        x = relu(n, n[f"conv4_{i}"], f"relu4_{i}")
    for i, width in enumerate((256, 128), 3):
        n[f"conv4_{i}_CPM"] = conv(x, width, 3, pad=1)
        x = relu(n, n[f"conv4_{i}_CPM"], f"relu4_{i}_CPM")
    seen = x
    for stage in range(1, STAGES + 1):
        ends = []
        for name, maps in BRANCHES.items():
            if stage == 1:
                first = [(128, 3)] * 3 + [(512, 1), (maps, 1)]
                ends.append(branch(n, x, "", f"CPM_{name}", first))
            else:
                later = [(128, 7)] * 5 + [(128, 1), (maps, 1)]
                ends.append(branch(n, x, "M", f"stage{stage}_{name}", later))
        if stage < STAGES:
            x = n[f"concat_stage{stage + 1}"] = L.Concat(*ends, seen)
    n.net_output = L.Concat(*reversed(ends), name=f"concat_stage{STAGES + 1}")
    return without_training(finished(n, "pose_coco"))


def models() -> Iterator[Model]:
    """Yield it."""
    yield Model("openpose_coco", {"deploy.prototxt": deploy()}, __name__)

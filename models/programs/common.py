"""What the programs of all families share: the frame around a net's body, and common layers.

A body is a function that adds layers above ``n.data`` and returns the top with the scores. The same
body makes ``deploy.prototxt``, ``train_val.prototxt`` and so the names that weights are loaded by.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter, SolverParameter
from netcfg.pycaffe.net_spec import NetSpec, Top, layers, params

L, P = layers, params

Body = Callable[[NetSpec], Top]

BGR_MEAN = (104, 117, 123)
"""Mean of the images of ILSVRC 2012, blue, green and red, as Caffe's own models round it."""

MSRA = {"type": "msra"}
XAVIER = {"type": "xavier"}
ZERO = {"type": "constant"}
SMALL = {"type": "gaussian", "std": 0.01}
"""For the scores of classes, which so begin nearly alike."""

WEIGHT_AND_BIAS = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 2, "decay_mult": 0}]
"""The custom of AlexNet: biases learn twice as fast and do not decay."""


@dataclass(frozen=True)
class Model:
    """What a program writes into a folder of ``models/``.

    Attributes:
        name: of the folder.
        files: messages by file name.
        program: module that wrote it, as the files' first line says.
    """

    name: str
    files: dict[str, Any]
    program: str


@dataclass(frozen=True)
class Images:
    """The LMDBs that a classifier is trained on, and how their images are fed.

    Attributes:
        crop: side of the square that is cut out; 0 for whole images.
        mean: for each channel, taken away; or the file of a mean image.
        scale: multiplies what is left.
        batch: images a step, at TRAIN and at TEST.
        folder: that holds ``train`` and ``val``.
        mirror: whether images are mirrored at random at TRAIN.
    """

    crop: int
    mean: Sequence[float] | str = BGR_MEAN
    scale: float = 1.0
    batch: tuple[int, int] = (256, 50)
    folder: str = "data/ilsvrc12"
    test: str = "val"
    mirror: bool = True

    def layer(self, phase: int) -> Any:
        """Return the tops ``data`` and ``label`` of the data layer of a phase."""
        test = phase == TEST
        transform: dict[str, Any] = {"mirror": True} if self.mirror and not test else {}
        if self.scale != 1:
            transform["scale"] = self.scale
        if self.crop:
            transform["crop_size"] = self.crop
        if isinstance(self.mean, str):
            transform["mean_file"] = self.mean
        elif self.mean:
            transform["mean_value"] = list(self.mean)
        return L.Data(
            name="data",
            ntop=2,
            include={"phase": phase},
            transform_param=transform,
            source=f"{self.folder}/{self.test if test else 'train'}",
            batch_size=self.batch[test],
            backend=P.Data.LMDB,
        )


@dataclass(frozen=True)
class Recipe:
    """How a net is trained.

    Attributes:
        base_lr: rate at the start.
        max_iter: steps.
        policy: fields of the solver that say how the rate falls.
        others: fields of the solver that differ from the zoo's defaults.
    """

    base_lr: float
    max_iter: int
    policy: dict[str, Any]
    others: dict[str, Any] = field(default_factory=dict)

    def solver(self, name: str) -> SolverParameter:
        """Return the solver of the model of that name."""
        fields: dict[str, Any] = {
            "net": "train_val.prototxt",
            "test_iter": [1000],
            "test_interval": 5000,
            "test_initialization": False,
            "base_lr": self.base_lr,
            "display": 100,
            "max_iter": self.max_iter,
            **self.policy,
            "momentum": 0.9,
            "weight_decay": 0.0005,
            "snapshot": 10000,
            "snapshot_prefix": f"out/{name}/{name}",
        }
        return SolverParameter(**{k: v for k, v in (fields | self.others).items() if v is not None})


def step(gamma: float, stepsize: int) -> dict[str, Any]:
    """Return a rate that is multiplied by ``gamma`` every ``stepsize`` steps."""
    return {"lr_policy": "step", "gamma": gamma, "stepsize": stepsize}


def poly(power: float) -> dict[str, Any]:
    """Return a rate that falls to 0 at the last step, as (1 - t)^power."""
    return {"lr_policy": "poly", "power": power}


def deploy(title: str, body: Body, shape: Sequence[int], prob: str = "prob") -> NetParameter:
    """Return the net that answers: one input, the body, the probabilities of the classes."""
    n = NetSpec()
    n.data = L.Input(input_param={"shape": {"dim": list(shape)}})
    scores = body(n)
    if prob:
        n[prob] = L.Softmax(scores)
    return without_training(finished(n, title))


def train_val(
    title: str, body: Body, images: Images, top_k: Sequence[int] = (1, 5), loss: str = "loss"
) -> NetParameter:
    """Return the net that learns: LMDBs, the body, cross-entropy, and shares of right answers."""
    n = NetSpec()
    n.data, n.label = images.layer(TRAIN)
    scores = body(n)
    n[loss] = L.SoftmaxWithLoss(scores, n.label)
    for k in top_k:
        suffix = f"_top{k}" if k > 1 else ""
        top = {"top_k": k} if k > 1 else {}
        n[f"accuracy{suffix}"] = L.Accuracy(scores, n.label, **top, include={"phase": TEST})
    net = finished(n, title)
    check = NetSpec()
    check.data, check.label = images.layer(TEST)
    trained = list(net.layer)
    del net.layer[1:]
    net.layer.extend([*check.to_proto().layer, *trained[1:]])
    return net


def classifier(
    name: str,
    program: str,
    title: str,
    body: Body,
    images: Images,
    recipe: Recipe,
    learner: Body | None = None,
) -> Model:
    """Return a classifier of ImageNet with all its files; ``learner`` is its body at TRAIN."""
    files = {
        "deploy.prototxt": deploy(title, body, (1, 3, images.crop, images.crop)),
        "train_val.prototxt": train_val(title, learner or body, images),
        "solver.prototxt": recipe.solver(name),
    }
    return Model(name, files, program)


def finished(n: NetSpec, title: str) -> NetParameter:
    """Return the message of a net with its name."""
    net = NetParameter(name=title)
    net.MergeFrom(n.to_proto())
    return net


def without_training(net: NetParameter) -> NetParameter:
    """Take away what only training reads: fillers, and rates that are not shared names."""
    for layer in net.layer:
        if not any(param.name for param in layer.param):
            del layer.param[:]
        for _, value in layer.ListFields():
            if isinstance(value, Message):
                for name in [f.name for f, _ in value.ListFields() if "filler" in f.name]:
                    value.ClearField(name)
    return net


def conv(
    x: Top,
    outputs: int,
    kernel: int | tuple[int, int],
    *,
    stride: int = 1,
    pad: int | tuple[int, int] = 0,
    group: int = 1,
    bias: bool = True,
    **others: Any,
) -> Top:
    """Return a convolution; ``kernel`` and ``pad`` are (height, width) where they differ."""
    fields: dict[str, Any] = {"num_output": outputs, **_window(kernel, stride, pad), **others}
    if group > 1:
        fields["group"] = group
    if not bias:
        fields["bias_term"] = False
    fields.setdefault("weight_filler", MSRA)
    if bias:
        fields.setdefault("bias_filler", ZERO)
    return L.Convolution(x, **fields)


def _window(
    kernel: int | tuple[int, int], stride: int, pad: int | tuple[int, int]
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if isinstance(kernel, tuple):
        fields["kernel_h"], fields["kernel_w"] = kernel
    else:
        fields["kernel_size"] = kernel
    if isinstance(pad, tuple):
        fields["pad_h"], fields["pad_w"] = pad
    elif pad:
        fields["pad"] = pad
    if stride > 1:
        fields["stride"] = stride
    return fields


def pool(x: Top, method: str, kernel: int, *, stride: int = 1, pad: int = 0, **others: Any) -> Top:
    """Return a pooling of the method ``MAX`` or ``AVE``."""
    fields = {"pool": getattr(P.Pooling, method), **_window(kernel, stride, pad), **others}
    return L.Pooling(x, **fields)


def global_pool(x: Top, method: str = "AVE") -> Top:
    """Return one value per channel."""
    return L.Pooling(x, pool=getattr(P.Pooling, method), global_pooling=True)


def relu(n: NetSpec, x: Top, name: str, **others: Any) -> Top:
    """Add a rectifier in place."""
    n[name] = L.ReLU(x, in_place=True, **others)
    return n[name]


def dropout(n: NetSpec, x: Top, name: str, ratio: float) -> Top:
    """Add dropout in place."""
    n[name] = L.Dropout(x, dropout_ratio=ratio, in_place=True)
    return n[name]


def batch_norm(n: NetSpec, x: Top, bn: str, scale: str, **others: Any) -> Top:
    """Add a normalization by the batch and the learned slopes and biases, both in place."""
    n[bn] = L.BatchNorm(x, in_place=True, **others)
    n[scale] = L.Scale(n[bn], bias_term=True, in_place=True)
    return n[scale]


def linear(x: Top, outputs: int, **others: Any) -> Top:
    """Return an inner product; its fillers suit the scores of a classifier."""
    fields = {"weight_filler": SMALL, "bias_filler": ZERO, **others}
    return L.InnerProduct(x, num_output=outputs, **fields)

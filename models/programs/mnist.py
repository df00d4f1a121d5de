"""Two nets for MNIST that are no classifiers, as Caffe's examples: a Siamese net, an autoencoder.

Hadsell et al., "Dimensionality reduction by learning an invariant mapping", 2006; Hinton and
Salakhutdinov, "Reducing the dimensionality of data with neural networks", 2006. Layer names are
those of Caffe's examples. There pairs of digits are a data set of their own; here the halves of a
batch are the pairs, and what makes two digits one class is computed from their labels.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import (
    XAVIER,
    ZERO,
    L,
    Model,
    P,
    Recipe,
    conv,
    finished,
    linear,
    pool,
    relu,
    step,
    without_training,
)
from netcfg.netcfg_pb2 import TEST, TRAIN, LayerParameter, NetParameter, NetState
from netcfg.pycaffe.net_spec import NetSpec, Top

SIDE = 28
SIAMESE = Recipe(
    0.01, 50000, {"lr_policy": "inv", "gamma": 0.0001, "power": 0.75},
    {"test_iter": [50], "test_interval": 500, "weight_decay": 0.0, "snapshot": 5000},
)  # fmt: skip
AUTOENCODER = Recipe(
    0.01, 65000, step(0.1, 10000),
    {"test_iter": [500, 100], "test_interval": 500,
     "test_state": [NetState(stage=["test-on-train"]), NetState(stage=["test-on-test"])]},
)  # fmt: skip
SIZES = (1000, 500, 250, 30)
"""Units of the encoder's layers; the decoder's are the same in reverse."""


def data(phase: int, folder: str, batch: int, scale: float, **others: Any) -> Any:
    """Return the tops of a data layer: digits, and with ``ntop`` of 2 their labels."""
    return L.Data(
        transform_param={"scale": scale},
        source=f"data/mnist/{folder}",
        batch_size=batch,
        backend=P.Data.LMDB,
        include={"phase": phase, **others.pop("rules", {})},
        **others,
    )


# The Siamese net --------------------------------------------------------------------------------


def shared(name: str) -> dict[str, Any]:
    """Return what makes the two layers of that name one."""
    rates = {"w": 1, "b": 2}
    return {"param": [{"name": f"{name}_{key}", "lr_mult": rate} for key, rate in rates.items()]}


def features(n: NetSpec, x: Top, twin: str = "") -> Top:
    """Add the net that turns a digit into two numbers; ``twin`` ends the names of the second."""
    for i, outputs in enumerate((20, 50), 1):
        name = f"conv{i}"
        n[name + twin] = conv(x, outputs, 5, weight_filler=XAVIER, **shared(name))
        n[f"pool{i}{twin}"] = x = pool(n[name + twin], "MAX", 2, stride=2)
    for name, outputs in {"ip1": 500, "ip2": 10, "feat": 2}.items():
        n[name + twin] = x = linear(x, outputs, weight_filler=XAVIER, **shared(name))
        if name == "ip1":
            x = relu(n, x, f"relu1{twin}")
    return x


def same_class(n: NetSpec, labels: tuple[Top, Top]) -> Top:
    """Add what is 1 where two labels are the same and 0 elsewhere."""
    n.difference = L.Eltwise(*labels, coeff=[1, -1])
    n.distance = L.AbsVal(n.difference)
    n.differs = L.Threshold(n.distance, threshold=0.5)
    n.sim = x = L.Power(n.differs, scale=-1, shift=1)
    return x


def siamese_deploy() -> NetParameter:
    """Return the net that turns one digit into two numbers."""
    n = NetSpec()
    n.data = x = L.Input(input_param={"shape": {"dim": [1, 1, SIDE, SIDE]}})
    features(n, x)
    net = without_training(finished(n, "mnist_siamese"))
    for layer in net.layer:
        del layer.param[:]  # one digit, so nothing is shared
    return net


def siamese_train_val() -> NetParameter:
    """Return the net that learns from the halves of a batch."""
    n, test = NetSpec(), NetSpec()
    n.pair_data, n.pair_label = data(TRAIN, "train", 128, 1 / 256, ntop=2, name="pair_data")
    test.pair_data, test.pair_label = data(TEST, "test", 200, 1 / 256, ntop=2, name="pair_data")
    n.data, n.data_p = digits = L.Slice(n.pair_data, ntop=2, axis=0, name="slice_pair")
    n.label, n.label_p = labels = L.Slice(n.pair_label, ntop=2, axis=0, name="slice_label")
    sim = same_class(n, labels)
    ends = features(n, digits[0]), features(n, digits[1], "_p")
    n.loss = L.ContrastiveLoss(*ends, sim, margin=1)
    net = finished(n, "mnist_siamese_train_test")
    layers = [net.layer[0], *test.to_proto().layer, *net.layer[1:]]
    return NetParameter(name=net.name, layer=layers)


# The autoencoder --------------------------------------------------------------------------------


def coded(n: NetSpec, x: Top, name: str, outputs: int) -> Top:
    """Add an inner product whose weights are mostly 0 at first."""
    rates = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 1, "decay_mult": 0}]
    sparse = {"type": "gaussian", "std": 1, "sparse": 15}
    n[name] = linear(x, outputs, weight_filler=sparse, bias_filler=ZERO, param=rates)
    return n[name]


def activated(n: NetSpec, x: Top, name: str) -> Top:
    """Add the logistic function of the layer of that name."""
    n[f"{name}neuron"] = L.Sigmoid(x)
    return n[f"{name}neuron"]


def autoencoder(n: NetSpec) -> Top:
    """Add the net; the last layer gives the logits of the pixels."""
    x = n.data
    for i, outputs in enumerate(SIZES, 1):
        x = coded(n, x, f"encode{i}", outputs)
        if i < len(SIZES):
            x = activated(n, x, f"encode{i}")
    for i, outputs in zip((4, 3, 2), SIZES[-2::-1], strict=True):
        x = activated(n, coded(n, x, f"decode{i}", outputs), f"decode{i}")
    return coded(n, x, "decode1", SIDE * SIDE)


def autoencoder_deploy() -> NetParameter:
    """Return the net that draws a digit again."""
    n = NetSpec()
    n.data = L.Input(input_param={"shape": {"dim": [1, 1, SIDE, SIDE]}})
    activated(n, autoencoder(n), "decode1")
    return without_training(finished(n, "MNISTAutoencoder"))


def autoencoder_train_val() -> NetParameter:
    """Return the net that learns; it is tested on either half of MNIST."""
    n = NetSpec()
    n.data = data(TRAIN, "train", 100, 1 / 255)
    x = autoencoder(n)
    n.flatdata = L.Flatten(n.data)
    n.cross_entropy_loss = L.SigmoidCrossEntropyLoss(x, n.flatdata, loss_weight=1, name="loss")
    y = activated(n, x, "decode1")
    n.l2_error = L.EuclideanLoss(y, n.flatdata, loss_weight=0, name="l2_loss")
    net = finished(n, "MNISTAutoencoder")
    tests: list[LayerParameter] = []
    for stage, folder in {"test-on-train": "train", "test-on-test": "test"}.items():
        part = NetSpec()
        part.data = data(TEST, folder, 100, 1 / 255, rules={"stage": [stage]})
        tests += part.to_proto().layer
    return NetParameter(name=net.name, layer=[net.layer[0], *tests, *net.layer[1:]])


def models() -> Iterator[Model]:
    """Yield both nets."""
    siamese = {
        "deploy.prototxt": siamese_deploy(),
        "train_val.prototxt": siamese_train_val(),
        "solver.prototxt": SIAMESE.solver("mnist_siamese"),
    }
    yield Model("mnist_siamese", siamese, __name__)
    autoencoding = {
        "deploy.prototxt": autoencoder_deploy(),
        "train_val.prototxt": autoencoder_train_val(),
        "solver.prototxt": AUTOENCODER.solver("mnist_autoencoder"),
    }
    yield Model("mnist_autoencoder", autoencoding, __name__)

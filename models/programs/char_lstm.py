"""A language model: two layers of LSTM that guess the next character of a text.

Hochreiter and Schmidhuber, "Long short-term memory", 1997; Graves, "Generating sequences with
recurrent neural networks", 2013, arXiv:1308.0850. Characters are their ASCII codes. A batch is
``STEPS`` characters of each of ``STREAMS`` stretches of the text, which go on in the next batch;
``cont`` is 0 where a stretch begins.
"""

from collections.abc import Iterator

from models.programs.common import (
    XAVIER,
    L,
    Model,
    Recipe,
    finished,
    linear,
    step,
    without_training,
)
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

CODES, WIDTH, HIDDEN, LAYERS = 128, 64, 256, 2
STEPS, STREAMS = 50, 50
SMALL = {"type": "uniform", "min": -0.08, "max": 0.08}
RECIPE = Recipe(
    0.002, 20000, step(0.5, 4000),
    {"type": "Adam", "momentum2": 0.999, "weight_decay": 0.0, "clip_gradients": 5.0,
     "test_iter": [20], "test_interval": 1000, "snapshot": 2000},
)  # fmt: skip


def body(n: NetSpec) -> Top:
    """Add the net above the blobs ``data`` and ``cont``; the scores are (T, N, codes)."""
    n.embed = x = L.Embed(
        n.data, input_dim=CODES, num_output=WIDTH, bias_term=False, weight_filler=SMALL
    )
    for i in range(1, LAYERS + 1):
        n[f"lstm{i}"] = x = L.LSTM(
            x, n.cont, recurrent_param={"num_output": HIDDEN, "weight_filler": SMALL}
        )
    n.scores = linear(x, CODES, axis=2, weight_filler=XAVIER)
    return n.scores


def deploy() -> NetParameter:
    """Return the net that reads one character of one text and says how likely each one is next."""
    n = NetSpec()
    one = {"dim": [1, 1]}
    n.data, n.cont = L.Input(ntop=2, input_param={"shape": [one, one]}, name="input")
    n.prob = L.Softmax(body(n), axis=2)
    return without_training(finished(n, "char_lstm"))


def text(phase: int, name: str) -> NetSpec:
    """Return the data layer of a phase."""
    n = NetSpec()
    n.data, n.cont, n.target = L.HDF5Data(
        ntop=3, name="text", include={"phase": phase}, source=f"data/text/{name}.txt",
        batch_size=STEPS,
    )  # fmt: skip
    return n


def train_val() -> NetParameter:
    """Return the net that learns."""
    n = text(TRAIN, "train")
    scores = body(n)
    n.loss = L.SoftmaxWithLoss(scores, n.target, softmax_param={"axis": 2})
    n.accuracy = L.Accuracy(scores, n.target, axis=2, include={"phase": TEST})
    net = finished(n, "char_lstm")
    test = text(TEST, "test").to_proto().layer
    return NetParameter(name=net.name, layer=[net.layer[0], *test, *net.layer[1:]])


def models() -> Iterator[Model]:
    """Yield the language model."""
    files = {
        "deploy.prototxt": deploy(),
        "train_val.prototxt": train_val(),
        "solver.prototxt": RECIPE.solver("char_lstm"),
    }
    yield Model("char_lstm", files, __name__)

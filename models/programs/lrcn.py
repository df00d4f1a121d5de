"""LRCN: two LSTMs that say of an image, word by word, what is on it.

Donahue et al., "Long-term recurrent convolutional networks for visual recognition and description",
2014, arXiv:1411.4389, the factored net of two layers for COCO. It reads what CaffeNet's fc8 says of
the image, and the words so far. Layers have the names of the authors' Caffe files.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import L, Model, Recipe, finished, linear, step, without_training
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

WORDS = 8801
"""Those of the captions of COCO that occur five times or more, and the end of a sentence."""

WIDTH = 1000
STEPS, STREAMS = 20, 100
UNIFORM = {"type": "uniform", "min": -0.08, "max": 0.08}


def body(n: NetSpec) -> Top:
    """Add the recurrent net; (T, N, WORDS) scores of the next words."""
    n.embedded_input_sentence = L.Embed(
        n.input_sentence,
        name="embedding",
        input_dim=WORDS,
        num_output=WIDTH,
        bias_term=False,
        weight_filler=UNIFORM,
    )
    recurrent: dict[str, Any] = {"num_output": WIDTH, "weight_filler": UNIFORM}
    recurrent["bias_filler"] = {"type": "constant"}
    n.lstm1 = L.LSTM(n.embedded_input_sentence, n.cont_sentence, recurrent_param=recurrent)
    n.lstm2 = x = L.LSTM(n.lstm1, n.cont_sentence, n.image_features, recurrent_param=recurrent)
    n.predict = scores = linear(x, WORDS, axis=2, weight_filler=UNIFORM)
    return scores


def deploy() -> NetParameter:
    """Return the net that answers for a single word."""
    n = NetSpec()
    shapes = {"image_features": (1, WIDTH), "cont_sentence": (1, 1), "input_sentence": (1, 1)}
    for name, shape in shapes.items():
        n[name] = L.Input(input_param={"shape": {"dim": list(shape)}})
    n.probs = L.Softmax(body(n), axis=2)
    return without_training(finished(n, "lrcn_caption"))


def captions(phase: int, name: str) -> NetSpec:
    """Return the layers that read ``STEPS`` words of each of ``STREAMS`` captions, and images.

    ``target_sentence`` is the word that comes next, -1 behind the end. Captions follow each other
    in a stream; a batch holds what fc8 says of the image that each stream is at.
    """
    n = NetSpec()
    n.cont_sentence, n.input_sentence, n.target_sentence = L.HDF5Data(
        ntop=3,
        name="sentences",
        include={"phase": phase},
        source=f"data/coco_captions/{name}_words.txt",
        batch_size=STEPS,
    )
    n.image_features = L.HDF5Data(
        name="images",
        include={"phase": phase},
        source=f"data/coco_captions/{name}_images.txt",
        batch_size=STREAMS,
    )
    return n


def train_val() -> NetParameter:
    """Return the net that learns."""
    n = captions(TRAIN, "train")
    scores = body(n)
    shared = {"axis": 2}
    n.loss = L.SoftmaxWithLoss(
        scores,
        n.target_sentence,
        softmax_param=shared,
        loss_param={"ignore_label": -1},
        loss_weight=STEPS,
    )
    n.accuracy = L.Accuracy(
        scores, n.target_sentence, axis=2, ignore_label=-1, include={"phase": TEST}
    )
    net = finished(n, "lrcn_caption")
    tested = captions(TEST, "val").to_proto().layer
    return NetParameter(name=net.name, layer=[*net.layer[:2], *tested, *net.layer[2:]])


RECIPE = Recipe(
    0.01, 110000, step(0.5, 20000),
    {"weight_decay": 0.0, "clip_gradients": 10.0, "average_loss": 100, "test_iter": [25],
     "test_interval": 1000},
)  # fmt: skip


def models() -> Iterator[Model]:
    """Yield it."""
    files = {
        "deploy.prototxt": deploy(),
        "train_val.prototxt": train_val(),
        "solver.prototxt": RECIPE.solver("lrcn_caption"),
    }
    yield Model("lrcn_caption", files, __name__)

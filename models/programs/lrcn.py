"""LRCN: two LSTMs that say of an image, word by word, what is on it.

Donahue et al., "Long-term recurrent convolutional networks for visual recognition and description",
2014, arXiv:1411.4389, the factored net of two layers for COCO. It reads what CaffeNet's fc8 says of
the image, and the words so far. Layers have the names of the authors' Caffe files.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import L, Model, finished, linear, without_training
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

WORDS = 8801
"""Those of the captions of COCO that occur five times or more, and the end of a sentence."""

WIDTH = 1000
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


def models() -> Iterator[Model]:
    """Yield it."""
    yield Model("lrcn_caption", {"deploy.prototxt": deploy()}, __name__)

"""A cache and model folders of a test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from netcfg.io import download
from netcfg.io.caffemodel import StoredLayer, write_weights
from tests.data_scripts.scripts import Server, serving

NET = """\
name: "Small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 1, 2, 3] } } }
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 }
}
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
CARD = """\
name = "{name}"
title = "Small"
task = "classification"
paper = "none"
licence = "CC0-1.0"
parameters = 28
multiply_adds = 24
[input]
size = [2, 3]
channels = "GREY"
[output]
blob = "prob"
"""

Make = Callable[..., Path]


def weights_of(path: Path, layer: str = "ip", outputs: int = 4) -> bytes:
    """Write weights of the net and return the bytes of the file."""
    w = np.arange(outputs * 6, dtype=np.float32).reshape(outputs, 6) / 10
    write_weights(path, "Small", [StoredLayer(layer, "InnerProduct", blobs=[w, w[:, 0]])])
    return path.read_bytes()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Models of a test: a function that writes a folder; nothing else is found but the package's.

    The cache is ``tmp_path/cache``, the folder of models ``tmp_path/models``.
    """
    monkeypatch.setenv("NETCFG_ZOO", str(tmp_path / "cache"))
    monkeypatch.setenv("NETCFG_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("NETCFG_OFFLINE", raising=False)
    monkeypatch.setattr(download, "PAUSE", 0)

    def made(name: str = "small", *weights: str, folder: str = "models") -> Path:
        path = tmp_path / folder / name
        path.mkdir(parents=True, exist_ok=True)
        text = CARD.format(name=name) + "".join(f"[[weights]]\n{entry}\n" for entry in weights)
        (path / "card.toml").write_text(text)
        (path / "deploy.prototxt").write_text(NET)
        return path

    return made

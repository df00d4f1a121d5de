"""Small nets whose answers are known, and pictures of one colour to ask them about."""

from pathlib import Path

import numpy as np
from PIL import Image

from netcfg.io.caffemodel import write_weights
from netcfg.net import Net
from netcfg.weights import stored_layers

COLORS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}
"""In the order of the channels that Caffe's nets see."""

CLASSIFY = """\
name: "colours"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 4 dim: 3 dim: 4 dim: 6 } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: AVE global_pooling: true } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
        inner_product_param { num_output: 3 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
"""The class is the channel that is brightest on average."""

SEGMENT = """\
name: "places"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "score" type: "Convolution" bottom: "data" top: "score"
        convolution_param { num_output: 3 kernel_size: 1 } }
"""
"""The class of a pixel is its brightest channel."""

DETECT = """\
name: "boxes"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "grid" type: "Convolution" bottom: "data" top: "grid"
        convolution_param { num_output: 7 kernel_size: 8 } }
layer { name: "found" type: "YoloDetectionOutput" bottom: "grid" top: "found"
        yolo_detection_output_param { side: 1 num_box: 1 num_classes: 2 coords: 4
          confidence_threshold: 0.01 nms_threshold: 0.5 biases: 0.5 biases: 0.25 } }
"""
"""One box in the middle, half as wide and a quarter as high as the picture, of class 2 if red."""


def write_net(folder: Path, text: str) -> tuple[str, str]:
    """Write a net and the weights that make it do what it says; return both paths."""
    net_file, weights = folder / "net.prototxt", folder / "w.caffemodel"
    net_file.write_text(text)
    with Net(net_file) as net:
        for layer in net.layers:
            if not layer.params:
                continue
            w, b = (np.zeros(param.shape, np.float32) for param in layer.params)
            if layer.name == "grid":
                w[6, 2] = 1 / 64  # the second class grows with red
                b[4] = 4
            else:
                w.reshape(3, 3)[...] = np.eye(3) / 32
            for param, value in zip(layer.params, (w, b), strict=True):
                param.assign(net.engine.asarray(value))
        write_weights(weights, net.name, stored_layers(net.layers, net.engine))
    return str(net_file), str(weights)


def write_pictures(folder: Path, count: int = 6, size: tuple[int, int] = (12, 8)) -> list[str]:
    """Write PNGs that are blue, green, red in turn; return their paths."""
    folder.mkdir(exist_ok=True)
    paths = []
    for i in range(count):
        name = list(COLORS)[i % 3]
        path = folder / f"{i:03d}_{name}.png"
        Image.new("RGB", size, COLORS[name]).save(path)
        paths.append(str(path))
    return paths

"""Small nets that the tests of pycaffe share."""

from pathlib import Path
from typing import Any

import netcfg.pycaffe as caffe

CONV = """
name: 'small' force_backward: true
layer { name: 'data' type: 'Input' top: 'data' top: 'label'
  input_param { shape { dim: 5 dim: 2 dim: 3 dim: 4 } shape { dim: 5 dim: 1 dim: 1 dim: 1 } } }
layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'
  convolution_param { num_output: 11 kernel_size: 2 pad: 3
    weight_filler { type: 'gaussian' std: 1 } bias_filler { type: 'constant' value: 2 } }
  param { decay_mult: 1 } param { decay_mult: 0 } }
layer { name: 'ip' type: 'InnerProduct' bottom: 'conv' top: 'ip_blob'
  inner_product_param { num_output: 7 weight_filler { type: 'gaussian' std: 0.1 }
    bias_filler { type: 'constant' value: -3 } } }
layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip_blob' bottom: 'label' top: 'loss' }
"""

CHAIN = """
name: 'chain' force_backward: true
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 2 dim: 3 } } }
layer { name: 'two' type: 'Power' bottom: 'data' top: 'x' power_param { scale: 2 } }
layer { name: 'relu' type: 'ReLU' bottom: 'x' top: 'x' }
layer { name: 'three' type: 'Power' bottom: 'x' top: 'y' power_param { scale: 3 } }
layer { name: 'one' type: 'Power' bottom: 'y' top: 'z' power_param { shift: 1 } }
"""


def write(folder: Path, text: str, name: str = "net.prototxt") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def make(folder: Path, text: str = CONV, phase: int = caffe.TRAIN, **options: Any) -> caffe.Net:
    return caffe.Net(write(folder, text), phase, **options)

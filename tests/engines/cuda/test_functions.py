"""Functions of one array by kernels, against the layers themselves on NumPy."""

from typing import Any

import numpy as np
import pytest

from netcfg.carried import runs
from netcfg.testing import make_layer
from tests.engines.cuda.fake import engine
from tests.engines.cuda.test_forms import IMAGE, ROWS, compare, compare_short
from tests.engines.test_base import channels_last, in_order, scattered

CASES: dict[str, tuple[str, list[Any]]] = {
    "abs": ('type: "AbsVal"', [IMAGE]),
    "bnll": ('type: "BNLL"', [ROWS]),
    "clip": ('type: "Clip" clip_param { min: -0.5 max: 0.25 }', [IMAGE]),
    "elu": ('type: "ELU" elu_param { alpha: 0.7 }', [IMAGE]),
    "exp": ('type: "Exp" exp_param { base: 2 scale: 0.5 shift: 1 }', [ROWS]),
    "log": ('type: "Log" log_param { base: 3 scale: 0.25 shift: 4 }', [ROWS]),
    "power": ('type: "Power" power_param { power: 3 scale: 0.5 shift: 4 }', [IMAGE]),
    "relu6": ('type: "ReLU" relu_param { relu6: true negative_slope: 0.1 }', [IMAGE]),
    "ReLU6": ('type: "ReLU6"', [IMAGE]),
    "sigmoid": ('type: "Sigmoid"', [IMAGE]),
    "swish": ('type: "Swish" swish_param { beta: 1.5 }', [IMAGE]),
    "tanh": ('type: "TanH"', [IMAGE]),
    "threshold": ('type: "Threshold" threshold_param { threshold: 0.3 }', [IMAGE]),
    "gelu": ('type: "GELU"', [ROWS]),
    "gelu_tanh": ('type: "GELU" gelu_param { approximate: true }', [ROWS]),
    "hard_swish": ('type: "HardSwish"', [IMAGE]),
    "silu": ('type: "SiLU"', [IMAGE]),
    "prelu": ('type: "PReLU"', [IMAGE]),
    "prelu_shared": ('type: "PReLU" prelu_param { channel_shared: true }', [IMAGE]),
    "prelu_rows": ('type: "PReLU"', [ROWS]),
}


@pytest.mark.parametrize("layout", [in_order, channels_last, scattered])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str, layout: Any) -> None:
    text, shapes = CASES[name]
    rng = np.random.default_rng(0)
    compare(text, [np.round(rng.normal(size=s), 2) + 0.003 for s in shapes], layout, 2e-5)


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["gelu", "prelu", "swish", "tanh"])
def test_16_bit_floats(name: str, storage: str) -> None:
    compare_short(*CASES[name], storage)


@pytest.mark.parametrize("text", ['type: "ReLU"', 'type: "Power"', 'type: "Eltwise"'])
def test_what_is_as_quick_by_itself(text: str) -> None:
    layer = make_layer(text, [ROWS] * (2 if "Eltwise" in text else 1), engine=engine())
    assert runs(layer) is layer


def test_empty_batches_are_left_to_the_layer() -> None:
    layer = make_layer('type: "Sigmoid"', [(0, 4)], engine=engine())
    unit = runs(layer)
    assert unit.forward(np.zeros((0, 4), np.float32)).shape == (0, 4)
    assert unit.backward(np.zeros((0, 4), np.float32)).shape == (0, 4)

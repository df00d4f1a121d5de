"""Losses by kernels, against the layers themselves on NumPy."""

from typing import Any

import numpy as np
import pytest

from netcfg.carried import runs
from netcfg.engines import Engine
from netcfg.engines.cuda.losses import LossForm
from netcfg.layer import as_arrays
from netcfg.testing import make_layer, top_shapes
from tests.engines.cuda.fake import engine
from tests.engines.test_base import channels_last, in_order, scattered

RNG = np.random.default_rng(0)
ROWS, LABELS = RNG.normal(0, 3, (6, 40)), RNG.integers(0, 40, 6).astype(float)
MAPS, PLACES = RNG.normal(0, 2, (2, 5, 3, 4)), RNG.integers(0, 5, (2, 1, 3, 4)).astype(float)
PLACES[0, 0, 1] = 255
TARGETS = RNG.integers(0, 2, (6, 40)).astype(float)

SOFTMAX = 'type: "SoftmaxWithLoss"'
SIGMOID = 'type: "SigmoidCrossEntropyLoss"'
CASES: dict[str, tuple[str, list[Any]]] = {
    "rows": (SOFTMAX, [ROWS, LABELS]),
    "maps": (f"{SOFTMAX} loss_param {{ ignore_label: 255 }}", [MAPS, PLACES]),
    "maps_full": (
        f"{SOFTMAX} loss_param {{ ignore_label: 255 normalization: FULL }}",
        [MAPS, PLACES],
    ),
    "batch_size": (
        f"{SOFTMAX} loss_param {{ ignore_label: 255 normalization: BATCH_SIZE }}",
        [MAPS, PLACES],
    ),
    "none": (f"{SOFTMAX} loss_param {{ normalization: NONE }}", [ROWS, LABELS]),
    "last_axis": (
        f"{SOFTMAX} softmax_param {{ axis: 3 }}",
        [MAPS, RNG.integers(0, 4, (2, 5, 3)).astype(float)],
    ),
    "smoothed": (f"{SOFTMAX} loss_param {{ label_smoothing: 0.1 }}", [ROWS, LABELS]),
    "spread": (f"{SOFTMAX} softmax_param {{ label_smooth_factor: 0.1 }}", [ROWS, LABELS]),
    "weighted": (
        f"{SOFTMAX} softmax_param {{ {' '.join(f'class_weight: {k + 1}' for k in range(5))} }} "
        "loss_param { ignore_label: 255 }",
        [MAPS, PLACES],
    ),
    "probabilities": (f'{SOFTMAX} top: "loss" top: "p"', [ROWS, LABELS]),
    "sigmoid": (SIGMOID, [ROWS, TARGETS]),
    "sigmoid_valid": (
        f"{SIGMOID} loss_param {{ normalization: VALID ignore_label: 1 }}",
        [ROWS, TARGETS],
    ),
    "sigmoid_full": (f"{SIGMOID} loss_param {{ normalization: FULL }}", [ROWS, TARGETS]),
    "euclidean": ('type: "EuclideanLoss"', [MAPS, RNG.normal(size=(2, 60))]),
}


def passes(e: Any, text: str, bottoms: list[Any], dys: list[Any]) -> list[Any]:
    """Return tops and gradients of the bottoms."""
    layer = make_layer(text, [b.shape for b in bottoms], engine=e)
    top_shapes(layer, [b.shape for b in bottoms])
    unit = runs(layer)
    assert isinstance(unit, LossForm) == (e.name == "cuda")
    tops = as_arrays(unit.forward(*bottoms))
    return [*tops, *as_arrays(unit.backward(*dys))]


@pytest.mark.parametrize("layout", [in_order, channels_last, scattered])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str, layout: Any) -> None:
    text, bottoms = CASES[name]
    dys = [np.array(0.7)]
    if name == "probabilities":
        dys.append(RNG.normal(size=ROWS.shape))
    wanted = passes(Engine(np.float64), text, bottoms, dys)
    narrow = [[layout(a.astype(np.float32)) for a in arrays] for arrays in (bottoms, dys)]
    got = passes(engine(), text, *narrow)
    for a, b in zip(got, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a.shape, a.dtype) == (b.shape, np.float32)
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)


def test_a_label_out_of_range_reaches_the_loss() -> None:
    layer = make_layer(SOFTMAX, [(2, 3), (2,)], engine=engine())
    top_shapes(layer, [(2, 3), (2,)])
    loss = runs(layer).forward(np.zeros((2, 3), np.float32), np.array([1, 3], np.float32))
    assert np.isnan(loss)


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_losses_of_16_bit_floats_are_float32(storage: str) -> None:
    e = engine(storage=storage)
    x, t = ROWS.astype(e.store), TARGETS.astype(np.float32)
    wanted = passes(Engine(np.float64), SIGMOID, [x.astype(float), TARGETS], [np.array(1.0)])
    got = passes(e, SIGMOID, [x, t], [np.array(1.0, np.float32)])
    assert (got[0].dtype, got[1].dtype) == (np.float32, e.store)
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-5)
    np.testing.assert_allclose(got[1].astype(float), wanted[1], rtol=0.02, atol=1e-3)

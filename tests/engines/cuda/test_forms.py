"""Layers by kernels of their own, against the layers themselves on NumPy."""

from typing import Any

import numpy as np
import pytest

from netcfg.carried import runs
from netcfg.engines import Engine
from netcfg.engines.cuda import forms
from netcfg.layer import as_arrays
from netcfg.testing import make_layer, top_shapes
from netcfg.types import Phase
from tests.engines.cuda.fake import engine
from tests.engines.test_base import channels_last, in_order, scattered

IMAGE, ROWS, VOLUME = (3, 4, 5, 6), (5, 7), (2, 3, 4, 3, 5)
CASES: dict[str, tuple[str, list[Any]]] = {
    # form, text and shapes of the bottoms
    "dropout": ('type: "Dropout" dropout_param { dropout_ratio: 0.4 }', [IMAGE]),
    "dropout_rows": ('type: "Dropout" dropout_param { dropout_ratio: 0.4 }', [ROWS]),
    "max": ('type: "Eltwise" eltwise_param { operation: MAX }', [IMAGE] * 3),
    "product": ('type: "Eltwise" eltwise_param { operation: PROD }', [IMAGE] * 3),
    "permute": ('type: "Permute" permute_param { order: 0 order: 2 order: 3 order: 1 }', [IMAGE]),
    "transpose": ('type: "Transpose" transpose_param { dim: 1 dim: 0 }', [ROWS]),
    "reverse": ('type: "Reverse" reverse_param { axis: 0 }', [ROWS]),
    "flip": ('type: "Flip" flip_param { flip_height: true }', [IMAGE]),
    "within": (
        'type: "LRN" lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }',
        [IMAGE],
    ),
    "within_volume": (
        'type: "LRN" lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }',
        [VOLUME],
    ),
}
STOCHASTIC = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }'


def passes(e: Any, text: str, bottoms: list[Any], dys: list[Any], **options: Any) -> list[Any]:
    """Return tops, gradients of bottoms and of parameters of two steps."""
    layer = make_layer(text, [b.shape for b in bottoms], engine=e, **options)
    top_shapes(layer, [b.shape for b in bottoms])
    unit = runs(layer)
    assert isinstance(unit, forms.Form) == (e.name == "cuda")
    found: list[Any] = []
    for _ in range(2):
        found += as_arrays(unit.forward(*bottoms))
        layer.step += 1
        if layer.differentiable:
            found += as_arrays(unit.backward(*dys))
    return [*found, *(p.diff for p in layer.params)]


def compare(text: str, bottoms: list[Any], layout: Any, tolerance: float, **options: Any) -> None:
    rng = np.random.default_rng(1)
    layer = make_layer(text, [b.shape for b in bottoms], **options)
    dys = [rng.normal(size=s) for s in top_shapes(layer, [b.shape for b in bottoms])]
    wanted = passes(Engine(np.float64), text, bottoms, dys, **options)
    narrow = [[layout(a.astype(np.float32)) for a in arrays] for arrays in (bottoms, dys)]
    got = passes(engine(), text, *narrow, **options)
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a.shape, a.dtype) == (b.shape, np.float32)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def compare_short(text: str, shapes: list[Any], storage: str) -> None:
    """Compare with 16-bit floats what float64 gives for the same numbers."""
    e = engine(storage=storage)
    rng = np.random.default_rng(0)
    bottoms = [rng.normal(size=s).astype(e.store) for s in shapes]
    tops = top_shapes(make_layer(text, shapes, engine=e), shapes)
    dys = [rng.normal(size=t).astype(e.store) for t in tops]
    wide = [[a.astype(float) for a in arrays] for arrays in (bottoms, dys)]
    wanted = passes(Engine(np.float64), text, *wide)
    for a, b in zip(passes(e, text, bottoms, dys), wanted, strict=True):
        np.testing.assert_allclose(a.astype(float), b, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("layout", [in_order, channels_last, scattered])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str, layout: Any) -> None:
    text, shapes = CASES[name]
    rng = np.random.default_rng(0)
    bottoms = [np.round(rng.normal(size=s), 2) + 0.003 * i for i, s in enumerate(shapes)]
    compare(text, bottoms, layout, 2e-5)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("layout", [in_order, channels_last])
def test_stochastic_pooling_draws_what_the_cpu_draws(phase: Phase, layout: Any) -> None:
    x = np.random.default_rng(0).uniform(0.1, 1, (2, 3, 6, 5))
    compare(STOCHASTIC, [x], layout, 2e-5, phase=phase, seed=3)


def test_nothing_as_large_as_the_mask_is_kept() -> None:
    layer = make_layer('type: "Dropout"', [IMAGE], engine=engine())
    unit = runs(layer)
    unit.forward(np.ones(IMAGE, np.float32))
    assert unit.saved.size == 1
    unit.saved = None
    assert layer.saved is None


def test_rows_of_a_table() -> None:
    text = (
        'type: "Embed" embed_param { num_output: 6 input_dim: 5 bias_term: true '
        'weight_filler { type: "uniform" } bias_filler { type: "uniform" } }'
    )
    index, dy = (
        np.array([[0, 4, 1], [1, 1, 2]], np.float32),
        np.random.default_rng(2).normal(size=(2, 3, 6)),
    )
    wanted = passes(Engine(np.float64), text, [index.astype(float)], [dy])
    got = passes(engine(), text, [index], [dy.astype(np.float32)])
    for a, b in zip(got, wanted, strict=True):
        if b is not None:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_an_index_without_a_row_reaches_the_loss() -> None:
    text = 'type: "Embed" embed_param { num_output: 2 input_dim: 5 }'
    unit = runs(make_layer(text, [(3,)], engine=engine()))
    y = unit.forward(np.array([1, 5, 2], np.float32))
    assert np.isnan(y).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["dropout", "max", "permute", "within"])
def test_16_bit_floats(name: str, storage: str) -> None:
    compare_short(*CASES[name], storage)


def test_whole_numbers_are_left_to_the_layer() -> None:
    x = np.arange(20).reshape(4, 5)
    layer = make_layer(CASES["transpose"][0], [x.shape], engine=engine())
    top_shapes(layer, [x.shape])
    y = runs(layer).forward(x)
    assert (y.dtype, y.tolist()) == (x.dtype, x.T.tolist())

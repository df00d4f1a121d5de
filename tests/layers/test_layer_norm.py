import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

FILLER = "filler { type: 'uniform' min: 1 max: 2 }"
BIAS = "bias_filler { type: 'uniform' min: 3 max: 4 }"
X = (2, 3, 4, 5)


def layer_norm(name, fields, shape, axes):
    text = f"type: 'LayerNorm' layer_norm_param {{ {FILLER} {fields} }}"
    return Case(name, text, [shape], rtol=1e-5, extra={"axes": axes})


def rms_norm(name, fields, shape, axes):
    text = f"type: 'RMSNorm' rms_norm_param {{ {FILLER} {fields} }}"
    return Case(name, text, [shape], rtol=1e-5, extra={"axes": axes})


def group_norm(name, fields, shape, groups):
    text = f"type: 'GroupNorm' group_norm_param {{ {FILLER} {BIAS} {fields} }}"
    return Case(name, text, [shape], rtol=1e-5, extra={"groups": groups})


BLOCKS = [
    layer_norm("tokens", BIAS, (2, 3, 6), (2,)),
    layer_norm("no bias", "bias_term: false", (2, 3, 6), (2,)),
    layer_norm("two last", f"axis: -2 {BIAS}", X, (2, 3)),
    layer_norm("channels of each pixel", f"axis: 1 num_axes: 1 {BIAS}", X, (1,)),
    layer_norm("everything", f"axis: 0 eps: 0.5 {BIAS}", (3, 4), (0, 1)),
    rms_norm("rms tokens", "", (2, 3, 6), (2,)),
    rms_norm("rms channels", "axis: 1 num_axes: 1 eps: 0.25", X, (1,)),
    rms_norm("rms two", "axis: 1 num_axes: 2", X, (1, 2)),
]
GROUPS = [
    group_norm("groups", "num_groups: 2", (2, 6, 3, 2), 2),
    group_norm("one group", "num_groups: 1 eps: 0.5", (2, 3, 4), 1),
    group_norm("each channel", "num_groups: 4", (2, 4, 5), 4),
    group_norm("rows", "num_groups: 2", (3, 6), 2),
]
CASES = [*BLOCKS, *GROUPS]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def eps_of(text, default):
    return float(text.split("eps: ")[1].split()[0]) if "eps: " in text else default


@pytest.mark.parametrize("case", BLOCKS, ids=lambda c: c.name)
def test_blocks_against_the_definition(case):
    (x,), axes = case.arrays(), case.extra["axes"]
    layer = make_layer(case.text, [x.shape])
    layer.reshape(x.shape)
    y = layer.forward(x)
    w, *b = (p.value for p in layer.params)
    rest = [i for i in range(x.ndim) if i not in axes]
    for outer in np.ndindex(*[x.shape[i] for i in rest]):
        index = [slice(None)] * x.ndim
        for i, at in zip(rest, outer, strict=True):
            index[i] = at
        block = x[tuple(index)]
        if layer.type == "LayerNorm":
            spread = ((block - block.mean()) ** 2).mean() + eps_of(case.text, 1e-5)
            want = w * (block - block.mean()) / np.sqrt(spread) + (b[0] if b else 0)
        else:
            want = w * block / np.sqrt((block**2).mean() + eps_of(case.text, 1e-6))
        assert y[tuple(index)] == pytest.approx(want)


@pytest.mark.parametrize("case", GROUPS, ids=lambda c: c.name)
def test_groups_against_the_definition(case):
    (x,), groups = case.arrays(), case.extra["groups"]
    layer = make_layer(case.text, [x.shape])
    layer.reshape(x.shape)
    y = layer.forward(x)
    w, b = (p.value for p in layer.params)
    size = x.shape[1] // groups
    for n in range(len(x)):
        for g in range(groups):
            block = x[n, g * size : (g + 1) * size]
            spread = ((block - block.mean()) ** 2).mean() + eps_of(case.text, 1e-5)
            for c in range(g * size, (g + 1) * size):
                want = w[c] * (x[n, c] - block.mean()) / np.sqrt(spread) + b[c]
                assert y[n, c] == pytest.approx(want)


def test_scales_start_at_one_and_shifts_at_zero():
    for text in ("type: 'LayerNorm'", "type: 'GroupNorm' group_norm_param { num_groups: 3 }"):
        layer = make_layer(text, [X])
        assert [set(p.value.tolist()) for p in layer.params] == [{1.0}, {0.0}]
    assert set(make_layer("type: 'RMSNorm'", [X]).params[0].value.tolist()) == {1.0}


def test_parameters_span_the_block():
    assert make_layer("type: 'LayerNorm' layer_norm_param { axis: 1 num_axes: 2 }", [X]).params[
        1
    ].shape == (3, 4)


def test_layer_norm_of_an_empty_batch():
    assert run(Case("", "type: 'LayerNorm'", [(0, 3)]))[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type: 'LayerNorm' layer_norm_param { axis: 4 }", "axis 4 must lie in [-4, 4)"),
        (
            "type: 'LayerNorm' layer_norm_param { axis: 2 num_axes: 3 }",
            "num_axes must be -1 or lie in [1, 2] for axis 2",
        ),
        ("type: 'RMSNorm' rms_norm_param { num_axes: 0 }", "given 0"),
        ("type: 'GroupNorm'", "num_groups must divide the channels of (2, 3, 4, 5); given 32"),
        ("type: 'GroupNorm' group_norm_param { num_groups: 0 }", "given 0"),
    ],
)
def test_errors(text, message):
    with pytest.raises(NetError) as error:
        make_layer(text, [X])
    assert message in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "type: 'LayerNorm'",
        "type: 'RMSNorm'",
        "type: 'GroupNorm' group_norm_param { num_groups: 3 }",
    ],
)
def test_another_size_does_not_fit(text):
    with pytest.raises(ShapeError):
        make_layer(text, [X]).reshape((2, 4, 4, 6))

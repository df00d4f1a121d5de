import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer, top_shapes
from tests.layers.cases import Case, check, run

FILLERS = "weight_filler { type: 'gaussian' std: 0.5 } bias_filler { type: 'uniform' }"


def attention(name, fields, *shapes):
    text = f"type: 'MultiHeadAttention' multi_head_attention_param {{ {FILLERS} {fields} }}"
    return Case(name, text, shapes, rtol=1e-5)


def product(name, fields, *shapes):
    return Case(name, f"type: 'MatMul' matmul_param {{ {fields} }}", shapes)


PRODUCTS = [
    product("matrices", "", (3, 4), (4, 2)),
    product("batches", "scale: 0.5", (2, 3, 4), (2, 4, 5)),
    product("transposed", "transpose_a: true transpose_b: true", (2, 2, 4, 3), (2, 2, 5, 4)),
    product("one for all", "transpose_b: true", (2, 3, 4), (5, 4)),
    product("one for all, turned", "transpose_a: true", (2, 4, 3), (4, 5)),
]
ATTENTION = [
    attention("one head", "", (2, 3, 4)),
    attention("heads", "num_heads: 2", (2, 3, 4)),
    attention("causal", "num_heads: 2 causal: true", (2, 3, 4)),
    attention("no bias", "num_heads: 2 bias_term: false", (2, 3, 4)),
    attention("memory", "num_heads: 2", (2, 3, 4), (2, 5, 4)),
    attention("causal memory", "num_heads: 4 causal: true", (2, 3, 4), (2, 5, 4)),
    attention("keys and values", "num_heads: 2", (1, 3, 4), (1, 2, 4), (1, 2, 4)),
]
CASES = [*PRODUCTS, *ATTENTION]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", PRODUCTS, ids=lambda c: c.name)
def test_products_against_the_definition(case):
    (a, b), (y,) = case.arrays(), run(case)
    scale = 0.5 if "scale" in case.text else 1
    if "transpose_a" in case.text:
        a = np.moveaxis(a, -1, -2)
    if "transpose_b" in case.text:
        b = np.moveaxis(b, -1, -2)
    for *n, i, j in np.ndindex(y.shape):
        right = b if b.ndim == 2 else b[tuple(n)]
        want = sum(a[(*n, i, k)] * right[k, j] for k in range(a.shape[-1]))
        assert y[(*n, i, j)] == pytest.approx(scale * want)


def attended(x, memory, values, params, heads, causal):
    """Compute attention query by query."""
    D = x.shape[-1]
    d = D // heads
    w, b, wo, bo = params
    y = np.zeros(x.shape)
    for n, i in np.ndindex(x.shape[:2]):
        context = np.zeros(D)
        q = w[:D] @ x[n, i] + b[:D]
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            scores, vectors = [], []
            for j in range(memory.shape[1]):
                if causal and j > i + memory.shape[1] - x.shape[1]:
                    continue
                k = w[D : 2 * D] @ memory[n, j] + b[D : 2 * D]
                v = w[2 * D :] @ values[n, j] + b[2 * D :]
                scores.append(np.exp(q[part] @ k[part] / np.sqrt(d)))
                vectors.append(v[part])
            context[part] = np.array(scores) @ np.array(vectors) / sum(scores)
        y[n, i] = wo @ context + bo
    return y


@pytest.mark.parametrize("case", ATTENTION, ids=lambda c: c.name)
def test_attention_against_the_definition(case):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    params = [p.value for p in layer.params]
    if "bias_term" in case.text:
        params = [params[0], np.zeros(12), params[1], np.zeros(4)]
    x, memory, values = (*xs, *xs[-1:] * 2)[:3] if len(xs) < 3 else xs
    want = attended(x, memory, values, params, layer.heads, "causal" in case.text)
    assert layer.forward(*xs) == pytest.approx(want)


def test_shapes_of_the_parameters():
    layer = make_layer("type: 'MultiHeadAttention'", [(2, 3, 6)])
    assert [p.shape for p in layer.params] == [(18, 6), (18,), (6, 6), (6,)]


def test_frozen_projections_get_no_gradient():
    frozen = "param { lr_mult: 0 } " * 4
    layer = make_layer(f"type: 'MultiHeadAttention' {frozen}", [(1, 2, 3)])
    layer.reshape((1, 2, 3))
    layer.forward(np.ones((1, 2, 3)))
    layer.backward(np.ones((1, 2, 3)))
    assert all(not p.diff.any() for p in layer.params)


def test_multiply_adds():
    layer = make_layer("type: 'MultiHeadAttention'", [(2, 5, 4)])
    # four projections of 5 places, and two products of 5 × 5 places
    assert layer.multiply_adds(((2, 5, 4),), ((2, 5, 4),)) == 2 * (4 * 5 * 16 + 2 * 25 * 4)
    layer = make_layer("type: 'MatMul'", [(2, 3, 4), (2, 4, 5)])
    assert layer.multiply_adds(((2, 3, 4), (2, 4, 5)), ((2, 3, 5),)) == 2 * 3 * 4 * 5


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("type: 'MatMul'", [(3,), (3, 2)], "at least 2 axes"),
        ("type: 'MatMul'", [(2, 3, 4), (3, 4, 5)], "axes before the last two must agree"),
        ("type: 'MatMul'", [(3, 4), (3, 4)], "rows of 4 values meet columns of 3"),
        ("type: 'MultiHeadAttention'", [(2, 3)], "(items, places, 3 features)"),
        ("type: 'MultiHeadAttention'", [(2, 3, 4), (2, 3, 5)], "4 features"),
        ("type: 'MultiHeadAttention'", [(2, 3, 4), (1, 3, 4)], "as many items"),
        ("type: 'MultiHeadAttention'", [(2, 3, 4), (2, 3, 4), (2, 2, 4)], "as many places"),
        (
            "type: 'MultiHeadAttention' multi_head_attention_param { num_heads: 3 }",
            [(2, 3, 4)],
            "num_heads must divide the 4 features; given 3",
        ),
        (
            "type: 'MultiHeadAttention' multi_head_attention_param { causal: true }",
            [(2, 3, 4), (2, 2, 4)],
            "given 2 keys, 3 queries",
        ),
    ],
)
def test_errors(text, shapes, message):
    with pytest.raises(NetError) as error:
        top_shapes(make_layer(text, shapes), shapes)
    assert message in str(error.value)

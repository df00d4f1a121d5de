import numpy as np
import pytest

from netcfg.errors import DataError, NetError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check

FILLERS = "weight_filler { type: 'gaussian' } bias_filler { type: 'uniform' }"
EMBED = f'type: "Embed" embed_param {{ num_output: 3 input_dim: 5 {FILLERS} '
WORDS = [[4.0, 0.0], [1.0, 4.0], [2.0, 4.0]]
CASES = [
    Case("embed", EMBED + "}", [WORDS]),
    Case("embed no bias", EMBED + "bias_term: false }", [WORDS]),
    Case("embed tiny", 'type: "Embed" embed_param { num_output: 1 input_dim: 1 }', [[0.0]]),
    Case("embed one axis", EMBED + "}", [[1.0, 1.0, 3.0]]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_definition(case):
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape])
    w, *b = (p.data for p in layer.params)
    rows, columns = (1, 1) if case.name == "embed tiny" else (5, 3)
    assert w.shape == (rows, columns)
    assert [p.shape for p in b] == ([] if "bias_term" in case.text else [(columns,)])
    y, dy = layer.forward(x), np.random.default_rng(0).normal(size=(*x.shape, columns))
    assert layer.backward(dy) is None
    dw = np.zeros((rows, columns))
    for place in np.ndindex(x.shape):
        row = int(x[place])
        assert y[place] == pytest.approx(w[row] + (b[0] if b else 0))
        dw[row] += dy[place]
    assert layer.params[0].diff == pytest.approx(dw)
    if b:
        assert layer.params[1].diff == pytest.approx(dy.reshape(-1, columns).sum(axis=0))


def test_words_beyond_the_table():
    layer = make_layer(EMBED + "}", [(2,)])
    with pytest.raises(DataError, match=r"^index 5 at index 1 must lie in \[0, 5\) \(5 rows\)$"):
        layer.forward(np.array([0.0, 5.0]))


@pytest.mark.parametrize(
    ("fields", "missing"), [("num_output: 3", "input_dim"), ("input_dim: 3", "num_output")]
)
def test_sizes_must_be_given(fields, missing):
    with pytest.raises(NetError, match=f"^embed_param: {missing} must be at least 1$"):
        make_layer(f'type: "Embed" embed_param {{ {fields} }}', [(2,)])

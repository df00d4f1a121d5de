import numpy as np
import pytest

from netcfg.errors import DataError, ShapeError
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check, run

RNG = np.random.default_rng(11)
LABELS = RNG.integers(0, 5, (6, 1, 2, 2)).astype(float)
LABELS[LABELS == 4] = 1
"""No label is 4."""


def accuracy(name, fields="", x=(6, 5, 2, 2), label=LABELS, per_class=False, **extra):
    tops = 'top: "accuracy" top: "per_class"' if per_class else ""
    text = f'type: "Accuracy" {tops} accuracy_param {{ {fields} }}'
    return Case(name, text, [x, label], Phase.TEST, gradient=False, extra=extra)


def argmax(name, fields="", x=(3, 6, 4, 5), **extra):
    text = f'type: "ArgMax" argmax_param {{ {fields} }}'
    return Case(name, text, [x], Phase.TEST, gradient=False, extra=extra)


ACCURACY_CASES = [
    accuracy("accuracy"),
    accuracy("accuracy top 3", "top_k: 3", k=3),
    accuracy("accuracy ignore", "ignore_label: 1", ignore=1),
    accuracy("accuracy ignore beside the classes", "ignore_label: 255", ignore=255,
             label=np.where(LABELS == 1, 255, LABELS)),
    accuracy("accuracy per class", "top_k: 2", per_class=True, k=2),
    accuracy("accuracy per class ignore", "ignore_label: 0", per_class=True, ignore=0),
    accuracy("accuracy axis", "axis: -1", x=(6, 4, 5), label=LABELS.reshape(6, 4), axis=2),
    accuracy("accuracy flat", x=(6, 5), label=LABELS[:, 0, 0, 0]),
]  # fmt: skip
ARGMAX_CASES = [
    argmax("argmax"),
    argmax("argmax top 2", "top_k: 2", k=2),
    argmax("argmax values", "out_max_val: true top_k: 3", k=3, values=True),
    argmax("argmax matrix", x=(3, 4)),
    argmax("argmax axis", "axis: 1", axis=1),
    argmax("argmax axis top 3", "axis: -1 top_k: 3", axis=3, k=3),
    argmax("argmax axis values", "axis: 2 top_k: 2 out_max_val: true", axis=2, k=2, values=True),
]
CASES = ACCURACY_CASES + ARGMAX_CASES


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", ACCURACY_CASES, ids=lambda c: c.name)
def test_accuracy_is_what_it_says(case):
    x, label = case.arrays()
    axis, k = case.extra.get("axis", 1), case.extra.get("k", 1)
    lines = np.moveaxis(x, axis, -1).reshape(-1, 5)
    seen, right = [0] * 5, [0] * 5
    for line, value in zip(lines, label.ravel().astype(int), strict=True):
        if value != case.extra.get("ignore"):
            seen[value] += 1
            best = sorted(range(5), key=lambda i, line=line: -line[i])[:k]
            right[value] += value in best
    tops = run(case)
    assert tops[0] == pytest.approx(sum(right) / sum(seen))
    if len(tops) > 1:
        want = [r / s if s else 0 for r, s in zip(right, seen, strict=True)]
        assert want[4] == 0
        assert tops[1] == pytest.approx(want)


@pytest.mark.parametrize(
    ("scores", "k", "want"),
    [
        ([3, 1, 2], 1, 1.0),
        ([3, 3, 2], 1, 0.0),
        ([3, 3, 2], 2, 1.0),
        ([3, 4, 5], 2, 0.0),
        ([3, 3, 3], 2, 0.0),
        ([np.nan] * 3, 1, 0.0),
        ([3, np.nan, 1], 1, 0.0),
    ],
)
def test_ties_and_nan_count_against(scores, k, want):
    layer = make_layer(f'type: "Accuracy" accuracy_param {{ top_k: {k} }}', [(1, 3), (1,)])
    layer.reshape((1, 3), (1,))
    assert layer.forward(np.array([scores], float), np.zeros(1)) == want


def test_accuracy_without_labels_is_0():
    text = 'type: "Accuracy" top: "a" top: "b" accuracy_param { ignore_label: 7 }'
    layer = make_layer(text, [(2, 3), (2,)])
    layer.reshape((2, 3), (2,))
    accuracy, per_class = layer.forward(np.ones((2, 3)), np.full(2, 7.0))
    assert accuracy == 0
    assert per_class.tolist() == [0, 0, 0]
    assert layer.forward(np.eye(2, 3), np.array([0.0, 7.0]))[1].tolist() == [1, 0, 0]


def test_accuracy_refuses_a_label_out_of_range():
    layer = make_layer('type: "Accuracy"', [(2, 3), (2,)])
    layer.reshape((2, 3), (2,))
    with pytest.raises(DataError, match=r"^label 3 at index 1 must lie in \[0, 3\) \(3 classes\)$"):
        layer.forward(np.ones((2, 3)), np.array([0.0, 3.0]))


@pytest.mark.parametrize(
    ("fields", "x", "y"),
    [
        ("", (3, 6, 4, 5), (3, 1, 1, 1)),
        ("top_k: 2", (3, 6), (3, 1, 2)),
        ("top_k: 2 out_max_val: true", (3, 6, 4, 5, 2), (3, 2, 2, 1, 1)),
        ("top_k: 2 out_max_val: true axis: 1", (3, 6, 4), (3, 2, 4)),
        ("", (0, 6), (0, 1, 1)),
    ],
)
def test_the_shape_of_argmax(fields, x, y):
    layer = make_layer(f'type: "ArgMax" argmax_param {{ {fields} }}', [x])
    assert layer.reshape(x) == layer.forward(np.zeros(x)).shape == y


@pytest.mark.parametrize("case", ARGMAX_CASES, ids=lambda c: c.name)
def test_argmax_is_what_it_says(case):
    (x,), (y,) = case.arrays(), run(case)
    k, axis, values = (case.extra.get(name) for name in ("k", "axis", "values"))
    k = k or 1
    if axis is None:
        for n in range(len(x)):
            line = x[n].ravel()
            best = sorted(range(line.size), key=lambda i, line=line: -line[i])[:k]
            want = [best, [line[i] for i in best]] if values else [best]
            assert y[n].reshape(-1, k) == pytest.approx(np.array(want))
        return
    for place in np.ndindex(x.shape[:axis] + x.shape[axis + 1 :]):
        at = (*place[:axis], slice(None), *place[axis:])
        best = sorted(range(x.shape[axis]), key=lambda i, line=x[at]: -line[i])[:k]
        assert y[at] == pytest.approx([x[at][i] for i in best] if values else best)


@pytest.mark.parametrize(("k", "want"), [(1, [2]), (2, [2, 1]), (4, [2, 1, 3, 0])])
def test_of_equal_values_the_last_comes_first_as_in_caffe(k, want):
    layer = make_layer(f'type: "ArgMax" argmax_param {{ top_k: {k} axis: 1 }}', [(1, 4)])
    layer.reshape((1, 4))
    assert layer.forward(np.array([[1.0, 5.0, 5.0, 2.0]])).tolist() == [want]


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ('type: "Accuracy" accuracy_param { top_k: 4 }', [(2, 3), (2,)],
         "top_k must lie in [1, 3] for 3 classes; given 4"),
        ('type: "Accuracy" accuracy_param { top_k: 0 }', [(2, 3), (2,)],
         "top_k must lie in [1, 3] for 3 classes; given 0"),
        ('type: "Accuracy"', [(2, 3, 4), (2,)],
         "label shape (2,) must hold 8 values, one for each prediction along axis 1 of (2, 3, 4)"),
        ('type: "ArgMax" argmax_param { top_k: 13 }', [(2, 3, 4)],
         "top_k must lie in [1, 12] for 12 values; given 13"),
        ('type: "ArgMax" argmax_param { top_k: 0 axis: 1 }', [(2, 3, 4)],
         "top_k must lie in [1, 3] for 3 values; given 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(text, shapes, message):
    with pytest.raises(ShapeError) as error:
        make_layer(text, shapes).reshape(*shapes)
    assert str(error.value) == message

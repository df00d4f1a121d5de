import numpy as np
import pytest

from netcfg.errors import DataError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

LABEL = np.random.default_rng(0).integers(0, 3, (2, 1, 4, 5))


def seg(name, fields, x, label=LABEL):
    return Case(
        name, f'type: "SegAccuracy" seg_accuracy_param {{ {fields} }}', (x, label), gradient=False
    )


CASES = [
    seg("three classes", "", (2, 3, 4, 5)),
    seg("a class that is nowhere", "", np.eye(4)[LABEL[:, 0]].transpose(0, 3, 1, 2)),
    seg("ignored", "ignore_label: 2 ignore_label: 255", (2, 3, 4, 5), np.where(LABEL, LABEL, 255)),
    seg("one score", "", (2, 1, 4, 5), LABEL % 2),
    seg("labels without channel", "", (2, 3, 4, 5), LABEL[:, 0]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def naive(x, label, ignored):
    K = max(x.shape[1], 2)
    counts = np.zeros((K, K))
    for n, i, j in np.ndindex(len(x), *x.shape[2:]):
        want = int(label.reshape(len(x), *x.shape[2:])[n, i, j])
        guess = int(np.argmax(x[n, :, i, j])) if x.shape[1] > 1 else int(x[n, 0, i, j] > 0.5)
        if want not in ignored:
            counts[want, guess] += 1
    recall = [counts[k, k] / counts[k].sum() for k in range(K) if counts[k].sum()]
    share = []
    for k in range(K):
        union = counts[k].sum() + counts[:, k].sum() - counts[k, k]
        share.append(counts[k, k] / union if union else 1)
    return [np.trace(counts) / counts.sum(), np.mean(recall), np.mean(share)]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_measures_against_the_definition(case):
    x, label = case.arrays()
    ignored = (2, 255) if case.name == "ignored" else ()
    np.testing.assert_allclose(run(case)[0].ravel(), naive(x, label, ignored))


def test_all_right_is_one():
    np.testing.assert_array_equal(run(CASES[1])[0].ravel(), 1)


def test_nothing_to_count():
    case = seg("", "ignore_label: 7", (2, 3, 4, 5), np.full(LABEL.shape, 7))
    np.testing.assert_array_equal(run(case)[0].ravel(), [0, 0, 1])


def test_counting_on():
    rng = np.random.default_rng(1)
    xs = [rng.normal(size=(2, 3, 4, 5)) for _ in range(2)]
    layers = [
        make_layer(seg("", fields, xs[0].shape).text, [xs[0].shape, LABEL.shape])
        for fields in ("reset: false", "")
    ]
    together = naive(np.concatenate(xs), np.concatenate([LABEL] * 2), ())
    alone = naive(xs[1], LABEL, ())
    for layer, want in zip(layers, (together, alone), strict=True):
        layer.reshape(xs[0].shape, LABEL.shape)
        layer.forward(xs[0], LABEL)
        kept = layer.state()
        np.testing.assert_allclose(layer.forward(xs[1], LABEL).ravel(), want)
        assert bool(kept) == (want is together)
        layer.restore(1, kept)
        np.testing.assert_allclose(layer.forward(xs[1], LABEL).ravel(), want)


def test_labels_out_of_range_are_refused():
    with pytest.raises(DataError, match=r"label 3 at index .* must lie in \[0, 3\)"):
        run(seg("", "", (2, 3, 4, 5), np.full(LABEL.shape, 3)))


@pytest.mark.parametrize("label", [(2, 1, 4, 4), (4, 1, 2, 5)])
def test_shapes_that_are_refused(label):
    layer = make_layer('type: "SegAccuracy"', [(2, 3, 4, 5), label])
    with pytest.raises(ShapeError, match="must hold one label for each pixel"):
        layer.reshape((2, 3, 4, 5), label)

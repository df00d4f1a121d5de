import itertools
import math

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import as_arrays
from netcfg.layers.ctc import ends_of_sequences, label_sequences
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

ROWS = np.array([[1.0, 1, 0], [2, 0, 0], [0, 0, 0], [1, -1, 2]])
"""Labels of four sequences by rows: with an equal pair, one, none, and one that ends early."""
COLUMNS = np.array([[1.0, 1, -1, 2], [1, -1, -1, 1], [-1, -1, -1, 2]])
STARTS = np.array([[0.0, 0, 0, 0], [1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]])


def loss(name, fields, *others, layer="CTCLoss", block="ctc_loss_param", x=(5, 4, 3), extra=None):
    text = f'type: "{layer}" {block} {{ {fields} }} {extra or ""}'
    return Case(name, text, (x, *others))


LOSSES = [
    loss("labels in rows", "", ROWS),
    loss("one long axis more", "", ROWS, x=(5, 4, 3, 1)),
    loss("indicators", "", STARTS, COLUMNS),
    loss("lengths", "", np.array([5.0, 4, 3, 5]), np.array([2.0, 1, 0, 3]), np.abs(COLUMNS)),
    loss("last class is the blank", "blank_index: -1", ROWS % 2),
    loss("other blank", "blank_index: 1", np.array([[0.0, 2], [2, 2], [0, -1], [2, 1]])),
    loss("delayed", "output_delay: 2", ROWS),
    loss("first steps only", "blank_label: 0 time_step: 4 alphabet_size: 3", ROWS, layer="CtcLoss"),
    loss("joined labels", "preprocess_collapse_repeated: true", ROWS),
    loss("paths not joined", "ctc_merge_repeated: false", ROWS),
    loss("sum", "", ROWS, extra="loss_param { normalization: NONE }"),
    loss("warp", "blank_label: 2", ROWS % 2, layer="WarpCTCLoss", block="warpctc_loss_param"),
    loss("no labels", "", np.zeros((4, 2)), layer="WarpCTCLoss"),
]
PROBS = np.random.default_rng(0).uniform(size=(6, 4, 3))
TARGETS = np.array([[1.0, 2, -1, 2], [2, 2, -1, 1], [1, -1, -1, -1]])
BEGINS = np.array([[0.0] * 4, [1, 1, 1, 0], [1] * 4, [1, 0, 1, 1], [1] * 4, [1] * 4])


def decoder(name, fields, *others, tops=1):
    text = "".join(f' top: "t{i}"' for i in range(tops))
    text = f'type: "CTCGreedyDecoder"{text} ctc_decoder_param {{ {fields} }}'
    return Case(name, text, (PROBS, *others), gradient=False)


DECODERS = [
    decoder("greedy", ""),
    decoder("greedy, not joined", "ctc_merge_repeated: false blank_index: -1"),
    decoder("with scores", "", BEGINS, tops=2),
    decoder("with accuracy", "", BEGINS, TARGETS, tops=2),
    decoder("with both", "", BEGINS, TARGETS, tops=3),
]


def indicator(name, fields, *bottoms):
    text = f'type: "ContinuationIndicator" continuation_indicator_param {{ {fields} }}'
    return Case(name, text, bottoms, gradient=False)


INDICATORS = [
    indicator("from the bottom", "", (4, 3, 2)),
    indicator("from the second axis", "axis: 1", (3, 4, 2)),
    indicator("from fields", "time_step: 4 batch_size: 3"),
]
CASES = [*LOSSES, *DECODERS, *INDICATORS]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def field(case, name, default=0):
    return case.text.split(f" {name}: ")[1].split()[0] if f" {name}: " in case.text else default


def labels_and_lengths(case):
    """Return what a case says, sequence by sequence."""
    T, N, C = case.arrays()[0].shape[:3]
    others = case.arrays()[1:]
    blank = int(field(case, "blank_index", field(case, "blank_label"))) % C
    rows = others[-1].tolist() if len(others) == 1 else others[-1].T.tolist()
    lengths = [T] * N
    if len(others) == 2:
        starts = others[0].T.tolist()
        lengths = [s.index(0, 1) if 0 in s[1:] else T for s in starts]
    if len(others) == 3:
        lengths = [int(v) for v in others[0]]
        rows = [row[: int(n)] for row, n in zip(rows, others[1], strict=True)]
    found = []
    for row in rows:
        end = next((i for i, v in enumerate(row) if v < 0), len(row))
        label = [int(v) for v in row[:end] if v != blank]
        if "preprocess_collapse_repeated: true" in case.text:
            label = [k for k, _ in itertools.groupby(label)]
        found.append(label)
    return found, lengths, blank


def spelt(path, blank, merge):
    path = [k for k, _ in itertools.groupby(path)] if merge else path
    return [k for k in path if k != blank]


@pytest.mark.parametrize("case", LOSSES, ids=lambda c: c.name)
def test_the_loss_is_that_of_all_paths(case):
    x = case.arrays()[0]
    T, N, C = x.shape[:3]
    labels, lengths, blank = labels_and_lengths(case)
    p = np.exp(x.reshape(T, N, C))
    p /= p.sum(axis=2, keepdims=True)
    merge = "ctc_merge_repeated: false" not in case.text
    first, last = int(field(case, "output_delay")), int(field(case, "time_step", T))
    total = 0.0
    for n, label in enumerate(labels):
        steps = range(first, min(lengths[n], last))
        if not label and lengths[n] <= 1:
            continue
        prob = sum(
            math.prod(p[t, n, k] for t, k in zip(steps, path, strict=True))
            for path in itertools.product(range(C), repeat=len(steps))
            if spelt(path, blank, merge) == label
        )
        total -= math.log(prob)
    want = total if "NONE" in case.text else total / N
    assert float(run(case)[0]) == pytest.approx(want, rel=1e-9)


def test_small_probabilities_keep_their_digits():
    x = np.zeros((60, 1, 3))
    x[:, :, 0] = 700
    layer = make_layer('type: "CTCLoss"', [x.shape, (1, 30)])
    layer.reshape(x.shape, (1, 30))
    loss_value = float(layer.forward(x, np.tile([1.0, 2], 15)[None]))
    # 30 labels in 60 steps: every path pays 700 for each label
    ways = math.log(math.comb(60, 30))
    assert loss_value == pytest.approx(30 * 700 - ways, abs=10)
    (dx, _) = layer.backward(np.array(1.0))
    assert np.isfinite(dx).all()
    np.testing.assert_allclose(dx.sum(axis=2), 0, atol=1e-9)


def test_steps_that_are_not_read_have_no_gradient():
    for case, unread in ((LOSSES[6], slice(0, 2)), (LOSSES[7], slice(4, 5))):
        xs = case.arrays()
        layer = make_layer(case.text, [x.shape for x in xs])
        layer.reshape(*[x.shape for x in xs])
        layer.forward(*xs)
        dx = layer.backward(np.array(1.0))[0]
        assert not dx[unread].any()
        assert np.delete(dx, np.arange(5)[unread], axis=0).any()


@pytest.mark.parametrize("case", DECODERS, ids=lambda c: c.name)
def test_what_the_decoder_finds(case):
    x, *others = case.arrays()
    T, N, C = x.shape
    blank = int(field(case, "blank_index")) % C
    merge = "ctc_merge_repeated: false" not in case.text
    found, *more = run(case)
    score, errors = [], []
    for n in range(N):
        end = T
        if others:
            starts = others[0][:, n].tolist()
            end = starts.index(0, 1) if 0 in starts[1:] else T
        path = [int(x[t, n].argmax()) for t in range(end)]
        label = spelt(path, blank, merge)
        assert found[n, :, 0, 0].tolist() == label + [-1] * (T - len(label))
        score.append(-sum(x[t, n].max() for t in range(end)))
        if len(others) > 1:
            want = [int(v) for v in others[1][:, n] if v > 0]
            errors.append(edits(label, want) / max(len(label), len(want), 1))
    if "scores" in case.name or "both" in case.name:
        np.testing.assert_allclose(more[0].ravel(), score)
    if errors:
        assert more[-1].item() == pytest.approx(1 - sum(errors) / N)
        assert 0 < more[-1].item() < 1


def edits(a, b):
    if not a or not b:
        return len(a) + len(b)
    return min(edits(a[1:], b) + 1, edits(a, b[1:]) + 1, edits(a[1:], b[1:]) + (a[0] != b[0]))


def test_an_accuracy_is_exact_where_all_is_found():
    x = np.eye(3)[[[1, 0], [1, 2], [2, 2], [2, 0]]]
    text = 'type: "CTCGreedyDecoder" top: "y" top: "accuracy"'
    bottoms = x, np.ones((4, 2)), np.array([[1.0, 2], [2, -1]])
    layer = make_layer(text, [b.shape for b in bottoms])
    layer.reshape(*[b.shape for b in bottoms])
    found, accuracy = layer.forward(*bottoms)
    assert found[..., 0, 0].tolist() == [[1, 2, -1, -1], [2, -1, -1, -1]]
    assert accuracy.item() == 1


@pytest.mark.parametrize("case", INDICATORS, ids=lambda c: c.name)
def test_sequences_begin_with_the_pass(case):
    layer = make_layer(case.text, case.bottoms)
    layer.reshape(*case.bottoms)
    y = layer.forward(*case.arrays())
    assert y.tolist() == [[0] * 3] + [[1] * 3] * 3


def test_ends_of_sequences():
    assert ends_of_sequences(STARTS).tolist() == [5, 2, 1, 5]
    assert ends_of_sequences(np.ones((3, 1))).tolist() == [3]


def test_label_sequences():
    found = label_sequences(ROWS, 0)
    assert [label.tolist() for label in found] == [[1, 1], [2], [], [1]]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (loss("", "", np.array([[3.0]] * 4)), "label 3 of sequence 0 must be less than 3 classes"),
        (loss("", "", np.array([[1.0, 2] * 3] * 4)), "the 6 labels of sequence 0 must fit .* 5"),
        (
            loss("", "", np.array([[1.0, 0, 0], [1, 1, 1], [0, 0, 0], [0, 0, 0]]), x=(4, 4, 3)),
            "the 3 labels and 2 blanks between equal ones of sequence 1 must fit .* given 4",
        ),
    ],
)
def test_what_labels_are_refused(case, message):
    with pytest.raises(DataError, match=message):
        run(case)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (loss("", "", ROWS, x=(5, 4)), "the first bottom must have axes T, N, C"),
        (loss("", "blank_index: 3", ROWS), "the blank must be one of 3 classes; given 3"),
        (loss("", "alphabet_size: 4", ROWS), "alphabet_size must be the 3 classes; given 4"),
        (loss("", "time_step: 6", ROWS), "time_step must be at most the 5 steps .* given 6"),
        (loss("", "output_delay: 5", ROWS), "more than output_delay 5; given 5"),
        (loss("", "", ROWS.T), r"labels must be \(N, L\) for 4 sequences; given \(3, 4\)"),
        (loss("", "", STARTS, ROWS), r"labels must be \(L, N\)"),
        (loss("", "", STARTS[:4], COLUMNS), r"indicators must be \(5, 4\)"),
        (loss("", "", np.ones(4), np.ones(3), COLUMNS), "lengths must be 4 numbers"),
        (decoder("", "", STARTS), r"indicators must be \(6, 4\)"),
        (decoder("", "", BEGINS, ROWS), r"labels must be \(L, N\) for 4"),
        (indicator("", "time_step: 4"), "time_step and batch_size, or a bottom with both axes"),
    ],
)
def test_what_shapes_are_refused(case, message):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    with pytest.raises(ShapeError, match=message):
        layer.reshape(*[x.shape for x in xs])


def test_axes_and_tops_that_are_refused():
    with pytest.raises(NetError, match="axis must be 0 or 1, that of time; given 2"):
        make_layer(indicator("", "axis: 2").text, [(4, 3)]).reshape((4, 3))
    with pytest.raises(NetError, match="1 bottoms have at most 2 tops; given 3"):
        make_layer(decoder("", "", tops=3).text, [(6, 4, 3)])


def test_all_tops_are_arrays():
    assert [len(as_arrays(run(case))) for case in DECODERS] == [1, 1, 2, 2, 3]

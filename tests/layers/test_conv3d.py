import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

X = (2, 2, 4, 5, 3)
FILLERS = "weight_filler { type: 'gaussian' } bias_filler { type: 'uniform' min: 1 max: 2 }"


def conv3d(fields):
    return f"type: 'Convolution3D' convolution3d_param {{ {FILLERS} {fields} }}"


def conv(fields):
    return f"type: 'Convolution' convolution_param {{ {FILLERS} {fields} }}"


def pool3d(fields):
    return f"type: 'Pooling3D' pooling3d_param {{ {fields} }}"


SAME = [
    (conv3d("num_output: 3 kernel_size: 2"), conv("num_output: 3 kernel_size: [1, 2, 2]")),
    (
        conv3d("num_output: 3 kernel_size: 3 kernel_depth: 2 pad: 1 temporal_pad: 1"),
        conv("num_output: 3 kernel_size: [2, 3, 3] pad: 1"),
    ),
    (
        conv3d(
            "num_output: 4 kernel_size: 2 kernel_depth: 3 stride: 2 temporal_stride: 1 group: 2"
        ),
        conv("num_output: 4 kernel_size: [3, 2, 2] stride: [1, 2, 2] group: 2"),
    ),
]
POOLINGS = [
    ("kernel_size: 2 stride: 2", (1, 2, 2), (1, 2, 2)),
    ("kernel_size: 2 kernel_depth: 2 stride: 2 temporal_stride: 2", (2, 2, 2), (2, 2, 2)),
    ("pool: AVE kernel_size: 2 kernel_depth: 3 stride: 1 temporal_stride: 1", (3, 2, 2), (1, 1, 1)),
]


SAME += [
    # C3D itself has the fields in the blocks of Convolution and Pooling.
    (text.replace("convolution3d_param", "convolution_param"), plain)
    for text, plain in SAME[:2]
]
SAME += [
    (text.replace("Convolution3D", "Deconvolution3D"), plain.replace("Conv", "Deconv"))
    for text, plain in SAME[1:3]
]
CASES = [Case(text, text, [X]) for text, _ in SAME]
CASES += [Case(fields, pool3d(fields), [X]) for fields, _, _ in POOLINGS]
CASES += [
    Case("as in C3D", pool3d(fields).replace("pooling3d_param", "pooling_param"), [X])
    for fields, _, _ in POOLINGS[1:2]
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize(("text", "plain"), SAME)
def test_convolution_with_three_numbers_is_the_same(text, plain):
    (got,), (want,) = run(Case("", text, [X])), run(Case("", plain, [X]))
    assert got == pytest.approx(want)


@pytest.mark.parametrize(("fields", "kernel", "stride"), POOLINGS)
def test_pooling_against_the_definition(fields, kernel, stride):
    case = Case("", pool3d(fields), [X])
    (x,), (y,) = case.arrays(), run(case)
    sizes = tuple(-(-(n - k) // s) + 1 for n, k, s in zip(X[2:], kernel, stride, strict=True))
    assert y.shape == (2, 2, *sizes)
    for place in np.ndindex(sizes):
        window = tuple(
            slice(i * s, i * s + k) for i, s, k in zip(place, stride, kernel, strict=True)
        )
        values = x[(slice(None), slice(None), *window)]
        want = values.mean(axis=(2, 3, 4)) if "AVE" in fields else values.max(axis=(2, 3, 4))
        assert y[(slice(None), slice(None), *place)] == pytest.approx(want)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        (conv3d("num_output: 1 kernel_size: 2"), (1, 2, 3, 4), "axes N, C, T, H and W; given 2"),
        (pool3d("kernel_size: 2"), (1, 2, 3, 4), "axes N, C, T, H and W; given 2"),
        (conv3d("num_output: 1"), X, "kernel_size must be given once; given 0 times"),
        (conv3d("num_output: 1 kernel_size: [2, 2]"), X, "given 2 times"),
        (conv3d("num_output: 1 kernel_size: 2 kernel_depth: 0"), X, "given (0, 2, 2)"),
        (pool3d("kernel_depth: 2"), X, "at least 1; given 2 and 0"),
        (pool3d("kernel_size: 2 temporal_stride: 0"), X, "stride must be at least 1"),
    ],
)
def test_errors(text, shape, message):
    with pytest.raises(NetError) as error:
        make_layer(text, [shape])
    assert message in str(error.value)

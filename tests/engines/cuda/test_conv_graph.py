"""Graphs of convolutions: what is read and written, and with cuDNN the plans, without a card."""

import pytest

from netcfg.engines import Conv, Window
from netcfg.engines.cuda.conv_graph import ADD, BIAS, Spec, W, X, Y
from tests.engines.cuda.offline import convolutions
from tests.engines.cuda.plans import built

CONV = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
SHAPES = (2, 4, 5, 5), (8, 4, 3, 3), (2, 8, 5, 5)


def test_what_is_read_and_written() -> None:
    forward = Spec("forward", *SHAPES, CONV, "float32", bias=True, add=True)
    assert (forward.inputs, forward.output) == ((X, W, BIAS, ADD), Y)
    assert Spec("grad_x", *SHAPES, CONV, "float32").inputs == (Y, W)
    weights = Spec("grad_w", *SHAPES, CONV, "float32")
    assert (weights.inputs, weights.output) == ((Y, X), W)


def test_which_plans_are_not_wanted() -> None:
    assert Spec("forward", *SHAPES, CONV, "float32").avoided == (
        "NONDETERMINISTIC",
        "DOWN_CONVERT_INPUTS",
    )
    free = Spec("forward", *SHAPES, CONV, "float16", tf32=False, deterministic=False)
    assert free.avoided == ()
    exact = Spec("forward", *SHAPES, CONV, "float32", tf32=False, deterministic=False)
    assert exact.avoided == ("DOWN_CONVERT_INPUTS", "TENSOR_CORE")


@pytest.mark.parametrize("name", convolutions())
def test_cudnn_has_a_plan(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = built(tmp_path_factory.getbasetemp())[name]
    if name == "depthwise bfloat16 fused":
        assert "error" in found  # the engine adds bias and ReLU after it
        return
    assert found.get("plans", 0) > 0, found
    assert found["workspace"] <= 1 << 30

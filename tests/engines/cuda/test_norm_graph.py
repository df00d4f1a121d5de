"""Graphs of normalizations: tensors and operations, and with cuDNN the plans, without a card."""

import pytest

from netcfg.engines.cuda.norm_graph import (
    DB,
    DW,
    DX,
    DY,
    INVERSE,
    MEAN,
    NEW_MEAN,
    NEW_VAR,
    OLD_MEAN,
    OLD_VAR,
    B,
    NormSpec,
    W,
    X,
    Y,
)
from tests.engines.cuda.frontend import drawn
from tests.engines.cuda.offline import norms
from tests.engines.cuda.plans import built

IMAGE, ROWS = (2, 4, 5, 6), (7, 8, 1, 1)


def test_what_is_read_and_written() -> None:
    forward = NormSpec("batch", IMAGE, "float16", 0.1)
    assert forward.inputs == (X, W, B, OLD_MEAN, OLD_VAR)
    assert forward.outputs == (Y, MEAN, INVERSE, NEW_MEAN, NEW_VAR)
    backward = NormSpec("batch", IMAGE, "float16", 0.0, grad=True)
    assert (backward.inputs, backward.outputs) == ((DY, X, W, MEAN, INVERSE), (DX, DW, DB))
    bent = NormSpec("batch", IMAGE, "float16", 0.0, grad=True, relu=True)
    assert bent.inputs == (*backward.inputs, B)
    layer = NormSpec("layer", ROWS, "float16", 0.1)
    assert (layer.inputs, layer.outputs) == ((X, W, B), (Y, MEAN, INVERSE))
    rms = NormSpec("rms", ROWS, "float16", 0.1)
    assert (rms.inputs, rms.outputs) == ((X, W), (Y, INVERSE))
    assert NormSpec("rms", ROWS, "float16", 0.0, grad=True).outputs == (DX, DW)


def test_statistics_are_of_channels_or_of_rows() -> None:
    batch, layer = NormSpec("batch", IMAGE, "float32", 0.1), NormSpec("layer", ROWS, "float32", 0.1)
    assert (batch.shape(MEAN), batch.shape(W), batch.shape(Y)) == ((1, 4, 1, 1),) * 2 + (IMAGE,)
    assert (layer.shape(INVERSE), layer.shape(W)) == ((7, 1, 1, 1), (1, 8, 1, 1))
    assert NormSpec("batch", (2, 4, 3, 5, 6), "float32", 0.1).shape(B) == (1, 4, 1, 1, 1)


def test_forward_over_the_batch_with_relu() -> None:
    graph = drawn(NormSpec("batch", IMAGE, "float16", 0.1, relu=True))
    assert [call.name for call in graph.calls] == ["batchnorm", "relu"]
    norm, relu = graph.calls
    running = {"in_running_mean": OLD_MEAN, "in_running_var": OLD_VAR}
    assert norm.uids == {"input": X, "scale": W, "bias": B, **running}
    assert (norm.given["epsilon"], norm.given["momentum"]) == (0.1, 1.0)
    assert relu.given["input"] is norm.results[0]
    assert graph.tensors[X]["stride"] == [120, 1, 24, 4]
    assert (graph.tensors[X]["data_type"], graph.tensors[W]["data_type"]) == ("HALF", "FLOAT")
    written = {uid: (t.dim, t.data_type) for uid, t in graph.written().items()}
    assert written == {
        Y: (list(IMAGE), "HALF"),
        **dict.fromkeys((MEAN, INVERSE, NEW_MEAN, NEW_VAR), ([1, 4, 1, 1], "FLOAT")),
    }
    assert graph.deselected == ["NONDETERMINISTIC"]


def test_gradient_over_the_batch_bends_again() -> None:
    graph = drawn(NormSpec("batch", IMAGE, "bfloat16", 0.0, grad=True, relu=True))
    again, bend, back = graph.calls
    assert [c.name for c in graph.calls] == [
        *("batchnorm_inference", "relu_backward", "batchnorm_backward")
    ]
    same = {"input": X, "scale": W, "mean": MEAN, "inv_variance": INVERSE}
    assert again.uids == {**same, "bias": B}
    assert (bend.uids, bend.given["input"]) == ({"loss": DY}, again.results[0])
    assert bend.results[0].data_type == "BFLOAT16"
    assert (back.uids, back.given["grad"]) == (same, bend.results[0])
    assert list(graph.written()) == [DX, DW, DB]


@pytest.mark.parametrize(("kind", "name"), [("layer", "layernorm"), ("rms", "rmsnorm")])
def test_rows(kind: str, name: str) -> None:
    spec = NormSpec(kind, ROWS, "float32", 0.1)  # type: ignore[arg-type]
    (call,) = drawn(spec).calls
    assert call.name == name
    assert call.given["norm_forward_phase"] == "TRAINING"
    assert (call.given["bias"] is None) == (kind == "rms")
    grad = drawn(NormSpec(kind, ROWS, "float32", 0.0, grad=True))  # type: ignore[arg-type]
    (back,) = grad.calls
    assert back.name == f"{name}_backward"
    assert back.given.get("has_dbias") is (False if kind == "rms" else None)
    assert list(grad.written()) == [DX, DW, DB][: 2 if kind == "rms" else 3]


SPECS = norms()


@pytest.mark.parametrize("name", SPECS)
def test_cudnn_has_a_plan(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = built(tmp_path_factory.getbasetemp())[name]
    assert found.get("plans", 0) > 0, found
    assert found["workspace"] <= 1 << 30
    assert found["arrays"] == sorted((*SPECS[name].inputs, *SPECS[name].outputs))
